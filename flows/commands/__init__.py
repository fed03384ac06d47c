"""The command line: one module per family of verbs."""

import sys
from importlib.metadata import version as version_of
from typing import Annotated

import typer

from suanheng.config.errors import BadSettings
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
from suanheng.flows.commands.console import USAGE, fail
from suanheng.warehouse.errors import Busy, Conflict, NewerWarehouse, NoWarehouse, Unreachable

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
    """Run the command line. Exit codes: 0 done, 1 error, 2 usage or settings, 3 input refused, 4 a quarter failed."""
    try:
        app()
    except BrokenPipeError:
        sys.exit(1)
    except Exception as error:
        if not isinstance(error, _said_in_a_sentence()):
            raise
        fail(str(error), USAGE)


def _said_in_a_sentence() -> tuple[type[Exception], ...]:
    """Errors whose message is all that a reader needs; known only once there is one, as their modules load slowly."""
    from suanheng.transforms.analysis.lineage import NotThere
    from suanheng.transforms.publishing.publish import NotPublished

    return BadSettings, Busy, Conflict, NewerWarehouse, NotPublished, NotThere, NoWarehouse, Unreachable
