"""The command line: one module per family of verbs."""

import sys

import typer

from suanheng.config.workspace import BadSettings
from suanheng.flows.commands import ask, corrections, prepare, publishing, pull, quarantine, run, sources
from suanheng.flows.commands.console import USAGE, fail
from suanheng.transforms.explain import NotThere
from suanheng.transforms.publishing.publish import NotPublished
from suanheng.warehouse.lake import NoWarehouse

app = typer.Typer(
    name="suanheng",
    help="Scores AI computing centres on quality: telemetry, bills and inventories in, auditable scorecards out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for verbs in (prepare, sources, pull, run, quarantine, corrections, ask, publishing):
    verbs.register(app)


def main() -> None:
    """Run the command line. Exit codes: 0 done, 1 error, 2 usage or settings, 3 input refused, 4 a quarter failed."""
    try:
        app()
    except (BadSettings, NoWarehouse, NotPublished, NotThere) as error:
        fail(str(error), USAGE)
    except BrokenPipeError:
        sys.exit(1)
