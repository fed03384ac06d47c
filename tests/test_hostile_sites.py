"""Sites whose files are not as they should be, all built in one night: what is known counts, what is not is named."""

import csv
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from filelock import FileLock

from suanheng.config.workspace import Workspace, open_workspace
from suanheng.flows import night
from suanheng.flows.orchestration.steps import Steps
from suanheng.schemas.staged import DATASETS
from suanheng.warehouse.lake import reading

pytestmark = pytest.mark.long

Row = dict[str, Any]
Files = Mapping[str, Iterable[Row]]

NOW = datetime(2024, 6, 1, tzinfo=UTC)
SHANGHAI = "Asia/Shanghai"
NEW_YORK = "America/New_York"
JANUARY, FEBRUARY, MARCH, APRIL = (date(2023, month, 1) for month in (1, 2, 3, 4))
SKU = "A100 SXM 80GB"


def hours(start: date, end: date, zone: str = SHANGHAI) -> Iterator[str]:
    """Every hour of some local days, as UTC in a file."""
    at, last = (datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC) for day in (start, end))
    while at < last:
        yield f"{at:%Y-%m-%dT%H:%M:%SZ}"
        at += timedelta(hours=1)


def samples(devices: Iterable[str], start: date, end: date, utilisation: float = 0.5, zone: str = SHANGHAI):
    """Hourly means of some devices."""
    return [
        {"device_id": device, "sku": SKU, "sampled_at_utc": at, "interval_s": 3600, "utilisation_ratio": utilisation}
        for device in devices
        for at in hours(start, end, zone)
    ]


def meter(boundary: str, kw: float, start: date, end: date, zone: str = SHANGHAI):
    """Hourly energy at a boundary."""
    ends = [*hours(start, end, zone)][1:] + [*hours(end, end + timedelta(days=1), zone)][:1]
    return [
        {"meter_id": boundary, "boundary": boundary, "started_at_utc": at, "ended_at_utc": until, "energy_kwh": kw}
        for at, until in zip(hours(start, end, zone), ends, strict=True)
    ]


def bill(start: date, end: date, kwh: float, **more: Any) -> Row:
    return {
        "meter_id": "account",
        "commodity": "electricity",
        "service_start": start,
        "service_end": end,
        "energy_kwh": kwh,
        **more,
    }


def run(start: date, job: str = "1") -> Row:
    """A day of both devices at half of their peak: 2 x 0.312 PFLOP/s x 86 400 s / 2 = 26 956.8 PFLOP."""
    first, *_ = hours(start, start + timedelta(days=1))
    last, *_ = hours(start + timedelta(days=1), start + timedelta(days=2))
    return {
        "cluster_id": "c1",
        "job_id": job,
        "submitted_at_utc": first,
        "started_at_utc": first,
        "ended_at_utc": last,
        "state": "completed",
        "workload_class": "training",
        "sku": SKU,
        "device_count": 2,
        "precision": "BF16",
        "model_pflop": 26956.8,
    }


def server(devices: int, number: int = 1, start: date = date(2022, 1, 1)) -> list[Row]:
    """A server of 800 W per device, and its devices."""
    return [
        {
            "asset_id": f"server-{number}",
            "asset_class": "accelerator_server",
            "sku": "server",
            "quantity": 1,
            "in_service_from": start,
            "rated_power_w": 800 * devices,
        },
        {
            "asset_id": f"devices-{number}",
            "parent_asset_id": f"server-{number}",
            "asset_class": "accelerator",
            "sku": SKU,
            "quantity": devices,
            "in_service_from": start,
        },
    ]


MONTHLY_BILLS = [bill(JANUARY, FEBRUARY, 3100), bill(FEBRUARY, MARCH, 2800), bill(MARCH, APRIL, 3100)]
DAILY_RUNS = [run(date(2023, month, day), f"{month}-{day}") for month in (1, 2, 3) for day in (5, 15, 25)]

