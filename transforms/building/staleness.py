"""Which quarters would come out otherwise if they were built now, and why: what each is made from, part by part."""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from itertools import groupby
from operator import itemgetter
from typing import Any

import polars as pl

from suanheng.config import fingerprints
from suanheng.schemas.formats import raw_tables
from suanheng.schemas.staged import DATASETS
from suanheng.schemas.tables.ops import BUILDS
from suanheng.transforms.building.periods import Scope, add_months
from suanheng.transforms.definitions.recipes import recipes
from suanheng.transforms.scoring.methodology import Methodology
from suanheng.transforms.staging import stage
from suanheng.warehouse.lake import Lake

_FILES_OF_SCOPES = """
    FROM (
        SELECT
            unnest(?::VARCHAR[]) AS site_id, unnest(?::DATE[]) AS quarter_start, unnest(?::BIGINT[]) AS from_snapshot
    ) AS scopes
    JOIN (
        SELECT site_id, file_id, path, raw_table, status, source_hash, first_at, last_at, snapshot_id FROM ops.files
    ) AS files USING (site_id)
    WHERE (
        NOT list_contains(?::VARCHAR[], raw_table)
        OR first_at IS NULL
        OR (
            first_at < quarter_start + INTERVAL 3 MONTH + INTERVAL 101 DAY
            AND last_at >= quarter_start - INTERVAL 12 MONTH - INTERVAL 101 DAY
        )
    )
"""
"""Files that a quarter is made from.

Indicators look back a year, and a silent meter or a bill shows itself only in what is up to 100 days away, so the
files of that time count too. Files that describe a state, or something that may still last, always count.
"""

_HASHES_OF_FILES = f"""
    SELECT
        site_id, quarter_start,
        left(sha256(string_agg(
            concat_ws(' ', file_id, raw_table, status, source_hash), chr(10) ORDER BY path, file_id, raw_table
        )), 16) AS hash
    {_FILES_OF_SCOPES}
    GROUP BY ALL
"""

_FILES_SINCE = f"""
    SELECT site_id, quarter_start, path, raw_table, status
    {_FILES_OF_SCOPES}
    AND snapshot_id > from_snapshot
    ORDER BY ALL
"""

_KINDS = {
    "code": "the code of {} changed",
    "recipes": "the recipe {} changed",
    "reference": "the reference table {} changed",
    "datasets": "how {} is staged changed",
}
"""Parts that are made of several things, and what is said of one that changed."""

_STATED = {
    "site": "what sites.toml says of the site changed",
    "claims": "what other sites claim of the same changed",
    "months": "the months before it changed",
    "is_over": "the quarter is over now",
    "is_year_over": "its year is over now",
}
"""Parts that are one thing, and what is said when it changed."""


@dataclass(frozen=True)
class Facts:
    """Reference facts that quarters are made with.

    Attributes:
        tables: hash of each table's rows, by name; without the sites.
        sites: hash of what is known of each site, by its name.
    """

    tables: Mapping[str, str]
    sites: Mapping[str, str]

    @classmethod
    def of(cls, hashes: Mapping[str, str], sites: pl.DataFrame) -> "Facts":
        """Facts of tables with these hashes, and of these rows of ``reference.sites``."""
        tables = {name: content_hash for name, content_hash in hashes.items() if name != "sites"}
        return cls(tables, {row["site_id"]: _hash(sorted(row.items())) for row in sites.iter_rows(named=True)})


@dataclass(frozen=True)
class Inputs:
    """What quarters would be made from, beside their files.

    Attributes:
        facts: reference facts.
        datasets: what each dataset of each site would be staged with, by site and dataset.
    """

    facts: Facts
    datasets: Mapping[tuple[str, str], str]


@dataclass(frozen=True)
class Reason:
    """Why a quarter would be built.

    Attributes:
        text: in words.
        datasets: datasets it concerns; none where it concerns the whole quarter.
    """

    text: str
    datasets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stale:
    """A quarter that would be built.

    Attributes:
        scope: the quarter.
        made_from: what it would be made from, part by part.
        from_snapshot: snapshot of the warehouse that was looked at.
        reasons: why it would be built.
    """

    scope: Scope
    made_from: dict[str, Any]
    from_snapshot: int
    reasons: tuple[Reason, ...]

    @property
    def why(self) -> str:
        """The reasons in one line."""
        return "; ".join(reason.text for reason in self.reasons)


