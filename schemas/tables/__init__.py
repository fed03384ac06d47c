"""Contracts of the tables that the pipeline itself writes."""
