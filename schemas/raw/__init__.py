"""Contracts of the raw tables, one module per format we can read."""
