"""Verbs of the quarantine: list, show, export to a sheet a person can edit, replay what was edited."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from suanheng.config.errors import ExitCode
from suanheng.config.workspace import open_workspace
from suanheng.flows.commands.console import (
    JsonOption,
    WorkspaceOption,
    progress_bar,
    say_json,
    say_rows,
    say_table,
    words,
)
from suanheng.flows.orchestration.steps import Steps
from suanheng.warehouse.lake import reading

File = Annotated[str, typer.Argument(help="Path of the file, or the start of its hash.")]
OnlySite = Annotated[str | None, typer.Option("--site", help="Only this site.")]

_OF_FILE = (
    "JOIN ops.files AS f ON f.file_id = r.file_id AND f.site_id = r.site_id AND f.status <> 'replaced' "
    "AND (r.stage = 'staged' OR f.raw_table = r.table_name)"
)

quarantine = typer.Typer(help="Look at rejected records and repair them.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    quarantine.command("list")(list_records)
    quarantine.command("show")(show)
    quarantine.command("export")(export)
    quarantine.command("replay")(replay)
    app.add_typer(quarantine, name="quarantine")


def list_records(
    rule: Annotated[str | None, typer.Option(help="Only records that broke this rule.")] = None,
    file: Annotated[str | None, typer.Option(help="Only this file: its path, or the start of its hash.")] = None,
    site: OnlySite = None,
    workspace: WorkspaceOption = Path(),
    as_json: JsonOption = False,
) -> None:
    """Rejected records by file and rule, and files that were refused as a whole."""
    query = f"""
        WITH rejected AS (
            SELECT r.site_id, r.stage, f.path, r.table_name, r.rule, count(*) AS records,
                min(r.row_number) AS first_row, r.file_id
            FROM quarantine.records AS r {_OF_FILE}
            GROUP BY ALL
            UNION ALL
            SELECT site_id, 'file', path, raw_table, problem, 0, NULL, file_id FROM ops.files WHERE status = 'refused'
        )
        SELECT * EXCLUDE (file_id), left(file_id, 12) AS file FROM rejected
        WHERE coalesce(rule = $1, true) AND coalesce(site_id = $2, true)
            AND coalesce(path = $3 OR starts_with(file_id, $3), true)
        ORDER BY stage, path, rule
    """
    with reading(open_workspace(workspace)) as lake:
        say_rows(lake.frame(query, [rule, site, file]).to_dicts(), as_json)


def show(
    file: File,
    limit: Annotated[int, typer.Option(help="At most so many records.")] = 20,
    workspace: WorkspaceOption = Path(),
    as_json: JsonOption = False,
) -> None:
    """Rejected records of one file: row, rule, what is wrong, the record."""
    query = f"""
        SELECT DISTINCT r.row_number, r.stage, r.rule, r.message, r.record
        FROM quarantine.records AS r {_OF_FILE}
        WHERE f.path = ? OR starts_with(f.file_id, ?)
        ORDER BY r.row_number LIMIT ?
    """
    with reading(open_workspace(workspace)) as lake:
        say_rows(lake.frame(query, [file, file, limit]).to_dicts(), as_json)


def export(
    file: File,
    to: Annotated[Path, typer.Option("--to", help="Sheet to write, as CSV.")],
    site: OnlySite = None,
    workspace: WorkspaceOption = Path(),
    as_json: JsonOption = False,
) -> None:
    """Write the rejected records of one file as a sheet to edit, with what is wrong with each."""
    from suanheng.flows.replay import export as write

    count = write(open_workspace(workspace), file, to, site)
    if as_json:
        say_json({"sheet": str(to), "records": count})
        return
    words.print(
        f"{to}: {count} records. Edit the columns behind suanheng_record, remove the lines to leave as they are, "
        f"then: suanheng quarantine replay {to}",
        markup=False,
    )


def replay(
    repaired: Annotated[Path, typer.Argument(help="The edited sheet.", exists=True, dir_okay=False)],
    encoding: Annotated[str, typer.Option(help="What the sheet was saved in.")] = "utf-8-sig",
    workspace: WorkspaceOption = Path(),
    as_json: JsonOption = False,
) -> None:
    """Let the edited records count in place of those in quarantine, and stage what that changes."""
    from suanheng.flows.replay import replay as ingest

    with progress_bar(quiet=as_json) as bar:
        replayed = ingest(open_workspace(workspace), repaired, Steps(bar), datetime.now(UTC), encoding)
    rows = [vars(line) for line in replayed]
    code = ExitCode.INPUT_REFUSED if any(line.why for line in replayed) else ExitCode.DONE
    if as_json:
        say_json({"rows": rows, "exit_code": code})
    else:
        say_table(rows)
        accepted = sum(line.became == "accepted" for line in replayed)
        words.print(f"{accepted} of {len(replayed)} records repaired. Build what they change: suanheng nightly")
    sys.exit(code)
