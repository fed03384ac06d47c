"""Opens the warehouse: a DuckLake that any number of readers share with one writer, or with several on a server."""

import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import polars as pl

from suanheng.config.workspace import Workspace
from suanheng.warehouse import storage
from suanheng.warehouse.engine import attach, connect, quoted
from suanheng.warehouse.errors import Conflict, NoWarehouse
from suanheng.warehouse.locks import Locks, Sole, locks_of
from suanheng.warehouse.migrations import RENAMED, pending, quoted_name, see_renamed
from suanheng.warehouse.server import index_statistics

_SCANNERS = {"sqlite": "sqlite_scanner", "postgres": "postgres_scanner"}
_BUSY_TIMEOUT_MS = 30_000
_NO_LAKE = "creating a new DuckLake is explicitly disabled"
_TRIES = 5

Result = TypeVar("Result")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Writer:
    """Who writes: noted with every snapshot.

    Attributes:
        author: person or organisation.
        run_id: the run.
    """

    author: str
    run_id: str


NOBODY = Writer("", "")
"""The writer of a warehouse that is only read."""


class Lake:
    """An open warehouse. Tables are named ``stage.table``; times are UTC.

    Args:
        connection: has the warehouse attached as ``lake``.
        data_path: where its data files are.
        turns: how its writers keep out of each other's way; the only one where it is not said.
        writer: who writes.
        renamed: tables that it stores under other names, and that are seen through views.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        data_path: str,
        turns: Locks | None = None,
        writer: Writer = NOBODY,
        renamed: Collection[str] = (),
    ) -> None:
        self.connection = connection
        self.data_path = data_path
        self.writer = writer
        self._renamed = renamed
        self._locks = turns or Sole()
        self._writes_alone = False
        self._is_within = False
        self._premise: Callable[[], bool] = lambda: True
        if renamed:
            self._use_own_tables()

    @property
    def run_id(self) -> str:
        """Run that writes."""
        return self.writer.run_id

    @property
    def is_shared(self) -> bool:
        """Whether others may write meanwhile: what was read may be out of date by the time it is used."""
        return self._locks.are_shared

    def execute(self, statement: str, parameters: list[Any] | dict[str, Any] | None = None) -> None:
        """Run one statement."""
        self.connection.execute(statement, parameters)

    def frame(self, query: str, parameters: list[Any] | dict[str, Any] | None = None) -> pl.DataFrame:
        """Answer a query as a Polars frame."""
        return self.connection.execute(query, parameters).pl()

    def value(self, query: str, parameters: list[Any] | dict[str, Any] | None = None) -> Any:
        """First column of the first row of a query, ``None`` where there is no row."""
        row = self.connection.execute(query, parameters).fetchone()
        return row[0] if row else None

    def beside(self) -> "Lake":
        """Another connection to the same warehouse, for another thread, with variables and transactions of its own."""
        connection = self.connection.cursor()
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("USE lake")
        return Lake(connection, self.data_path, writer=self.writer, renamed=self._renamed)

    @contextmanager
    def naming_tables_of(self, catalogue: str) -> Iterator[None]:
        """``stage.table`` inside is a table of another catalogue, e.g. of a scratch database."""
        self.execute(f"USE {catalogue}")
        try:
            yield
        finally:
            self._use_own_tables()

    def _use_own_tables(self) -> None:
        if not self._renamed:
            self.execute("USE lake")
            return
        # A stage is looked for in the catalogues that are listed with it, and only there.
        stages = self.frame("SELECT schema_name FROM information_schema.schemata WHERE catalog_name = 'lake'")
        views = [f"{RENAMED}.{stage}" for stage in sorted({table.split(".")[0] for table in self._renamed})]
        tables = [f"lake.{stage}" for stage in stages.to_series()]
        self.execute(f"SET search_path = {quoted(','.join([*views, *tables]))}")

    def place(self, table: str) -> str:
        """A table as it is written in a statement that another catalogue keeps, e.g. in a view there."""
        return f"{RENAMED if table in self._renamed else 'lake'}.{quoted_name(table)}"

    @property
    def catalogues(self) -> list[str]:
        """Catalogues in which its tables are found; where one is found in several, the last counts."""
        return ["lake", RENAMED] if self._renamed else ["lake"]

    def set_variables(self, variables: Mapping[str, Any]) -> None:
        """Bind the variables that recipes read with ``getvariable``."""
        for name, value in variables.items():
            self.connection.execute(f"SET VARIABLE {name} = ?", [value])

    def insert(self, table: str, incoming: pl.DataFrame) -> None:
        """Append the rows of a frame; columns are matched by name."""
        if incoming.is_empty():
            return
        columns = ", ".join(f'"{name}"' for name in incoming.columns)
        # DuckDB finds a frame by the name of its variable. One that is registered it holds until the transaction ends.
        self.connection.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM incoming")

    def unit(self, place: str, work: Callable[[], Result]) -> Result:
        """Do a piece of work at a place where no other writer works meanwhile, and again where a conflict undid it.

        The work must look at the warehouse anew each time it begins. The first try writes beside other writers, each
        at a place of its own; where they meet in a table all the same, the next ones let no other transaction in.

        Args:
            place: a site, or what all sites share.
            work: what to do, in transactions that may be begun anew.

        Raises:
            Busy: another writer has been at the place for too long.
            Conflict: somebody who does not wait for locks came in between each time. Nothing was written.
        """
        with self._locks.at(place):
            wrote_alone = self._writes_alone
            try:
                for _ in range(_TRIES - 1):
                    try:
                        return work()
                    except Conflict as conflict:
                        logger.info("%s: again from the start. %s", place, conflict)
                        self._writes_alone = True
                return work()
            finally:
                self._writes_alone = wrote_alone

    @contextmanager
    def transaction(self, message: str) -> Iterator[None]:
        """Everything inside becomes one snapshot, or nothing does; it names its author, its run and what it is.

        Raises:
            Conflict: another writer has meanwhile changed a table that this one changes, or what it rests on.
        """
        with self._locks.to_write(self._writes_alone):
            self.connection.execute("BEGIN")
            self._is_within = True
            try:
                if self.is_shared and not self._premise():
                    raise Conflict(f"{message}: not written, another writer has changed what it rests on.")
                yield
                self.connection.execute(
                    "CALL lake.set_commit_message(?, ?)", [self.writer.author, f"{self.run_id}: {message}"]
                )
                self._locks.confirm()
            except BaseException:
                self.connection.execute("ROLLBACK")
                raise
            finally:
                self._is_within = False
            try:
                self.connection.execute("COMMIT")
            except duckdb.TransactionException as error:
                raise Conflict(
                    f"{message}: not written, another writer was faster. {error} Run again once nobody else writes."
                ) from error

    @contextmanager
    def at_one_time(self) -> Iterator[None]:
        """What is read inside is of one state of the warehouse, which is also looked up once and not for each query.

        The warehouse is not written to inside; a scratch database beside it may be.
        """
        if self._is_within:
            yield
            return
        self._is_within = True
        self.connection.execute("BEGIN")
        try:
            yield
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        finally:
            self._is_within = False
        self.connection.execute("COMMIT")

    @contextmanager
    def resting_on(self, premise: Callable[[], bool]) -> Iterator[None]:
        """Transactions inside rest on what was read before them: where it no longer holds, they raise ``Conflict``."""
        self._premise, before = premise, self._premise
        try:
            yield
        finally:
            self._premise = before

    @contextmanager
    def alone(self) -> Iterator[None]:
        """No transaction of another writer is open meanwhile."""
        with self._locks.to_write(alone=True):
            yield


@contextmanager
def writing(workspace: Workspace, run_id: str = "a writer", author: str | None = None) -> Iterator[Lake]:
    """Open the warehouse to write. With an embedded catalogue this waits for another writer to finish.

    Args:
        workspace: names the catalogue, the data and who writes.
        run_id: names the snapshots, and the writer to others who wait.
        author: who writes, where it is not the author of the workspace.

    Raises:
        BadSettings: the credentials of the object store are missing.
        Busy: another writer has held the warehouse for too long.
        Unreachable: the catalogue or the object store does not answer.
    """
    connection = _connected(workspace)
    with locks_of(workspace, connection, run_id) as turns:
        try:
            with turns.at("the catalogue"):
                _attach(connection, workspace)
                if turns.are_shared:
                    index_statistics(connection)
            yield Lake(connection, workspace.data_path, turns, Writer(author or workspace.author, run_id))
        finally:
            connection.close()


@contextmanager
def reading(workspace: Workspace, snapshot: int | None = None) -> Iterator[Lake]:
    """Open the warehouse to read, now or as it was at a snapshot. Never waits for a writer.

    Where an older version wrote it, its tables and columns have the names of this version all the same.

    Raises:
        BadSettings: the credentials of the object store are missing.
        NewerWarehouse: a newer version has renamed what is in it.
        NoWarehouse: nothing was ever written.
        Unreachable: the catalogue or the object store does not answer.
    """
    none_yet = NoWarehouse(f"{workspace.root} has no warehouse yet. Make one with: suanheng nightly")
    kind, _, address = workspace.catalog.partition(":")
    if kind == "sqlite" and not Path(address).exists():
        raise none_yet
    options = ["READ_ONLY", *([] if snapshot is None else [f"SNAPSHOT_VERSION {snapshot:d}"])]
    connection = _connected(workspace)
    try:
        try:
            _attach(connection, workspace, *options)
        except duckdb.InvalidInputException as error:
            raise (none_yet if _NO_LAKE in str(error) else error) from None
        yield Lake(connection, workspace.data_path, renamed=see_renamed(connection, pending(connection)))
    finally:
        connection.close()


def _connected(workspace: Workspace) -> duckdb.DuckDBPyConnection:
    on_s3 = workspace.data_path.startswith("s3://")
    kind = workspace.catalog.partition(":")[0]
    connection = connect(["ducklake", _SCANNERS[kind], *(["httpfs"] if on_s3 else [])], workspace.threads)
    if on_s3:
        storage.let_in(connection, workspace)
    return connection


def _attach(connection: duckdb.DuckDBPyConnection, workspace: Workspace, *options: str) -> None:
    if workspace.catalog.startswith("sqlite:"):
        options = ("META_JOURNAL_MODE 'WAL'", f"META_BUSY_TIMEOUT {_BUSY_TIMEOUT_MS}", *options)
    # Every question to the catalogue costs reading the names of all its tables, and inlined rows need one per table.
    inlining = "DATA_INLINING_ROW_LIMIT 0"
    data_path = f"DATA_PATH {quoted(workspace.data_path)}"
    address = f"ducklake:{workspace.catalog}"
    attach(connection, address, "lake", data_path, "OVERRIDE_DATA_PATH true", inlining, *options)
    connection.execute("USE lake")