def stale_scopes(
    lake: Lake,
    scopes: Iterable[Scope],
    methodology: Methodology,
    now: datetime,
    forced: Collection[Scope] = (),
    inputs: Inputs | None = None,
) -> list[Stale]:
    """Quarters that are not as they would be built now, in the order in which they are to be built.

    A quarter is also stale where one that it looks back on is. The number of queries does not depend on how many
    quarters or files there are.

    Args:
        lake: the warehouse.
        scopes: the quarters to look at.
        methodology: what they are scored with.
        now: the present.
        forced: quarters that count as stale although nothing has changed.
        inputs: what they would be made from; what is loaded and staged where it is not given.
    """
    wanted = sorted(scopes)
    with lake.at_one_time():
        snapshot = lake.value("FROM ducklake_current_snapshot('lake')")
        would_be = _made_from(lake, wanted, methodology, now, inputs or Inputs(_facts_loaded(lake), _staged(lake)))
        built = _built(lake)
        changed = [scope for scope in wanted if scope in built and built[scope].made_from != would_be[scope]]
        files = _files_since(lake, {scope: built[scope].from_snapshot for scope in changed})
    stale: dict[Scope, Stale] = {}
    for scope in wanted:
        reasons = _reasons(built.get(scope), would_be[scope], files.get(scope, []))
        if earlier := [other.name for other in stale if _looks_back_on(scope, other)]:
            reasons.append(Reason(f"it looks back on {', '.join(earlier)}"))
        if scope in forced and not reasons:
            reasons.append(Reason("asked for, although nothing has changed"))
        if reasons:
            stale[scope] = Stale(scope, would_be[scope], snapshot, tuple(reasons))
    return list(stale.values())


@dataclass(frozen=True)
class _Build:
    """A quarter as it was last built; the quarter that was built after it, though it looks back on that."""

    made_from: dict[str, Any] | None
    from_snapshot: int | None
    outdated_by: str | None


def _built(lake: Lake) -> dict[Scope, _Build]:
    # A warehouse that no newer version has written to yet lacks the newer columns.
    rows = pl.concat([pl.DataFrame(schema=BUILDS.dtypes()), lake.frame("SELECT * FROM ops.builds")], how="diagonal")
    return {
        Scope(row["site_id"], row["quarter_start"], add_months(row["quarter_start"], 3)): _Build(
            json.loads(row["made_from"]) if row["made_from"] else None, row["from_snapshot"], row["outdated_by"]
        )
        for row in rows.iter_rows(named=True)
    }


def _made_from(
    lake: Lake,
    scopes: Sequence[Scope],
    methodology: Methodology,
    now: datetime,
    inputs: Inputs,
) -> dict[Scope, dict[str, Any]]:
    """What each quarter would be made from, in parts: what differs in a part is a reason to build it."""
    for_all = {
        "methodology": f"{methodology.methodology} {_short(methodology.hash)}",
        "code": {room: _short(hash_) for room, hash_ in fingerprints.installed().of_quarter().items()},
        "recipes": _recipe_hashes(),
        "reference": {name: _short(content_hash) for name, content_hash in sorted(inputs.facts.tables.items())},
    }
    files = {
        (site_id, start): hash_ for site_id, start, hash_ in lake.frame(_HASHES_OF_FILES, _asked(scopes)).iter_rows()
    }
    claims = dict(lake.frame(_claims_elsewhere()).iter_rows())
    months = lake.frame("SELECT site_id, month_start FROM reference.site_months ORDER BY ALL").rows()
    months_of = {site_id: [month for _, month in group] for site_id, group in groupby(months, key=itemgetter(0))}
    staged_of: dict[str, dict[str, str]] = {}
    for (site_id, dataset), inputs_hash in sorted(inputs.datasets.items()):
        staged_of.setdefault(site_id, {})[dataset] = _short(inputs_hash)
    return {
        scope: {
            **for_all,
            "site": inputs.facts.sites.get(scope.site_id),
            "datasets": staged_of.get(scope.site_id, {}),
            "files": files.get((scope.site_id, scope.start)),
            "claims": claims.get(scope.site_id),
            "months": _hash([month for month in months_of.get(scope.site_id, []) if month < scope.end]),
            "is_over": now.date() >= scope.end,
            "is_year_over": now.date() >= date(scope.start.year + 1, 1, 1),
        }
        for scope in scopes
    }


def _asked(scopes: Iterable[Scope], from_snapshots: Iterable[int | None] = ()) -> list[Any]:
    places = [(scope.site_id, scope.start) for scope in scopes]
    dated = [table for table, form in raw_tables().items() if any(DATASETS[dataset].is_dated for dataset in form.feeds)]
    return [[site_id for site_id, _ in places], [start for _, start in places], list(from_snapshots), dated]


