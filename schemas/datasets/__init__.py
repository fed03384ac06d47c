"""Contracts of the datasets of stage staged."""
