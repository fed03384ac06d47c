"""Verbs of the sources: list what can be read, check what the sources come to."""

import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from suanheng.config.errors import ExitCode
from suanheng.flows.commands.console import (
    JsonOption,
    WorkspaceOption,
    say_json,
    say_table,
    words,
)

if TYPE_CHECKING:
    from suanheng.schemas.formats import Format

sources = typer.Typer(help="Look at what can be read, and at what comes in.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    sources.command("list")(list_formats)
    sources.command("check")(check)
    app.add_typer(sources, name="sources")


def list_formats(as_json: JsonOption = False) -> None:
    """Every format that can be read: datasets, reader, options, times, memory, sample, refusals, known limits."""
    from suanheng.schemas.formats import formats, template
    from suanheng.schemas.staged import DATASETS

    known = [_described(form) for form in formats().values()]
    known += [_described(template(dataset)) | {"format": "template"} for dataset in DATASETS]
    if as_json:
        say_json(known)
        return
    say_table(
        [{name: _in_words(form[name]) for name in ("format", "title", "datasets", "times", "holds")} for form in known]
    )
    words.print(
        f"{len(known)} formats. Options, samples, what is refused and known limits: suanheng sources list --json"
    )


def check(workspace: WorkspaceOption = Path(), as_json: JsonOption = False) -> None:
    """What each source matches, how the first records of new files fare, and what does not fit; changes nothing."""
    from suanheng.flows.orchestration.settings_check import read_settings
    from suanheng.flows.status.source_check import inspect

    found = inspect(read_settings(workspace).workspace, datetime.now(UTC))
    code = ExitCode.DONE if found.fits else ExitCode.INPUT_REFUSED
    if as_json:
        say_json({**asdict(found), "exit_code": code})
    else:
        say_table([_counted(source) for source in found.sources], "Sources")
        for finding in found.all_findings():
            words.print(f"- {finding}", markup=False)
        words.print("Everything fits." if found.fits else f"{len(list(found.all_findings()))} things do not fit.")
    sys.exit(code)


def _described(form: "Format") -> dict[str, Any]:
    own = form.name.startswith("template_")
    return {
        "format": form.name,
        "title": form.title,
        "datasets": list(form.feeds),
        "read_by": f"flows/sources/{'template' if own else form.name}.py",
        "options": dict(form.options),
        "times": form.times,
        "holds": form.holds,
        "sample": form.sample or None,
        "sample_source": dict(form.sample_source),
        "refuses": list(form.refuses),
        "limits": list(form.limits),
    }


def _in_words(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)


def _counted(source: Any) -> dict[str, Any]:
    states = [file.state for file in source.files]
    tried = [file for file in source.files if file.state in {"new", "read anew"} and file.records is not None]
    name = f"{source.format} {source.datasets[0]}" if source.format == "template" else source.format
    return {
        "source": f"{source.number} {name}",
        "files": len(states),
        "new": sum(state in {"new", "read anew"} for state in states),
        "ingested": states.count("ingested"),
        "refused": states.count("refused"),
        "first records that pass": _share(tried),
        "does not fit": len(source.findings) + sum(file.finding is not None for file in source.files),
    }


def _share(tried: list[Any]) -> str:
    return f"{sum(file.passed for file in tried)} of {sum(file.records for file in tried)}" if tried else ""
