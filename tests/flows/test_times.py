"""Nothing happened before a site was in service, or more than a day after it was ingested."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from suanheng.flows.landing.times import RULE, InService, hold_to, in_service
from suanheng.schemas.checking.records import Chunk, check
from suanheng.schemas.formats import raw_tables
from suanheng.transforms.building.periods import covered_days
from suanheng.warehouse.lake import writing

# In service since local midnight of 2022-06-01 in Shanghai; looked at on 2024-05-01 at noon, UTC.
POSSIBLE = InService(date(2022, 6, 1), datetime(2022, 5, 31, 16), datetime(2024, 5, 2, 12))


def held(table, **cells):
    form = raw_tables()[table]
    rows = pl.DataFrame({name: [value] for name, value in cells.items()}).with_row_index("row_number", offset=1)
    checked = check(Chunk(rows), form.contract, "UTC")
    assert checked.rejected.is_empty(), checked.rejected["message"].to_list()
    return hold_to(checked, form, POSSIBLE)


def reading(start, end):
    return {"meter_id": "m", "boundary": "utility", "started_at_utc": start, "ended_at_utc": end, "energy_kwh": "1"}


def bill(start, end):
    return {"meter_id": "m", "commodity": "electricity", "service_start": start, "service_end": end, "energy_kwh": "1"}


def run(submitted, ended):
    return {"cluster_id": "c", "job_id": "1", "submitted_at_utc": submitted, "ended_at_utc": ended, "state": "failed"}


@pytest.mark.parametrize(
    ("table", "cells"),
    [
        ("template_facility_readings", reading("1970-01-01T00:05:00Z", "1970-01-01T00:10:00Z")),
        ("template_facility_readings", reading("2022-05-31T14:00:00Z", "2022-05-31T15:59:00Z")),
        ("template_facility_readings", reading("2024-05-02T12:00:00Z", "2024-05-02T13:00:00Z")),
        ("template_utility_bills", bill("2022-04-01", "2022-05-01")),
        ("template_utility_bills", bill("2024-05-01", "2024-06-01")),
        ("template_workload_runs", run("2036-02-07T06:28:16Z", "2036-02-07T07:28:16Z")),
        ("template_accelerator_samples", {"device_id": "d", "sampled_at_utc": "1970-01-01T00:00:00Z", "power_w": "9"}),
        ("prometheus_text", {"metric": "m", "labels": "{}", "time": datetime(2021, 1, 1), "value": 1.0}),
    ],
)
def test_what_cannot_have_happened_is_rejected_whatever_the_format(table, cells):
    checked = held(table, **cells)
    assert (checked.accepted.height, checked.rejected["rule"].to_list()) == (0, [RULE])
    assert "check the clock" in checked.rejected["message"].item()


@pytest.mark.parametrize(
    ("table", "cells"),
    [
        ("template_facility_readings", reading("2022-05-31T15:00:00Z", "2022-05-31T16:30:00Z")),
        ("template_facility_readings", reading("2024-05-02T11:00:00Z", "2024-05-02T11:30:00Z")),
        ("template_utility_bills", bill("2022-05-16", "2022-06-16")),
        ("template_workload_runs", run("2024-05-01T12:00:00Z", None)),
        (
            "template_energy_certificates",
            {
                "certificate_id": "1",
                "instrument": "ppa",
                "energy_kwh": "1",
                "vintage_start": "2024-01-01",
                "vintage_end": "2030-01-01",
            },
        ),
    ],
)
def test_what_lasted_into_service_or_may_lie_ahead_is_kept(table, cells):
    checked = held(table, **cells)
    assert (checked.accepted.height, checked.rejected.height) == (1, 0)


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York", "UTC"])
def test_a_bill_that_ends_exclusively_on_1_april_makes_no_april(zone):
    bills = [(datetime(2023, 1, 1), datetime(2023, 4, 1), True)]
    assert covered_days(bills, ZoneInfo(zone)) == (date(2023, 1, 1), date(2023, 3, 31))


def test_an_instant_is_of_the_day_at_the_site():
    readings = [(datetime(2022, 12, 31, 16), datetime(2023, 3, 31, 16), False)]
    assert covered_days(readings, ZoneInfo("Asia/Shanghai")) == (date(2023, 1, 1), date(2023, 3, 31))


def test_a_clock_that_says_less_than_the_last_run_makes_nothing_the_future(built_workspace) -> None:
    # A run that ended in 2041 knows that it is 2041, whatever the clock of this machine says.
    last = datetime(2041, 5, 1, 12)
    with writing(built_workspace.workspace) as lake:
        assert in_service(lake, "tiny").until_utc < last
        with lake.transaction("a run of another day"):
            lake.execute("UPDATE ops.runs SET ended_at_utc = ?", [last])
        assert in_service(lake, "tiny").until_utc == datetime(2041, 5, 2, 12)
