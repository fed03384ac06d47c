"""All that a workspace holds, by hashes of content: every table, every quarter, every page."""

import hashlib
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from duckdb import CatalogException

from suanheng.config.workspace import Workspace
from suanheng.transforms.definitions.recipes import recipes
from suanheng.warehouse.lake import Lake, NoWarehouse, reading

DIARY = "ops.runs"
"""Left out: it covers runs, not of data. A run that was killed is not in it, and its times are those of a clock."""

RUN = "run_id"
"""Left out of every table and page: the run that is started again has a name of its own."""

SNAPSHOT = "from_snapshot"
"""Left out of the ledger: a run that was killed and the one after it make other snapshots than one run does."""

_NAME_OF_A_RUN = re.compile(rb"(nightly|backfill)-\d{8}T\d+")

Place = tuple[str, date]
"""A site and the first day of a quarter."""


@dataclass
class Quarter:
    """A quarter of a site: the rows of its months and of itself, the runs they name, and what the ledger says of it."""

    rows: list[str] = field(default_factory=list)
    runs: set[str] = field(default_factory=set)
    made_from: str | None = None
    built_by: str | None = None

    @property
    def digest(self) -> str:
        return _digest(self.rows)

    @property
    def agrees_with_its_books(self) -> bool:
        return self.runs <= {self.built_by}


@dataclass(frozen=True)
class Held:
    """What a workspace holds: hashes of tables and pages by name, its quarters, and what its newest snapshot is."""

    tables: Mapping[str, str]
    quarters: Mapping[Place, Quarter]
    pages: Mapping[str, str]
    newest: str

    def differing(self, other: "Held") -> list[str]:
        """Names of the tables and pages that do not hold the same."""
        return [
            name
            for mine, theirs in ((self.tables, other.tables), (self.pages, other.pages))
            for name in sorted(mine.keys() | theirs.keys())
            if mine.get(name) != theirs.get(name)
        ]

    def torn(self, before: "Held", after: "Held") -> list[str]:
        """Quarters and pages that are neither as before nor as after, or that their entries do not describe."""
        quarters = [
            f"{site_id} {start}"
            for (site_id, start), quarter in self.quarters.items()
            if not quarter.agrees_with_its_books or not _is_whole(quarter, (site_id, start), before, after)
        ]
        pages = [
            name
            for name, digest in self.pages.items()
            if not name.endswith(".part") and digest not in (before.pages.get(name), after.pages.get(name))
        ]
        return quarters + pages


def _is_whole(quarter: Quarter, place: Place, before: Held, after: Held) -> bool:
    states = (held.quarters.get(place, Quarter()) for held in (before, after))
    return any((quarter.digest, quarter.made_from) == (state.digest, state.made_from) for state in states)


def held(workspace: Workspace) -> Held:
    """Read everything a workspace holds."""
    pages = {
        path.relative_to(workspace.reports).as_posix(): hashlib.sha256(_without_runs(path)).hexdigest()
        for path in workspace.reports.rglob("*")
        if path.is_file()
    }
    try:
        with reading(workspace) as lake:
            # One snapshot for all, and many times cheaper than one for every query.
            lake.execute("BEGIN")
            message = lake.value(
                "SELECT commit_message FROM ducklake_snapshots('lake') ORDER BY snapshot_id DESC LIMIT 1"
            )
            return Held(*_rows_held(lake), pages, newest=(message or "").partition(": ")[2])
    except NoWarehouse:
        return Held({}, {}, pages, newest="")


def _rows_held(lake: Lake) -> tuple[dict[str, str], dict[Place, Quarter]]:
    starts = {(site_id, period): start for site_id, period, start in _rows(lake, _PERIODS)}
    tables: dict[str, str] = {}
    quarters: dict[Place, Quarter] = {}
    for (table,) in _rows(lake, _TABLES):
        lines = []
        for row in _dicts(lake, table):
            run_id = row.pop(RUN, None)
            row.pop(SNAPSHOT, None)
            lines.append(repr(row))
            start = row.get("month_start") or starts.get((row.get("site_id"), row.get("period")))
            if start is not None and table.startswith(_BUILT) and table not in _built_later():
                quarter = quarters.setdefault((row["site_id"], _quarter(start)), Quarter())
                quarter.rows.append(table + lines[-1])
                quarter.runs |= {run_id} - {None}
        tables[table] = _digest(lines)
    for book in _dicts(lake, "ops.builds") if "ops.builds" in tables else []:
        quarter = quarters.setdefault((book["site_id"], book["quarter_start"]), Quarter())
        quarter.made_from, quarter.built_by = book["made_from"], book[RUN]
    return tables, quarters


_BUILT = ("rollups.", "indicators.", "scorecards.")

_TABLES = f"""
    SELECT table_schema || '.' || table_name FROM information_schema.tables
    WHERE table_catalog = 'lake' AND table_type = 'BASE TABLE' AND table_schema <> 'main'
    AND table_schema || '.' || table_name <> '{DIARY}' ORDER BY ALL
"""

_PERIODS = "SELECT site_id, period, period_start FROM reference.site_periods WHERE period_kind <> 'year'"
"""A year changes with each of its quarters."""


def _built_later() -> set[str]:
    """Tables in which the build of a quarter also replaces rows of the month before it."""
    return {recipe.table for recipe in recipes("scorecards") if "rebuilds" in recipe.header}


def _rows(lake: Lake, query: str) -> list[tuple[Any, ...]]:
    try:
        return lake.frame(query).rows()
    except CatalogException:
        return []


def _dicts(lake: Lake, table: str) -> list[dict[str, Any]]:
    name = '."'.join(table.split(".")) + '"'
    # Most tables are empty, and a count is much cheaper than a scan.
    return lake.frame(f"FROM {name}").to_dicts() if lake.value(f"SELECT count(*) FROM {name}") else []


def _quarter(day: date) -> date:
    return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)


def _digest(lines: list[str]) -> str:
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def _without_runs(path: Path) -> bytes:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as file:
            content = b"".join(name.encode() + file.read(name) for name in sorted(file.namelist()))
    else:
        content = path.read_bytes()
    return _NAME_OF_A_RUN.sub(b"RUN", content)