SITES: dict[str, tuple[str, Files]] = {
    "bills-only": (SHANGHAI, {"utility_bills": MONTHLY_BILLS}),
    "telemetry-only": (SHANGHAI, {"accelerator_samples": samples(("g1", "g2"), JANUARY, APRIL)}),
    "growing": (
        SHANGHAI,
        {
            "hardware_assets": [*server(2), *server(6, number=2, start=date(2023, 2, 15))],
            "accelerator_samples": [
                *samples(("g1", "g2"), JANUARY, APRIL, 0.5),
                *samples([f"new-{number}" for number in range(6)], date(2023, 2, 15), APRIL, 0.25),
            ],
        },
    ),
    "bill-missing": (
        SHANGHAI,
        {"hardware_assets": server(2), "workload_runs": DAILY_RUNS, "utility_bills": MONTHLY_BILLS[::2]},
    ),
    "bill-twice": (
        SHANGHAI,
        {
            "hardware_assets": server(2),
            "workload_runs": DAILY_RUNS,
            "utility_bills": [*MONTHLY_BILLS, bill(date(2023, 1, 22), date(2023, 2, 11), 1000)],
        },
    ),
    "credit-note": (
        SHANGHAI,
        {"utility_bills": [*MONTHLY_BILLS, bill(date(2023, 1, 10), date(2023, 1, 20), -50)]},
    ),
    "new-york": (
        NEW_YORK,
        {
            "hardware_assets": server(2),
            "accelerator_samples": samples(("g1", "g2"), date(2023, 10, 1), date(2024, 1, 1), zone=NEW_YORK),
            "facility_readings": [
                *meter("utility", 5, date(2023, 10, 1), date(2024, 1, 1), NEW_YORK),
                *meter("ups_output", 4, date(2023, 10, 1), date(2024, 1, 1), NEW_YORK),
            ],
            "utility_bills": [
                bill(date(2023, 9, 15), date(2023, 10, 15), 3600),
                bill(date(2023, 10, 15), date(2023, 11, 15), 745 * 5),
                bill(date(2023, 11, 15), date(2024, 1, 1), 47 * 24 * 5),
            ],
        },
    ),
    "leap-year": (
        SHANGHAI,
        {
            "hardware_assets": server(2),
            "accelerator_samples": samples(("g1", "g2"), date(2024, 1, 1), date(2024, 4, 1)),
            "facility_readings": meter("ups_output", 4, date(2024, 1, 1), date(2024, 4, 1)),
            "utility_bills": [bill(date(2024, 1, 1), date(2024, 4, 1), 91 * 24 * 5)],
        },
    ),
    "stranger": (
        SHANGHAI,
        # Two of the three devices that report stand in the inventory of four; nobody says which.
        {"hardware_assets": server(4), "accelerator_samples": samples(("g1", "g2", "g3"), JANUARY, APRIL)},
    ),
    "too-many": (
        SHANGHAI,
        {
            "hardware_assets": server(2),
            "accelerator_samples": [
                *samples(("g1", "g2", "g3", "g4"), JANUARY, FEBRUARY),
                *samples(("g1",), FEBRUARY, APRIL),
            ],
        },
    ),
    "idle": (
        SHANGHAI,
        {
            "hardware_assets": server(2),
            "accelerator_samples": [
                *samples(("g1", "g2"), JANUARY, FEBRUARY, 0.0),
                *samples(("g1", "g2"), MARCH, APRIL, 0.9),
            ],
        },
    ),
    "percent": (
        SHANGHAI,
        {"utility_bills": MONTHLY_BILLS, "accelerator_samples": samples(("g1", "g2"), JANUARY, APRIL, 55.0)},
    ),
}


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """All sites after a night, shared by all workers. To be read, never changed."""
    shared = tmp_path_factory.getbasetemp()
    shared = shared.parent if os.environ.get("PYTEST_XDIST_WORKER") else shared
    root = shared / "hostile"
    with FileLock(shared / "hostile.lock"):
        if not (root / "ready").exists():
            shutil.rmtree(root, ignore_errors=True)
            _write(root)
            outcome = night.night(open_workspace(root), Steps(), NOW, write_reports=False)
            assert not outcome.failures, outcome.failures
            (root / "ready").touch()
    return open_workspace(root)


def _write(root: Path) -> None:
    root.mkdir(parents=True)
    (root / "suanheng.toml").write_text("", encoding="utf-8")
    (root / "sites.toml").write_text("\n".join(_site(site, zone) for site, (zone, _) in SITES.items()))
    (root / "sources.toml").write_text("\n".join(map(_source, DATASETS)))
    for site, (_, files) in SITES.items():
        for dataset, rows in files.items():
            path = root / "landing" / site / dataset / "rows.csv"
            path.parent.mkdir(parents=True)
            labels = [label for label in DATASETS[dataset].columns if any(label in row for row in rows)]
            with path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, labels)
                writer.writeheader()
                writer.writerows(rows)


