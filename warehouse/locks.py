"""Who writes: writers of one warehouse wait for each other as long as they must, and say for whom.

With an embedded catalogue one process writes at a time. With a server's catalogue several do: they exclude each other
place by place, a place being a site or what all sites share, and otherwise write side by side.
"""

import logging
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from typing import Any, Protocol

import duckdb
from filelock import FileLock, Timeout

from suanheng.config.workspace import Workspace
from suanheng.warehouse.engine import attach, quoted
from suanheng.warehouse.errors import Busy
from suanheng.warehouse.server import asked

_LOOK_AGAIN_S = 0.1
_HOLDER = """
    SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND granted AND classid = hashtext('{kind}')::oid AND objid = hashtext({place})::oid
"""

logger = logging.getLogger(__name__)


class Locks(Protocol):
    """How the writers of a warehouse keep out of each other's way.

    Attributes:
        are_shared: whether others may write meanwhile.
    """

    are_shared: bool

    def at(self, place: str) -> AbstractContextManager[None]:
        """Nobody else works at a place meanwhile. Waits for whoever does.

        Raises:
            Busy: somebody has for too long.
        """

    def to_write(self, alone: bool) -> AbstractContextManager[None]:
        """A transaction is open meanwhile: beside those of others, or while none of theirs is."""

    def confirm(self) -> None:
        """Fail where what is held no longer is."""


class Sole:
    """The locks of a writer who has the whole warehouse."""

    are_shared = False

    def at(self, place: str) -> AbstractContextManager[None]:
        """Nobody else works anywhere."""
        return nullcontext()

    def to_write(self, alone: bool) -> AbstractContextManager[None]:
        """No other transaction is open."""
        return nullcontext()

    def confirm(self) -> None:
        """A file stays locked as long as its process lives."""


class Advisory:
    """Advisory locks of a PostgreSQL server, which ends them with the connection that holds them.

    Args:
        server: a connection that has the server attached as ``server``.
        wait_s: how long to wait for others at a place; ``None`` is without end.
    """

    are_shared = True

    def __init__(self, server: duckdb.DuckDBPyConnection, wait_s: float | None) -> None:
        self._server = server
        self._wait_s = wait_s
        self._held: list[duckdb.DuckDBPyConnection] = []

    @contextmanager
    def at(self, place: str) -> Iterator[None]:
        """Nobody else works at a place meanwhile. Waits for whoever does."""
        lock = f"SELECT pg_try_advisory_xact_lock(hashtext('suanheng place'), hashtext({quoted(place)}))"
        holder = _HOLDER.format(kind="suanheng place", place=quoted(place))
        with self._transaction() as server:
            _wait(
                take=lambda: asked(server, lock),
                what=f"{place} in the warehouse",
                holder=lambda: asked(server, holder) or "another writer",
                wait_s=self._wait_s,
            )
            yield

    @contextmanager
    def to_write(self, alone: bool) -> Iterator[None]:
        """A transaction is open meanwhile: beside those of others, or while none of theirs is."""
        lock = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
        with self._transaction() as server:
            asked(server, f"SELECT {lock}(hashtext('suanheng transactions'), 0)::text")
            yield

    def confirm(self) -> None:
        """Fail where the server does not know any more what is held: it was restarted, or the connection was cut."""
        for server in self._held:
            asked(server, "SELECT true")

    @contextmanager
    def _transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A transaction on the server: what is locked in it is held until it ends."""
        server = self._server.cursor()
        server.execute("BEGIN")
        self._held.append(server)
        try:
            yield server
        finally:
            self._held.remove(server)
            with suppress(duckdb.Error):
                server.execute("ROLLBACK")
            server.close()


@contextmanager
def locks_of(workspace: Workspace, connection: duckdb.DuckDBPyConnection, run: str) -> Iterator[Locks]:
    """The locks of a writer, whom others know by the name of its run.

    Args:
        workspace: where it writes.
        connection: what it writes with.
        run: name of the run.

    Raises:
        Busy: with an embedded catalogue, another writer has held the warehouse for too long.
        Unreachable: the catalogue's server does not answer.
    """
    name = f"{run}, process {os.getpid()} on {platform.node()}"
    kind, _, address = workspace.catalog.partition(":")
    if kind == "sqlite":
        with _locked(workspace, name):
            yield Sole()
    else:
        attach(connection, f"{address} application_name='{name}'", "server", "TYPE postgres")
        yield Advisory(connection, workspace.wait_s)


@contextmanager
def _locked(workspace: Workspace, name: str) -> Iterator[None]:
    path = workspace.writer_lock
    path.parent.mkdir(parents=True, exist_ok=True)
    lock, holder = FileLock(path), path.with_suffix(".holder")

    def take() -> bool:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return False
        return True

    _wait(take, f"the warehouse of {workspace.root}", holder.read_text, workspace.wait_s)
    try:
        holder.write_text(f"{name}, since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC")
        yield
    finally:
        lock.release()


def _wait(take: Callable[[], Any], what: str, holder: Callable[[], str], wait_s: float | None) -> None:
    """Take what another writer may hold, and say for whom one waits."""
    if take():
        return
    held_by = holder()
    logger.warning("Waiting for %s, held by %s.", what, held_by)
    began = time.monotonic()
    while not take():
        if wait_s is not None and time.monotonic() - began > wait_s:
            raise Busy(
                f"Waited for {what}, held by {held_by}, for {wait_s:g} s, as warehouse.wait_s in "
                "suanheng.toml says. Run again once it is done, or let it wait for longer."
            )
        time.sleep(_LOOK_AGAIN_S)
