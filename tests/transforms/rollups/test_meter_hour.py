"""Meter-hours: intervals, instants of power, counters, estimates and overlaps."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

RECIPE = "rollups/meter_hour.sql"
BEGIN = datetime(2023, 1, 10)


def reading(begin_h, end_h=None, **columns):
    start = BEGIN + timedelta(hours=begin_h)
    end = start if end_h is None else BEGIN + timedelta(hours=end_h)
    return {"meter_id": "m-1", "boundary": "utility", "started_at_utc": start, "ended_at_utc": end, **columns}


def sums(rows):
    return float(rows["energy_kwh"].sum() or 0), float(rows["energy_hours"].sum())


def test_an_interval_falls_evenly_on_its_hours(warehouse):
    # 6 kWh from 00:30 to 03:30: 1 kWh in half of hour 0, 2 and 2 in hours 1 and 2, 1 in half of hour 3.
    warehouse.stage("facility_readings", reading(0.5, 3.5, energy_kwh=6.0))
    rows = warehouse.run(RECIPE).sort("hour_start_utc")
    assert rows["energy_kwh"].to_list() == [Decimal(1), Decimal(2), Decimal(2), Decimal(1)]
    assert rows["energy_hours"].to_list() == [Decimal("0.5"), Decimal(1), Decimal(1), Decimal("0.5")]
    assert rows["readings"].to_list() == [1, 0, 0, 0]


def test_mean_power_over_an_interval_is_energy(warehouse):
    warehouse.stage("facility_readings", reading(0, 2, power_w=3000.0))  # 3 kW x 2 h
    assert sums(warehouse.run(RECIPE)) == (6.0, 2.0)


def test_instants_of_power_hold_until_the_next(warehouse):
    # 1 kW at 00:00, 2 kW at 00:15, 4 kW at 00:45, which holds as long as the one before it, 30 minutes:
    # 0.25 + 1 + 2 kWh over 75 minutes, a quarter of an hour of it (1 kWh) in hour 1.
    warehouse.stage(
        "facility_readings", reading(0, power_w=1000.0), reading(0.25, power_w=2000.0), reading(0.75, power_w=4000.0)
    )
    rows = warehouse.run(RECIPE).sort("hour_start_utc")
    assert rows["energy_kwh"].to_list() == [Decimal("2.25"), Decimal(1)]
    assert rows["energy_hours"].to_list() == [Decimal(1), Decimal("0.25")]


def test_a_lone_instant_holds_an_hour_at_most(warehouse):
    warehouse.stage("facility_readings", reading(0, power_w=1000.0), reading(10, power_w=1000.0))
    assert sums(warehouse.run(RECIPE)) == (2.0, 2.0)


def test_a_counter_is_differenced_and_split_at_its_reset(warehouse):
    # 100 -> 150 -> (reset) 5 -> 25, an hour apart: 50 + 20 kWh known over 2 h, the hour of the reset is not.
    counters = (100.0, 150.0, 5.0, 25.0)
    warehouse.stage("facility_readings", *(reading(2 * h, energy_counter_kwh=v) for h, v in enumerate(counters)))
    assert sums(warehouse.run(RECIPE)) == (70.0, 4.0)


def test_a_slip_of_the_counter_books_nothing(warehouse):
    # sem-community 782: a register that falls to zero and recovers is not 15.5 MWh. 15 500 -> 15 510 in 30 minutes.
    counters = (15_500.0, 0.0, 15_510.0)
    warehouse.stage("facility_readings", *(reading(0.25 * q, energy_counter_kwh=v) for q, v in enumerate(counters)))
    assert sums(warehouse.run(RECIPE)) == (10.0, 0.5)


@pytest.mark.parametrize("every_h", [0.25, 2, 12])
def test_p03_a_slip_books_nothing_however_far_apart_the_readings_are(warehouse, every_h):
    # A register of 15 500 kWh that reads 0 once and 15 510 after it: 10 kWh passed over both steps.
    counters = (15_500.0, 0.0, 15_510.0)
    warehouse.stage("facility_readings", *(reading(every_h * n, energy_counter_kwh=v) for n, v in enumerate(counters)))
    assert sums(warehouse.run(RECIPE)) == (10.0, 2 * every_h)


def test_gauges_are_held_and_never_differenced(warehouse):
    # 1 kW, 3 kW, 2 kW every half an hour: 0.5 + 1.5 kWh held, and 1 kWh more for the half hour after the last.
    warehouse.stage("facility_readings", *(reading(n / 2, power_w=w) for n, w in enumerate((1e3, 3e3, 2e3))))
    assert sums(warehouse.run(RECIPE)) == (3.0, 1.5)


def test_a_suspect_reading_is_not_used(warehouse):
    # 1 kW at 00:00 and 02:00 hold an hour each. The 9 MW that the source itself does not believe count for nothing.
    warehouse.stage(
        "facility_readings",
        reading(0, power_w=1000.0),
        reading(1, power_w=9e6, is_suspect=True),
        reading(2, power_w=1000.0),
    )
    assert sums(warehouse.run(RECIPE)) == (2.0, 2.0)


def test_unknown_and_zero_are_two_values(warehouse):
    # 0 W is read for an hour; nothing is read for the next.
    warehouse.stage("facility_readings", reading(0, 1, power_w=0.0))
    rows = warehouse.run(RECIPE)
    assert rows.select("energy_kwh", "energy_hours").rows() == [(Decimal(0), Decimal(1))]


def test_monthly_register_readings_fall_evenly_over_the_months(warehouse):
    # Read on 10 January and 9 February 00:00 UTC: 720 kWh over 30 x 24 h, 1 kWh an hour. January (local) has the hours
    # to 31 January 16:00 UTC: 21 x 24 + 16 = 520.
    warehouse.stage("facility_readings", reading(0, energy_counter_kwh=1000.0), reading(720, energy_counter_kwh=1720.0))
    january = warehouse.run(RECIPE, start=date(2023, 1, 1), end=date(2023, 2, 1))
    february = warehouse.run(RECIPE, start=date(2023, 2, 1), end=date(2023, 3, 1))
    assert sums(january) == (520.0, 520.0)
    assert sums(february) == (200.0, 200.0)


def test_overlapping_readings_count_as_their_mean(warehouse):
    # The same hour stated as 10 kWh and, within a stretch of 4 h, as 12 kWh an hour: (10 + 12) / 2 = 11.
    warehouse.stage("facility_readings", reading(0, 1, energy_kwh=10.0), reading(0, 4, energy_kwh=48.0))
    rows = warehouse.run(RECIPE).sort("hour_start_utc")
    assert rows["energy_kwh"].to_list() == [Decimal(11), Decimal(12), Decimal(12), Decimal(12)]
    assert rows["energy_hours"].to_list() == [Decimal(1)] * 4


def test_water_is_kept_apart_from_energy(warehouse):
    warehouse.stage("facility_readings", reading(0, 2, boundary="water", water_m3=3.0))
    rows = warehouse.run(RECIPE)
    assert rows["water_m3"].to_list() == [Decimal("1.5")] * 2
    assert rows["water_hours"].to_list() == [Decimal(1)] * 2
    assert rows["energy_kwh"].to_list() == [None, None]
    assert rows["energy_hours"].sum() == 0


@pytest.mark.parametrize(("evidence", "rank"), [("metered", 4), ("simulated", 5)])
def test_an_estimated_reading_is_estimated_evidence(warehouse, evidence, rank):
    warehouse.stage("facility_readings", reading(0, 1, energy_kwh=1.0, is_estimated=True, evidence_class=evidence))
    assert warehouse.run(RECIPE)["evidence_rank"].to_list() == [rank]


def test_readings_that_overlap_in_a_part_of_an_hour_count_once(warehouse):
    # The last half of hour 0, as 0.5 kWh a quarter of an hour and again as 2 kW: 1 kWh in half an hour, and the other
    # half is unknown.
    warehouse.stage(
        "facility_readings",
        reading(0.5, 0.75, energy_kwh=0.5),
        reading(0.75, 1, energy_kwh=0.5),
        reading(0.5, power_w=2000.0),
        reading(0.75, power_w=2000.0),
    )
    assert sums(warehouse.run(RECIPE)) == (1.0, 0.5)


def test_a_reading_within_another_adds_no_time(warehouse):
    # 1 m3 from 00:00 to 00:30, and from 00:10 to 00:20 once more 1 m3: 2 m3 stated over 40 minutes, so 1.5 m3 in 30.
    warehouse.stage("facility_readings", reading(0, 0.5, water_m3=1.0), reading(1 / 6, 1 / 3, water_m3=1.0))
    row = warehouse.run(RECIPE).row(0, named=True)
    assert (row["water_m3"], row["water_hours"]) == (Decimal("1.5"), Decimal("0.5"))
