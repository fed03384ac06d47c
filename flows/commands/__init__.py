"""The command line: one module per family of verbs."""

import sys
from importlib.metadata import version as version_of
from typing import Annotated

import typer

from suanheng.config.errors import ExitCode, SuanhengError
from suanheng.flows.commands import (
    ask,
    corrections,
    deployments,
    prepare,
    publishing,
    pull,
    quarantine,
    run,
    scoring,
    sources,
)
from suanheng.flows.commands.console import fail

app = typer.Typer(
    name="suanheng",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for verbs in (prepare, sources, pull, run, deployments, quarantine, corrections, ask, publishing, scoring):
    verbs.register(app)


def _say_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"suanheng {version_of('suanheng')}")
        raise typer.Exit


@app.callback()
def suanheng(
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Say which version this is.")
    ] = False,
) -> None:
    """Scores AI computing centres on quality: telemetry, bills and inventories in, auditable scorecards out."""


def main() -> None:
    """Run the command line. What its exit codes mean stands in README.md."""
    try:
        app()
    except BrokenPipeError:
        sys.exit(ExitCode.ERROR)
    except SuanhengError as error:
        fail(str(error), error.exit_code)