def _site(site_id: str, zone: str) -> str:
    region, country = ("US-NY", "US") if zone == NEW_YORK else ("CN-HE", "CN")
    return f"""\
[[site]]
site_id = "{site_id}"
name_en = "{site_id}"
name_zh = "{site_id}"
time_zone = "{zone}"
region_code = "{region}"
country = "{country}"
"""


def _source(dataset: str) -> str:
    return f"""\
[[source]]
format = "template"
dataset = "{dataset}"
files = "landing/{{site}}/{dataset}/*"
evidence = "measured"
time_zone = "UTC"
"""


@pytest.fixture
def figure(hostile: Workspace) -> Callable[[str, str, str], Row]:
    """``figure(site, period, indicator)``: the row of indicators.all."""

    def look_up(site: str, period: str, indicator: str) -> Row:
        query = 'SELECT * FROM indicators."all" WHERE site_id = ? AND period = ? AND indicator = ?'
        with reading(hostile) as lake:
            return lake.frame(query, [site, period, indicator]).row(0, named=True)

    return look_up


@pytest.fixture
def ask(hostile: Workspace) -> Callable[..., list[Row]]:
    """``ask(query, *parameters)``: rows of the warehouse."""

    def answer(query: str, *parameters: Any) -> list[Row]:
        with reading(hostile) as lake:
            return lake.frame(query, list(parameters)).to_dicts()

    return answer


def status(row: Row) -> tuple[Any, str]:
    return row["value"], row["status"]


def test_bills_alone_give_energy_and_no_ratio(ask, figure):
    (months,) = ask("SELECT sum(facility_kwh) AS kwh FROM rollups.energy_month WHERE site_id = 'bills-only'")
    assert months["kwh"] == 9000
    assert status(figure("bills-only", "2023Q1", "pue")) == (None, "no meter readings")
    assert status(figure("bills-only", "2023Q1", "resource_utilisation")) == (None, "no telemetry")
    assert status(figure("bills-only", "2023Q1", "operational_carbon_intensity")) == (None, "no workload records")
    (composite,) = ask("SELECT * FROM scorecards.composites WHERE site_id = 'bills-only' AND period = '2023Q1'")
    assert (composite["score"], composite["score_low"], composite["score_high"]) == (None, 0, 100)


def test_telemetry_without_an_inventory_is_seen_and_not_scored(ask, figure):
    row = figure("telemetry-only", "2023-01", "resource_utilisation")
    assert (row["numerator"], row["denominator"], row["coverage"]) == (744, 1488, 0)
    assert status(figure("telemetry-only", "2023Q1", "theoretical_efficiency")) == (None, "no inventory")


def test_a_fleet_that_grows_within_a_month_is_measured_by_days(ask, figure):
    # Device-hours: 2 x 90 days + 6 x 45 days (15 February to 31 March), 24 h each; busy 2 x 90 x 0.5 + 6 x 45 x 0.25.
    row = figure("growing", "2023Q1", "resource_utilisation")
    assert (row["denominator"], row["numerator"]) == (24 * (180 + 270), 24 * (90 + 67.5))
    capacity = ask("SELECT * FROM rollups.capacity_month WHERE site_id = 'growing' ORDER BY month_start")
    assert [month["installed_device_hours"] for month in capacity] == [1488, 24 * (56 + 6 * 14), 24 * 8 * 31]
    assert figure("growing", "2023Q1", "theoretical_efficiency")["value"] == pytest.approx(312e3 / 800)


def test_a_missing_bill_is_not_zero_energy(figure):
    # 31 days of January and of March; February counts on neither side. 3 runs of 26 956.8 PFLOP = 7.488 PFLOP-h each.
    row = figure("bill-missing", "2023Q1", "operational_carbon_intensity")
    assert row["value"] == pytest.approx(6200 * 0.6516 / (6 * 7.488), rel=1e-6)
    assert row["coverage"] == pytest.approx(62 / 90)
    assert figure("bill-missing", "2023-02", "operational_carbon_intensity")["status"] == "no bill"


