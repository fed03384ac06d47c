"""What the verbs share: how they speak, and what their exit codes mean."""

import inspect
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from time import monotonic
from typing import Annotated, Any, NoReturn, TypeVar, get_type_hints

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from suanheng.flows.orchestration.steps import Silent, Watcher

Options = TypeVar("Options")

words = Console(highlight=False, soft_wrap=True)
progress_words = Console(stderr=True, highlight=False)

WorkspaceOption = Annotated[
    Path, typer.Option("--workspace", "-w", help="Folder with suanheng.toml.", envvar="SUANHENG_WORKSPACE")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Answer as JSON.")]


def takes(options: type[Options]) -> Callable[[Callable[[Options], None]], Callable[..., None]]:
    """Make a verb of a function that takes one dataclass: every field is an argument or an option of the verb.

    Typer reads them off the signature of a function, so the verb is given that of the dataclass.
    """

    def as_verb(function: Callable[[Options], None]) -> Callable[..., None]:
        @wraps(function)
        def verb(**given: Any) -> None:
            function(options(**given))

        verb.__signature__ = inspect.signature(options)  # type: ignore[attr-defined]
        verb.__annotations__ = get_type_hints(options, include_extras=True)
        return verb

    return as_verb


def fail(message: str, code: int) -> NoReturn:
    """Say what went wrong and stop."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(message, style="red", markup=False)
    sys.exit(code)


def say_json(answer: Any) -> None:
    """Answer as JSON on standard output."""
    print(json.dumps(answer, ensure_ascii=False, indent=2, default=str))  # noqa: T201


def say_table(rows: Sequence[dict[str, Any]], title: str | None = None) -> None:
    """Answer as a table; the columns are the keys of the rows."""
    if not rows:
        words.print(f"{title}: none" if title else "none")
        return
    table = Table(title=title, title_justify="left")
    for name, value in rows[0].items():
        table.add_column(name, justify="right" if isinstance(value, int | float) else "left", overflow="fold")
    for row in rows:
        table.add_row(*("" if value is None else _shown(value) for value in row.values()))
    words.print(table)


def say_rows(rows: Sequence[dict[str, Any]], as_json: bool) -> None:
    """Answer as a table, or as JSON."""
    if as_json:
        say_json(rows)
    else:
        say_table(rows)


def _shown(value: Any) -> str:
    from rich.markup import escape

    return f"{value:.6g}" if isinstance(value, float) else escape(str(value))


class ProgressBar:
    """Shows one bar per step, with the time that remains."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: Any = None

    def started(self, run_id: str) -> None:
        """A run of that name starts."""
        progress_words.print(run_id, markup=False)

    def begin(self, title: str, total: int) -> None:
        """A step with that many parts begins."""
        self._task = self._progress.add_task(title, total=total, part="")

    def advance(self, part: str) -> None:
        """One part is done."""
        self._progress.update(self._task, advance=1, part=part)


class ProgressLines:
    """States one line per part, with the time that remains, where no bar can be shown: in a log."""

    def started(self, run_id: str) -> None:
        """A run of that name starts."""
        progress_words.print(run_id, markup=False)

    def begin(self, title: str, total: int) -> None:
        """A step with that many parts begins."""
        self._title, self._total, self._done, self._began = title, total, 0, monotonic()

    def advance(self, part: str) -> None:
        """One part is done."""
        self._done += 1
        left_s = (monotonic() - self._began) / self._done * (self._total - self._done)
        remaining = f", about {left_s:.0f} s left" if self._done < self._total else ""
        line = f"{self._title} {self._done}/{self._total} {part}{remaining}"
        progress_words.print(line, markup=False, soft_wrap=True)


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Watcher]:
    """Progress on standard error, as a bar or, where that is no terminal, in lines; none for a program."""
    if quiet or not progress_words.is_terminal:
        yield Silent() if quiet else ProgressLines()
        return
    columns = (
        TextColumn("{task.description:>8}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[part]}"),
    )
    with Progress(*columns, console=progress_words) as progress:
        yield ProgressBar(progress)
