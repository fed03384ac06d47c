"""Opens the warehouse: a DuckLake on an embedded catalog, one writer at a time, any number of readers."""

import importlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
from filelock import FileLock

from suanheng.config.workspace import Workspace

_EXTENSIONS = ("ducklake", "sqlite_scanner")
_BUSY_TIMEOUT_MS = 30_000


class NoWarehouse(Exception):  # noqa: N818
    """Raised when a workspace has no warehouse yet."""


class Lake:
    """An open warehouse. Tables are named ``stage.table``; times are UTC."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection

    def execute(self, statement: str, parameters: list[Any] | None = None) -> None:
        """Run one statement."""
        self.connection.execute(statement, parameters)

    def frame(self, query: str, parameters: list[Any] | None = None) -> pl.DataFrame:
        """Answer a query as a Polars frame."""
        return self.connection.execute(query, parameters).pl()

    def value(self, query: str, parameters: list[Any] | None = None) -> Any:
        """First column of the first row of a query, ``None`` where there is no row."""
        row = self.connection.execute(query, parameters).fetchone()
        return row[0] if row else None

    def beside(self) -> "Lake":
        """Another connection to the same warehouse, for another thread, with variables and transactions of its own."""
        connection = self.connection.cursor()
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("USE lake")
        return Lake(connection)

    def set_variables(self, variables: Mapping[str, Any]) -> None:
        """Bind the variables that recipes read with ``getvariable``."""
        for name, value in variables.items():
            self.connection.execute(f"SET VARIABLE {name} = ?", [value])

    def insert(self, table: str, rows: pl.DataFrame) -> None:
        """Append the rows of a frame; columns are matched by name."""
        if rows.is_empty():
            return
        self.connection.register("incoming", rows)
        try:
            columns = ", ".join(f'"{name}"' for name in rows.columns)
            self.connection.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM incoming")
        finally:
            self.connection.unregister("incoming")

    @contextmanager
    def transaction(self, author: str, message: str) -> Iterator[None]:
        """Everything inside becomes one snapshot, or nothing does. The message names the run that made it."""
        self.connection.execute("BEGIN")
        try:
            yield
            self.connection.execute("CALL lake.set_commit_message(?, ?)", [author, message])
            self.connection.execute("COMMIT")
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise


@contextmanager
def writing(workspace: Workspace) -> Iterator[Lake]:
    """Open the warehouse to write. Waits for another writer to finish."""
    workspace.writer_lock.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(workspace.writer_lock):
        connection = _attached(workspace, read_only=False)
        try:
            yield Lake(connection)
        finally:
            connection.close()


@contextmanager
def reading(workspace: Workspace, snapshot: int | None = None) -> Iterator[Lake]:
    """Open the warehouse to read, now or as it was at a snapshot. Never waits for a writer.

    Raises:
        NoWarehouse: nothing was ever written.
    """
    if not Path(workspace.catalog.removeprefix("sqlite:")).exists():
        raise NoWarehouse(f"{workspace.root} has no warehouse yet. Make one with: suanheng nightly")
    connection = _attached(workspace, read_only=True, snapshot=snapshot)
    try:
        yield Lake(connection)
    finally:
        connection.close()


def _attached(workspace: Workspace, read_only: bool, snapshot: int | None = None) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("SET autoinstall_known_extensions = false")
    connection.execute("SET autoload_known_extensions = false")
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET enable_progress_bar = false")
    if workspace.threads is not None:
        connection.execute(f"SET threads = {workspace.threads:d}")
    for extension in _EXTENSIONS:
        connection.execute(f"LOAD '{extension_path(extension)}'")
    options = [
        f"DATA_PATH {_quoted(workspace.data_path)}",
        "OVERRIDE_DATA_PATH true",
        "META_JOURNAL_MODE 'WAL'",
        f"META_BUSY_TIMEOUT {_BUSY_TIMEOUT_MS}",
    ]
    if read_only:
        options.append("READ_ONLY")
    if snapshot is not None:
        options.append(f"SNAPSHOT_VERSION {snapshot:d}")
    connection.execute(f"ATTACH {_quoted('ducklake:' + workspace.catalog)} AS lake ({', '.join(options)})")
    connection.execute("USE lake")
    return connection


def extension_path(name: str) -> Path:
    """File of a DuckDB extension, as its wheel ships it."""
    module = importlib.import_module(f"duckdb_extension_{name}")
    folder = Path(next(iter(module.__path__))) / "extensions" / f"v{duckdb.__version__}"
    return folder / f"{name}.duckdb_extension"


def _quoted(text: Any) -> str:
    return "'" + str(text).replace("'", "''") + "'"
