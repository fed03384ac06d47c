"""What a scorecard is made from, and why it differs between two states of the warehouse."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from suanheng.schemas.formats import raw_tables
from suanheng.transforms.analysis.lineage import rests_on
from suanheng.transforms.building.periods import add_months
from suanheng.transforms.definitions.catalogue import indicator_recipes
from suanheng.warehouse.lake import Lake


@dataclass(frozen=True)
class Cause:
    """One thing that differs between two states, and the changed indicators that rest on it.

    Attributes:
        cause: one of ``schemas.publications.CAUSES``.
        subject: a path, a reference fact, a methodology, a dataset.
        indicators: changed indicators that rest on it.
        before: what it was; ``None`` where it was not there.
        after: what it is; ``None`` where it is not there any more.
    """

    cause: str
    subject: str
    indicators: tuple[str, ...]
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Evidence:
    """What one scorecard is made from.

    Attributes:
        files: hash, raw table and datasets of every file that counts, by path.
        stagings: hash of how each dataset was staged.
        facts: reference facts by ``reference_id``, as JSON.
        methodology: its hash.
        code: hash of recipes and scoring code.
        is_over: whether the period had ended.
    """

    files: Mapping[tuple[str, str], str]
    stagings: Mapping[str, str]
    facts: Mapping[str, str]
    methodology: str
    code: str
    is_over: bool


def gather(lake: Lake, row: Mapping[str, Any], facts: Iterable[str], code: str, is_over: bool) -> Evidence:
    """Everything a scorecard rests on, as this lake knows it.

    Args:
        lake: the warehouse, now or at a snapshot.
        row: the composite: site, bounds of the period, hash of the methodology.
        facts: ``reference_id`` of the facts to look at.
        code: hash of the code the scorecard was made with.
        is_over: whether the period had ended for it.
    """
    # As far as a quarter looks for files: a year back, and 101 days on for bills and silent meters.
    reach = [row["site_id"], row["period_end"], add_months(row["period_end"], -15)]
    files = lake.frame(
        "SELECT path, raw_table, file_id FROM ops.files WHERE site_id = ? AND status = 'loaded' AND (first_at IS NULL "
        "OR (first_at < ?::TIMESTAMP + INTERVAL 101 DAY AND last_at >= ?::TIMESTAMP - INTERVAL 101 DAY))",
        reach,
    )
    stagings = lake.frame("SELECT DISTINCT dataset, recipe_hash FROM ops.stagings WHERE site_id = ?", [row["site_id"]])
    return Evidence(
        files={(path, table): file_id for path, table, file_id in files.iter_rows()},
        stagings=dict(stagings.iter_rows()),
        facts={fact: found for fact in facts if (found := _fact(lake, fact)) is not None},
        methodology=row["methodology_hash"],
        code=code,
        is_over=is_over,
    )


def causes(before: Evidence, after: Evidence, changed: Iterable[str]) -> list[Cause]:
    """Why the changed indicators differ: everything between the two states that at least one of them rests on.

    What concerns all of them (methodology, recipes, the end of the period) comes last. A changed indicator that nothing
    explains is a cause of its own, ``not explained``.
    """
    names = sorted(changed)
    datasets = {name: _datasets_of(name) for name in names}
    found = [*_files(before, after, datasets), *_stagings(before, after, datasets), *_facts(before, after, names)]
    for cause, earlier, later in (
        ("methodology changed", before.methodology, after.methodology),
        ("recipes changed", before.code, after.code),
    ):
        if earlier != later:
            found.append(Cause(cause, cause.removesuffix(" changed"), tuple(names), earlier, later))
    if after.is_over and not before.is_over:
        found.append(Cause("period ended", "period", tuple(names), "running", "over"))
    explained = {name for cause in found for name in cause.indicators}
    return [*found, *(Cause("not explained", name, (name,), None, None) for name in names if name not in explained)]


def _files(before: Evidence, after: Evidence, datasets: Mapping[str, set[str]]) -> list[Cause]:
    found = []
    moved = set(before.files.values()) & set(after.files.values())
    for place in sorted(before.files.keys() | after.files.keys()):
        earlier, later = before.files.get(place), after.files.get(place)
        if earlier == later or (earlier is None and later in moved) or (later is None and earlier in moved):
            continue
        fed = set(raw_tables()[place[1]].feeds) or {f"raw.{place[1]}"}
        resting = tuple(name for name, rests in datasets.items() if rests & fed)
        cause = "file added" if earlier is None else "file withdrawn" if later is None else "file replaced"
        if resting:
            found.append(Cause(cause, place[0], resting, earlier, later))
    return found


def _stagings(before: Evidence, after: Evidence, datasets: Mapping[str, set[str]]) -> list[Cause]:
    return [
        Cause("staging changed", dataset, resting, before.stagings[dataset], after.stagings[dataset])
        for dataset in sorted(before.stagings.keys() & after.stagings.keys())
        if before.stagings[dataset] != after.stagings[dataset]
        and (resting := tuple(name for name, rests in datasets.items() if dataset in rests))
    ]


def _facts(before: Evidence, after: Evidence, names: Iterable[str]) -> list[Cause]:
    return [
        Cause("reference fact changed", fact, tuple(names), before.facts.get(fact), after.facts.get(fact))
        for fact in sorted(before.facts.keys() | after.facts.keys())
        if before.facts.get(fact) != after.facts.get(fact)
    ]


def _datasets_of(indicator: str) -> set[str]:
    """Datasets and raw tables an indicator rests on; raw tables keep their stage, ``raw.grid_mix_hourly``."""
    recipe = next((recipe for recipe in indicator_recipes() if recipe.name == indicator), None)
    tables = rests_on(recipe) if recipe else []
    return {table.removeprefix("staged.") for table in tables if table.startswith(("staged.", "raw."))}


def _fact(lake: Lake, reference_id: str) -> str | None:
    rows = lake.frame(
        f'SELECT * FROM reference."{reference_id.partition("/")[0]}" WHERE reference_id = ?', [reference_id]
    )
    return None if rows.is_empty() else json.dumps(rows.row(0, named=True), default=str, ensure_ascii=False)
