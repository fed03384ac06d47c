"""How each dataset of each site stands in each quarter: fresh, stale, late, missing, or not due yet."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from suanheng.config.cadence import is_late
from suanheng.config.sources import CADENCES
from suanheng.flows.status.freshness import Freshness
from suanheng.schemas.formats import raw_tables
from suanheng.transforms.building.periods import Scope, add_months
from suanheng.transforms.building.staleness import Stale
from suanheng.warehouse.lake import Lake

_A_DAY = timedelta(days=1)
"""What a file covers a month beyond its end may be the hours between two zones; it counts from a day on."""


@dataclass(frozen=True)
class DatasetStatus:
    """How one dataset of one site stands in one quarter.

    Attributes:
        site_id: the site.
        period: the quarter.
        dataset: the dataset.
        state: ``missing`` where a part that should be covered by now is not, ``late`` where what is stated ends too
            early, ``not due`` where nothing is covered and need not be yet, ``stale`` where the quarter was built from
            something else than what there is now, ``fresh`` otherwise.
        why: what is missing or late, or what has changed.
    """

    site_id: str
    period: str
    dataset: str
    state: str
    why: str


@dataclass(frozen=True)
class Coverage:
    """What the files of one dataset of one site cover.

    Attributes:
        spans: first and last moment of each file.
        of_a_state: whether one of them covers no time, as an inventory.
    """

    spans: list[tuple[datetime, datetime]]
    of_a_state: bool

    def covers(self, start: date, end: date) -> bool:
        """Whether at least a day of a time is covered."""
        first, last = _midnight(start) + _A_DAY, _midnight(end) - _A_DAY
        return self.of_a_state or any(begins < last and ends >= first for begins, ends in self.spans)


def stated(lake: Lake) -> dict[tuple[str, str], Coverage]:
    """What is stated by the files that count, by site and dataset."""
    found: dict[tuple[str, str], Coverage] = {}
    query = "SELECT DISTINCT site_id, raw_table, first_at, last_at FROM ops.files WHERE status = 'loaded' ORDER BY ALL"
    fed = {table: form.feeds for table, form in raw_tables().items()}
    for site_id, raw_table, first_at, last_at in lake.frame(query).iter_rows():
        for dataset in fed.get(raw_table, ()):
            before = found.get((site_id, dataset), Coverage([], False))
            spans = before.spans if first_at is None else [*before.spans, (first_at, last_at)]
            found[site_id, dataset] = Coverage(spans, before.of_a_state or first_at is None)
    return found


def dataset_statuses(
    scopes: Sequence[Scope],
    expected: Iterable[Freshness],
    there: dict[tuple[str, str], Coverage],
    stale: Iterable[Stale],
    now: datetime,
) -> Iterator[DatasetStatus]:
    """How every dataset stands that a site has or should have, quarter by quarter.

    Args:
        scopes: the quarters of each site.
        expected: how each dataset stands by each of its sources.
        there: what is stated, by site and dataset.
        stale: quarters that would be built now.
        now: the present.
    """
    cadences, reasons = _cadences(expected), {quarter.scope: quarter.reasons for quarter in stale}
    present = now.astimezone(UTC).replace(tzinfo=None)
    for scope in scopes:
        for site_id, dataset in sorted(cadences.keys() | there.keys()):
            if site_id == scope.site_id:
                has, cadence = there.get((site_id, dataset), Coverage([], False)), cadences.get((site_id, dataset))
                state, why = _by_cadence(scope, cadence, has, present)
                changed = [r.text for r in reasons.get(scope, ()) if not r.datasets or dataset in r.datasets]
                if state == "fresh" and changed:
                    state, why = "stale", "; ".join(changed)
                if state:
                    yield DatasetStatus(site_id, scope.name, dataset, state, why)


def _cadences(expected: Iterable[Freshness]) -> dict[tuple[str, str], str | None]:
    """Cadence of each dataset of each site: the shortest of the sources that bring it, or would if none does."""
    by_pair: dict[tuple[str, str], list[Freshness]] = {}
    for row in expected:
        by_pair.setdefault((row.site_id, row.dataset), []).append(row)
    return {pair: _shortest([row for row in rows if row.state != "missing"] or rows) for pair, rows in by_pair.items()}


def _shortest(rows: Iterable[Freshness]) -> str | None:
    return min((row.cadence for row in rows if row.cadence), key=CADENCES.index, default=None)


def _by_cadence(scope: Scope, cadence: str | None, has: Coverage, present: datetime) -> tuple[str, str]:
    """State of a quarter by what covers it, and why; no state where nothing is covered or expected."""
    units = list(_units(scope, cadence))
    uncovered = [unit for unit in units if not has.covers(*unit)]
    if cadence is None or cadence == "once":
        return ("", "") if uncovered else ("fresh", "")
    reach = max((last for _, last in has.spans), default=None)
    due = [unit for unit in uncovered if _is_due(unit, cadence, reach, present)]
    is_uncovered = uncovered == units
    if is_uncovered and not due:
        return "not due", ""
    if gaps := [unit for unit in due if is_uncovered or (reach and reach >= _midnight(unit[1]))]:
        return "missing", "nothing is covered " + ", ".join(f"{start} to {end - _A_DAY}" for start, end in gaps)
    if due or (reach and _ends_too_early(scope, cadence, reach, present)):
        return "late", f"expected {cadence}, and what is stated ends {reach}"
    return "fresh", ""


def _units(scope: Scope, cadence: str | None) -> Iterator[tuple[date, date]]:
    """Parts of a quarter that must each be covered: its months where files come that often."""
    if cadence == "yearly":
        yield scope.start.replace(month=1), date(scope.start.year + 1, 1, 1)
    elif cadence in (None, "once", "quarterly"):
        yield scope.start, scope.end
    else:
        for month in range(3):
            yield add_months(scope.start, month), add_months(scope.start, month + 1)


def _is_due(unit: tuple[date, date], cadence: str, reach: datetime | None, present: datetime) -> bool:
    """Whether something of a part should be stated by now, even where what is stated ends within it."""
    return is_late(cadence, max(_midnight(unit[0]), min(reach, _midnight(unit[1])) if reach else datetime.min), present)


def _ends_too_early(scope: Scope, cadence: str, reach: datetime, present: datetime) -> bool:
    """Whether what is stated ends within a quarter, and should not have by now."""
    return _midnight(scope.start) < reach < _midnight(scope.end) - _A_DAY and is_late(cadence, reach, present)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())