def test_overlapping_bills_are_not_added(ask):
    # 22 January to 10 February is billed once more: the later row of the file is refused and names the earlier two.
    months = ask("SELECT bill_kwh FROM rollups.energy_month WHERE site_id = 'bill-twice' ORDER BY month_start")
    assert [month["bill_kwh"] for month in months] == [3100, 2800, 3100]
    (refused,) = ask("SELECT * FROM quarantine.records WHERE site_id = 'bill-twice'")
    assert (refused["rule"], refused["row_number"]) == ("overlapping_service_period", 5)
    assert "row 2 of landing/bill-twice" in refused["message"]
    assert "row 3 of landing/bill-twice" in refused["message"]


def test_a_credit_note_is_taken_off(ask):
    months = ask(
        "SELECT bill_kwh, bill_days FROM rollups.energy_month WHERE site_id = 'credit-note' ORDER BY month_start"
    )
    assert [(month["bill_kwh"], month["bill_days"]) for month in months] == [(3050, 31), (2800, 28), (3100, 31)]


def test_the_hour_that_comes_twice_counts_twice(ask, figure):
    (november,) = ask(
        "SELECT * FROM rollups.energy_month WHERE site_id = 'new-york' AND month_start = DATE '2023-11-01'"
    )
    assert (november["meter_hours"], november["it_kwh"]) == (721, 4 * 721)
    assert november["bill_kwh"] == pytest.approx(5 * 721)
    assert november["bill_proration"] == "load shape"
    pue = figure("new-york", "2023-11", "pue")
    assert (pue["numerator"], pue["denominator"]) == (pytest.approx(5 * 721), 4 * 721)
    row = figure("new-york", "2023Q4", "resource_utilisation")
    assert (row["numerator"], row["denominator"]) == (2209, 2 * 2209)
    # No factor of 2023 is known: that of 2022 stands in.
    assert figure("new-york", "2023-11", "cue")["reference_rows"] == ["grid_emission_factors/US/2022/average"]


def test_february_has_29_days(ask, figure):
    row = figure("leap-year", "2024-02", "resource_utilisation")
    assert (row["numerator"], row["denominator"]) == (29 * 24, 2 * 29 * 24)
    assert figure("leap-year", "2024-02", "pue")["numerator"] == 29 * 24 * 5
    # No average factor of 2024 is published: that of 2023 stands in, as an estimate.
    cue = figure("leap-year", "2024Q1", "cue")
    assert all("/2023/" in row for row in cue["reference_rows"]) and cue["reference_rows"]


def test_devices_of_the_inventory_that_never_report_are_unknown(figure):
    row = figure("stranger", "2023-02", "resource_utilisation")
    assert row["numerator"] / row["denominator"] == 0.5  # 3 devices of 4 were seen
    (quarter, year) = (figure("stranger", period, "resource_utilisation") for period in ("2023Q1", "2023"))
    assert quarter["numerator"] == year["numerator"] == 3 * 90 * 12
    assert quarter["coverage"] == pytest.approx(0.75 * 3 / 12)


def test_devices_beyond_the_inventory_do_not_hide_those_that_are_silent(figure):
    # January: 4 seen of 2 known, which is all of them; February and March: 1 of 2.
    row = figure("too-many", "2023Q1", "resource_utilisation")
    assert row["coverage"] == pytest.approx((62 + 28 + 31) / 180 * 3 / 12)


def test_idle_is_zero_and_silent_is_unknown(figure):
    january, february = (figure("idle", month, "resource_utilisation") for month in ("2023-01", "2023-02"))
    assert (january["numerator"], january["denominator"]) == (0, 1488)
    assert (february["numerator"], february["denominator"]) == (None, None)
    quarter = figure("idle", "2023Q1", "resource_utilisation")
    assert quarter["value"] == pytest.approx(0.45)
    assert quarter["coverage"] == pytest.approx(2 / 12)


def test_percentages_are_refused_not_divided(ask, figure):
    assert status(figure("percent", "2023Q1", "resource_utilisation")) == (None, "no telemetry")
    (refused,) = ask("SELECT count(*) AS rows FROM quarantine.records WHERE site_id = 'percent'")
    assert refused["rows"] == 2 * 90 * 24