def _claims_elsewhere() -> str:
    """For each site, the hash of other sites' rows that may be its own too, in datasets that all sites see.

    May be the same: their keys are alike up to the first digit, because certificates come in ranges of numbers.
    """
    rows = "\nUNION ALL ".join(
        f"SELECT mine.site_id, '{dataset} ' || to_json(theirs) AS theirs FROM staged.{dataset} AS theirs "
        f"JOIN (SELECT DISTINCT site_id, {series} FROM staged.{dataset} AS own) AS mine "
        f"ON mine.series = {series.replace('own.', 'theirs.').removesuffix(' AS series')} "
        "AND theirs.site_id <> mine.site_id"
        for dataset, contract in DATASETS.items()
        if contract.is_seen_by_all_sites
        for series in [f"regexp_extract(own.{contract.key[0]}, '^[^0-9]*') AS series"]
    )
    return (
        "SELECT site_id, left(sha256(string_agg(theirs, chr(10) ORDER BY theirs)), 16) AS hash "
        f"FROM ({rows}) GROUP BY site_id"
    )


def _files_since(lake: Lake, from_snapshots: Mapping[Scope, int | None]) -> dict[Scope, list[tuple[str, str, str]]]:
    """Files whose entry in the ledger is newer than a build: path, raw table and status, by quarter."""
    if not from_snapshots:
        return {}
    found: dict[Scope, list[tuple[str, str, str]]] = {}
    rows = lake.frame(_FILES_SINCE, _asked(from_snapshots, from_snapshots.values()))
    for site_id, start, *file in rows.iter_rows():
        found.setdefault(Scope(site_id, start, add_months(start, 3)), []).append((file[0], file[1], file[2]))
    return found


def _reasons(build: _Build | None, would_be: Mapping[str, Any], files: Sequence[tuple[str, str, str]]) -> list[Reason]:
    if build is None:
        return [Reason("it was never built")]
    if build.made_from is None:
        return [Reason("it was built by an earlier version")]
    reasons = [
        reason for part in would_be for reason in _differences(part, build.made_from.get(part), would_be[part], files)
    ]
    if build.outdated_by is not None:
        reasons.append(Reason(f"it looks back on {build.outdated_by}, which was built since"))
    return reasons


def _differences(part: str, before: Any, after: Any, files: Sequence[tuple[str, str, str]]) -> list[Reason]:
    if before == after:
        return []
    if part == "methodology":
        return [Reason(f"the methodology changed from {before} to {after}")]
    if part == "files":
        return [_of_file(*file) for file in files] or [Reason("files were renamed")]
    if part in _KINDS:
        before = before or {}
        names = sorted(name for name in {**before, **after} if before.get(name) != after.get(name))
        return [Reason(_KINDS[part].format(name), (name,) if part == "datasets" else ()) for name in names]
    return [Reason(_STATED[part])]


def _of_file(path: str, raw_table: str, status: str) -> Reason:
    became = {"loaded": "was ingested", "refused": "was refused", "replaced": "no longer counts"}[status]
    form = raw_tables().get(raw_table)
    return Reason(f"{path} {became}", form.feeds if form else ())


def _looks_back_on(scope: Scope, earlier: Scope) -> bool:
    """Whether indicators of a scope sum facts of the earlier one: their windows are up to a year long."""
    return scope.site_id == earlier.site_id and add_months(scope.start, -12) <= earlier.start < scope.start


def _facts_loaded(lake: Lake) -> Facts:
    hashes = dict(lake.frame("SELECT name, content_hash FROM ops.reference_tables").iter_rows())
    return Facts.of(hashes, lake.frame("SELECT * FROM reference.sites"))


def _staged(lake: Lake) -> dict[tuple[str, str], str]:
    """What each dataset of each site was staged with; without those that are to be staged anew and were not yet."""
    rows = lake.frame("SELECT DISTINCT site_id, dataset, recipe_hash FROM ops.stagings")
    waiting = set(stage.stale_datasets(lake))
    return {tuple(pair): inputs_hash for *pair, inputs_hash in rows.iter_rows() if tuple(pair) not in waiting}


@cache
def _recipe_hashes() -> dict[str, str]:
    stages = ("rollups", "indicators", "scorecards")
    return {recipe.shown_path: _hash(recipe.query) for stage in stages for recipe in recipes(stage)}


def _hash(stated: Any) -> str:
    return _short(hashlib.sha256(repr(stated).encode()).hexdigest())


def _short(hash_: str) -> str:
    """Enough of a hash to distinguish the states of one thing."""
    return hash_[:16]
