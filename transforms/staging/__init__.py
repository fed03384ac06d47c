"""Turns raw rows into datasets."""
