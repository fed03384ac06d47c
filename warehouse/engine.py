"""A DuckDB that fetches nothing by itself: extensions come from their packages, by path."""

import importlib
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import duckdb

from suanheng.warehouse.errors import Unreachable

EXTENSIONS = ("ducklake", "httpfs", "postgres_scanner", "sqlite_scanner")
"""Extensions that come with suanheng."""


def connect(extensions: Iterable[str], threads: int | None = None) -> duckdb.DuckDBPyConnection:
    """A new database in memory that knows some extensions, in UTC.

    Args:
        extensions: names of extensions.
        threads: how many threads it may use; all processors where it is not said.
    """
    connection = duckdb.connect()
    connection.execute("SET autoinstall_known_extensions = false")
    connection.execute("SET autoload_known_extensions = false")
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET enable_progress_bar = false")
    if threads is not None:
        connection.execute(f"SET threads = {threads:d}")
    for extension in extensions:
        connection.execute(f"LOAD {quoted(extension_path(extension))}")
    return connection


def attach(connection: duckdb.DuckDBPyConnection, address: str, name: str, *options: str) -> None:
    """Attach a database under a name.

    Raises:
        Unreachable: its server does not answer, does not know it, or does not let one in.
    """
    try:
        connection.execute(f"ATTACH {quoted(address)} AS {name} ({', '.join(options)})")
    except duckdb.IOException as error:
        raise Unreachable(
            f"The warehouse's catalogue cannot be opened: {error}\nSee that warehouse.catalog in suanheng.toml names "
            "it, and, where it is a server, that it runs and that PGPASSWORD or ~/.pgpass holds the password."
        ) from None


def joins_as_written(connection: duckdb.DuckDBPyConnection) -> AbstractContextManager[None]:
    """``with joins_as_written(connection):`` DuckDB joins as statements are written, in all connections of the process.

    For statements of whose tables it knows too little to choose well.
    """
    return _setting(connection, "disabled_optimizers", "join_order,build_side_probe_side")


def memory_given_back(connection: duckdb.DuckDBPyConnection) -> AbstractContextManager[None]:
    """``with memory_given_back(connection):`` DuckDB gives the system back what it frees, in all connections.

    It would keep it for the next statement, which costs less time. For statements behind which others need the memory,
    or which are of a long row of large ones.
    """
    return _setting(connection, "allocator_bulk_deallocation_flush_threshold", "1MB")


@contextmanager
def _setting(connection: duckdb.DuckDBPyConnection, name: str, value: str) -> Iterator[None]:
    # In a transaction that has failed nothing can be set back.
    with connection.cursor() as beside:
        beside.execute(f"SET {name} = {quoted(value)}")
        try:
            yield
        finally:
            beside.execute(f"RESET {name}")


def extension_path(name: str) -> Path:
    """File of a DuckDB extension, as its wheel ships it."""
    module = importlib.import_module(f"duckdb_extension_{name}")
    folder = Path(next(iter(module.__path__))) / "extensions" / f"v{duckdb.__version__}"
    return folder / f"{name}.duckdb_extension"


def quoted(text: Any) -> str:
    """A text as an SQL literal."""
    return "'" + str(text).replace("'", "''") + "'"
