"""Sums of accelerator samples, from single rows to a quarter."""
