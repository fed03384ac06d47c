"""Run a night and die in the middle of it: ``interrupted_night.py WORKSPACE STEP PART STATEMENT``.

The process kills itself without warning when the given statement of the given part of a step begins, or two
milliseconds into the commit where STATEMENT is ``commit``.
"""

import os
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from threading import Timer
from typing import Any

import duckdb

from suanheng.config.workspace import open_workspace
from suanheng.flows.pipeline import night
from suanheng.flows.steps import Steps
from suanheng.warehouse.lake import Lake


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class DoomedConnection:
    """A connection that counts statements, once told to, and dies at one of them."""

    moment: str | None = None
    statements = 0

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def execute(self, statement: str, parameters: list[Any] | None = None) -> duckdb.DuckDBPyConnection:
        if DoomedConnection.moment is not None:
            DoomedConnection.statements += 1
            if DoomedConnection.moment == str(DoomedConnection.statements):
                die()
            if DoomedConnection.moment == "commit" and statement == "COMMIT":
                Timer(0.002, die).start()
        return self._connection.execute(statement, parameters)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


class DoomedSteps(Steps):
    """Steps of which one part will not survive."""

    def __init__(self, step: str, part: int, moment: str) -> None:
        super().__init__()
        self._step, self._parts_left, self._moment = step, part, moment

    def run(self, title: str, part: str, work: Callable[[Any], Any], item: Any) -> Any:
        if title == self._step:
            self._parts_left -= 1
            if self._parts_left == 0:
                DoomedConnection.moment = self._moment
        return super().run(title, part, work, item)


def main(root: str, step: str, part: str, moment: str) -> None:
    open_as_usual = Lake.__init__
    Lake.__init__ = lambda self, connection, *turns: open_as_usual(self, DoomedConnection(connection), *turns)  # type: ignore
    now = datetime(2024, 2, 1, tzinfo=UTC)
    night(open_workspace(Path(root)), DoomedSteps(step, int(part), moment), now, write_reports=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
