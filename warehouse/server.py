"""The server of a shared catalogue, asked past DuckLake. It is attached as ``server`` to a connection."""

import logging
from typing import Any

import duckdb

# DuckLake keeps its tables there, whatever the role's own search path.
_INDEX = "ducklake_file_column_stats_by_column"
_MAKE_INDEX = f"CREATE INDEX IF NOT EXISTS {_INDEX} ON public.ducklake_file_column_stats (table_id, column_id)"

logger = logging.getLogger(__name__)


def asked(server: duckdb.DuckDBPyConnection, query: str) -> Any:
    """First value of the server's answer, ``None`` where there is no row."""
    row = server.execute("FROM postgres_query('server', ?)", [query]).fetchone()
    return row[0] if row else None


def index_statistics(server: duckdb.DuckDBPyConnection) -> None:
    """Index what the catalogue says of every column of every file, unless that is done.

    DuckLake looks there once for each column that a statement filters by. Where it finds an index it has the server
    look, and otherwise it reads all of it, of whatever table.
    """
    if asked(server, f"SELECT to_regclass('public.{_INDEX}')::text"):
        return
    try:
        server.execute("CALL postgres_execute('server', ?)", [_MAKE_INDEX])
    except duckdb.Error as error:
        logger.warning(
            "The catalogue's statistics have no index, so statements get slower with every file. It was not made: %s\n"
            "Where this role may not, let the owner of the table do it once: %s;",
            error,
            _MAKE_INDEX,
        )
