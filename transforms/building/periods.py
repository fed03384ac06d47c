"""The spine: the months and periods of each site that ought to have scorecards."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import polars as pl

from suanheng.schemas.contract import Contract
from suanheng.schemas.formats import raw_tables
from suanheng.schemas.staged import DATASETS
from suanheng.schemas.tables.spine import SITE_MONTHS, SITE_PERIODS, SPINE
from suanheng.warehouse.lake import Lake


@dataclass(frozen=True, order=True)
class Scope:
    """A quarter of a site, the part of the warehouse that is rebuilt at once. ``end`` is exclusive."""

    site_id: str
    start: date
    end: date

    @property
    def name(self) -> str:
        """The quarter, e.g. ``2023Q2``."""
        return quarter_name(self.start)

    @property
    def title(self) -> str:
        """The site and the quarter, e.g. ``site-a 2023Q2``."""
        return f"{self.site_id} {self.name}"


def rebuild(lake: Lake, now: datetime) -> bool:
    """Replace reference.site_months and reference.site_periods where files have changed the span of a site.

    Returns:
        Whether a month or a period has gone.
    """
    has_lost = False
    for table, (present, rows) in _there_and_wanted(lake, now).items():
        if present.equals(rows):
            continue
        lake.execute(f"DELETE FROM reference.{table}")
        lake.insert(f"reference.{table}", rows)
        has_lost |= not present.join(rows, on=["site_id", *SPINE[table].key], how="anti").is_empty()
    return has_lost


def are_up_to_date(lake: Lake, now: datetime) -> bool:
    """Whether the months and periods are those that ought to exist."""
    return all(present.equals(wanted) for present, wanted in _there_and_wanted(lake, now).values())


def _there_and_wanted(lake: Lake, now: datetime) -> dict[str, tuple[pl.DataFrame, pl.DataFrame]]:
    months, periods = _months(lake, now), []
    for site_id, group in months.group_by("site_id", maintain_order=True):
        periods.append(_periods(str(site_id[0]), group["month_start"].to_list()))
    wanted = {
        "site_months": months,
        "site_periods": pl.concat(periods) if periods else pl.DataFrame(schema=SITE_PERIODS.dtypes()),
    }
    return {
        table: (lake.frame(f"SELECT * FROM reference.{table} ORDER BY ALL"), rows.sort(rows.columns))
        for table, rows in wanted.items()
    }


def scopes(lake: Lake) -> list[Scope]:
    """Every quarter of every site that the spine touches, in the order of time."""
    query = "SELECT DISTINCT site_id, date_trunc('quarter', month_start)::DATE FROM reference.site_months ORDER BY ALL"
    rows = lake.frame(query)
    return [Scope(site_id, start, add_months(start, 3)) for site_id, start in rows.iter_rows()]


def quarter_name(start: date) -> str:
    """Name of the quarter a day is in, e.g. ``2023Q2``."""
    return f"{start.year}Q{(start.month - 1) // 3 + 1}"


def add_months(day: date, months: int) -> date:
    """The first day of the month that many months later."""
    index = day.year * 12 + day.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


def _months(lake: Lake, now: datetime) -> pl.DataFrame:
    sites = lake.frame("SELECT site_id, time_zone, commissioned_on FROM reference.sites ORDER BY site_id")
    evidence, rows = _evidence(lake, now), []
    for site_id, time_zone, commissioned_on in sites.iter_rows():
        if site_id in evidence:
            zone = ZoneInfo(time_zone)
            first, last = covered_days(evidence[site_id], zone)
            start = max(first, commissioned_on or first)
            rows += [_month(site_id, day, zone) for day in _month_starts(start, last)]
    return pl.DataFrame(rows, schema=SITE_MONTHS.dtypes(), orient="row")


def _evidence(lake: Lake, now: datetime) -> dict[str, list[tuple[datetime, datetime, bool]]]:
    """First and last moment that each site's files cover, by UTC and by days at the site. The future is not covered."""
    ranked = [
        (
            table,
            rank,
            form.contract.happened is not None and form.contract.dtypes()[form.contract.happened[0]] == pl.Date,
        )
        for table, form in raw_tables().items()
        if form.feeds
        for rank in {None, *(DATASETS[dataset].span_rank for dataset in form.feeds)}
    ]
    query = (
        "SELECT site_id, min(first_at), least(max(last_at), ?), is_of_days FROM ops.files "
        "JOIN (SELECT unnest(?::VARCHAR[]) AS raw_table, unnest(?::BIGINT[]) AS rank, "
        "unnest(?::BOOLEAN[]) AS is_of_days) USING (raw_table) "
        "WHERE status = 'loaded' GROUP BY site_id, rank, is_of_days HAVING min(first_at) IS NOT NULL "
        "QUALIFY rank IS NOT DISTINCT FROM min(rank) OVER (PARTITION BY site_id)"
    )
    present = now.astimezone(UTC).replace(tzinfo=None)
    tables, ranks, of_days = map(list, zip(*ranked, strict=True))
    found: dict[str, list[tuple[datetime, datetime, bool]]] = {}
    for site_id, *span in lake.frame(query, [present, tables, ranks, of_days]).iter_rows():
        found.setdefault(site_id, []).append(tuple(span))
    return found


def _is_of_days(contract: Contract) -> bool:
    return contract.happened is not None and contract.dtypes()[contract.begins] == pl.Date


def covered_days(spans: list[tuple[datetime, datetime, bool]], zone: ZoneInfo) -> tuple[date, date]:
    """First and last day at the site of some spans; an end at midnight belongs to the day before.

    A day of a bill is one at the site already: its midnight is not that of UTC.
    """
    days = []
    for first, last, is_of_days in spans:
        begins, ends = (
            moment if is_of_days else moment.replace(tzinfo=UTC).astimezone(zone) for moment in (first, last)
        )
        days.append((begins.date(), (ends if ends == begins else ends - datetime.resolution).date()))
    return min(first for first, _ in days), max(last for _, last in days)


def _month_starts(first: date, last: date) -> Iterator[date]:
    month = first.replace(day=1)
    while month <= last:
        yield month
        month = add_months(month, 1)


def _month(site_id: str, start: date, zone: ZoneInfo) -> tuple:
    end = add_months(start, 1)
    start_utc, end_utc = (
        datetime.combine(day, time(), zone).astimezone(UTC).replace(tzinfo=None) for day in (start, end)
    )
    return site_id, start, end, start_utc, end_utc, (end_utc - start_utc).total_seconds() / 3600


def _periods(site_id: str, months: list[date]) -> pl.DataFrame:
    closing: dict[tuple[str, str, date, date], date] = {}
    for month in months:
        year, quarter = month.replace(month=1), date(month.year, (month.month - 1) // 3 * 3 + 1, 1)
        for period in (
            (f"{month:%Y-%m}", "month", month, add_months(month, 1)),
            (quarter_name(month), "quarter", quarter, add_months(quarter, 3)),
            (f"{month:%Y}", "year", year, add_months(year, 12)),
        ):
            closing[period] = month
    rows = [(site_id, *period, month) for period, month in closing.items()]
    return pl.DataFrame(rows, schema=SITE_PERIODS.dtypes(), orient="row")
