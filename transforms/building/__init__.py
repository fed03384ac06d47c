"""Builds rollups, indicators and scorecards of a quarter from what is staged."""
