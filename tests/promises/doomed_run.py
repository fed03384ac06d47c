"""Run a night or a backfill, and die in the middle of it where stated to.

``python -m tests.promises.doomed_run WORKSPACE RUN NOW [STEP PART STATEMENT]``

The process kills itself without warning when the given statement of the given part of a step begins, or two
milliseconds into the commit where STATEMENT is ``commit``.
"""

import os
import signal
import sys
from collections.abc import Callable, Mapping
from datetime import date, datetime
from pathlib import Path
from threading import Timer
from typing import Any, NamedTuple

import duckdb

from suanheng.config.workspace import Workspace, open_workspace
from suanheng.flows.night import night, run
from suanheng.flows.orchestration.steps import Steps
from suanheng.flows.order import Order, Outcome
from suanheng.warehouse.lake import Lake

FIRST, LAST = date(2023, 1, 1), date(2023, 9, 30)
"""What a backfill builds: three quarters, whether or not anything has changed."""


def run_back(workspace: Workspace, steps: Steps, now: datetime) -> Outcome:
    return run(workspace, steps, now, Order("backfill", first=FIRST, last=LAST, force=True))


RUNS: Mapping[str, Callable[[Workspace, Steps, datetime], Outcome]] = {"nightly": night, "backfill": run_back}


class Death(NamedTuple):
    """A point in a run: a statement, or the commit, of the n-th part of a step."""

    step: str
    part: int
    statement: str

    def __str__(self) -> str:
        where = "in its commit" if self.statement == "commit" else f"at statement {self.statement}"
        return f"{self.step} {self.part}, {where}"


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class DoomedConnection:
    """A connection that counts statements, once stated to, and dies at one of them."""

    moment: str | None = None
    statements = 0

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        # Frames are named by the caller of this connection, not by whom it calls.
        connection.execute("SET python_scan_all_frames = true")

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

    def __init__(self, death: Death) -> None:
        super().__init__()
        self._death, self._parts_left = death, death.part

    def run(self, title: str, part: str, work: Callable[[Any], Any], item: Any) -> Any:
        if title == self._death.step:
            self._parts_left -= 1
            if self._parts_left == 0:
                DoomedConnection.moment = self._death.statement
        return super().run(title, part, work, item)


def main(root: str, run: str, now: str, *death: str) -> None:
    steps = Steps()
    if death:
        open_as_usual = Lake.__init__
        Lake.__init__ = lambda self, own, *others: open_as_usual(self, DoomedConnection(own), *others)  # type: ignore
        step, part, statement = death
        steps = DoomedSteps(Death(step, int(part), statement))
    RUNS[run](open_workspace(Path(root)), steps, datetime.fromisoformat(now))


if __name__ == "__main__":
    main(*sys.argv[1:])
