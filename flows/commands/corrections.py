"""Verb of the corrections: list them, and what became of each."""

from pathlib import Path
from typing import Any

import typer

from suanheng.config.workspace import Workspace, open_workspace
from suanheng.flows.commands.console import JsonOption, WorkspaceOption, say_rows
from suanheng.warehouse.errors import NoWarehouse
from suanheng.warehouse.lake import reading

corrections = typer.Typer(help="Look at corrections of known errors in sources.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the verb."""
    corrections.command("list")(list_corrections)
    app.add_typer(corrections, name="corrections")


@corrections.callback()
def _family() -> None:
    """Keep the verb's name, though it is the only one."""


def list_corrections(workspace: WorkspaceOption = Path(), as_json: JsonOption = False) -> None:
    """Corrections in force: what each does, to how many rows, and where its source has changed."""
    from suanheng.transforms.definitions.corrections import read_checked

    opened = open_workspace(workspace)
    became = _became(opened)
    rows = [
        {
            "correction": correction.correction_id,
            "dataset": correction.dataset,
            "site": ", ".join(correction.sites or ["all"]),
            "action": f"{correction.action} {correction.column}",
            **became.get(correction.correction_id, _NOTHING_YET),
            "reason": correction.definition["reason"],
            "source": correction.definition["source"],
            "date": correction.definition["date"],
            "file": correction.file,
        }
        for correction in read_checked(opened)
    ]
    say_rows(rows, as_json)


_NOTHING_YET = {"matched": None, "applied": None, "refused": None, "finding": "not tried yet"}


def _became(workspace: Workspace) -> dict[str, dict[str, Any]]:
    """What the last staging of each dataset made of each correction that is in force."""
    query = """
        SELECT correction_id, sum(rows_matched)::BIGINT AS matched, sum(rows_applied)::BIGINT AS applied,
            sum(rows_refused)::BIGINT AS refused,
            string_agg(site_id || ': ' || finding, '; ' ORDER BY site_id) AS finding
        FROM ops.corrections GROUP BY correction_id
    """
    try:
        with reading(workspace) as lake:
            rows = lake.frame(query).to_dicts()
    except NoWarehouse:
        return {}
    return {row.pop("correction_id"): row for row in rows}
