"""One rule for the times of every format: nothing happened before a site was in service, or after it was reported."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from suanheng.schemas.checking.records import Checked
from suanheng.schemas.formats import Format
from suanheng.warehouse.lake import Lake

RULE = "happened_while_in_service"

_FIRST_DAY = date(2000, 1, 1)
"""Where nobody says when a site was commissioned. Clocks that were never set begin in 1970 or 1980."""

_HAPPENS_AT_THE_SITE = {"accelerator_samples", "facility_readings", "workload_runs", "utility_bills", "incidents"}
"""Datasets of what happens at a site in service. Vintages of certificates, validities of prices, inventories and
benchmarks, which are part of its acceptance, may be before or after it."""


@dataclass(frozen=True)
class InService:
    """The time in which something can have happened at a site.

    Attributes:
        since: first day at the site.
        since_utc: its first instant.
        until_utc: a day after the present: clocks and zones are wrong by hours, not by days.
    """

    since: date
    since_utc: datetime
    until_utc: datetime

    def holds(self, first_at: datetime | None, last_at: datetime | None) -> bool:
        """Whether a span of instants (UTC) is in it; what is not known is."""
        return (first_at is None or first_at >= self.since_utc) and (last_at is None or last_at <= self.until_utc)


def in_service(lake: Lake, site_id: str) -> InService:
    """The time in which something can have happened at a site, as of now.

    A clock that says less than the last run did is wrong, and what it calls the future is not.
    """
    rows = lake.frame("SELECT commissioned_on, time_zone FROM reference.sites WHERE site_id = ?", [site_id]).rows()
    commissioned_on, time_zone = rows[0] if rows else (None, None)
    since = commissioned_on or _FIRST_DAY
    since_utc = datetime.combine(since, time(), ZoneInfo(time_zone or "UTC")).astimezone(UTC).replace(tzinfo=None)
    present = datetime.now(UTC).replace(tzinfo=None)
    last_run = lake.value("SELECT max(ended_at_utc) FROM ops.runs")
    return InService(since, since_utc, max(present, last_run or present) + timedelta(days=1))


def hold_to(checked: Checked, form: Format, possible: InService) -> Checked:
    """Reject what ended before a site was in service, or begins or ends more than a day after it was ingested.

    What began before the first day and lasted into it is kept: a bill may.

    Args:
        checked: records that keep the contract, and those that do not.
        form: their format; of those whose datasets may be at other times nothing is rejected.
        possible: the time of the site.
    """
    contract = form.contract
    if contract.happened is None or not form.feeds or not set(form.feeds) <= _HAPPENS_AT_THE_SITE:
        return checked
    begins, ends = contract.happened
    last = pl.coalesce(ends, begins)
    is_of_days = contract.dtypes()[begins] == pl.Date
    since, until = (
        (possible.since, possible.until_utc.date()) if is_of_days else (possible.since_utc, possible.until_utc)
    )
    found = checked.accepted.with_columns(
        is_early=(last < since).fill_null(False), is_late=((pl.col(begins) > until) | (last > until)).fill_null(False)
    )
    wrong = found.filter(pl.col("is_early") | pl.col("is_late"))
    if wrong.is_empty():
        return checked
    columns = checked.accepted.columns
    rejected = wrong.select(
        "row_number",
        rule=pl.lit(RULE),
        column_name=pl.when("is_early").then(pl.lit(ends)).otherwise(pl.lit(begins)),
        value=pl.when("is_early").then(last.cast(pl.String)).otherwise(pl.col(begins).cast(pl.String)),
        message=pl.format(
            "{} to {} (UTC) is {}: check the clock of the device, the zone of the source, or commissioned_on of the "
            "site",
            pl.col(begins).cast(pl.String),
            last.cast(pl.String),
            pl.when("is_early")
            .then(pl.lit(f"before {possible.since}, when the site was commissioned"))
            .otherwise(pl.lit("more than a day after it was ingested")),
        ),
        record=pl.struct(columns).struct.json_encode(),
    )
    accepted = found.filter(~(pl.col("is_early") | pl.col("is_late"))).select(columns)
    return Checked(accepted, pl.concat([checked.rejected, rejected.select(checked.rejected.columns)]))
