"""Where: the only code that opens DuckDB and DuckLake."""
