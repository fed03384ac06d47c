"""Site-hours and site-days: devices beside meters."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest


@pytest.fixture
def two_local_days(warehouse):
    """Two devices and a UPS meter from 15:00 to 17:00 UTC, one hour on either side of local midnight."""
    begin = datetime(2023, 1, 10, 15)
    for hour in range(2):
        at = begin + timedelta(hours=hour)
        for device, busy in (("gpu-1", 1.0), ("gpu-2", 0.5)):
            warehouse.stage(
                "accelerator_samples",
                {
                    "device_id": device,
                    "sampled_at_utc": at,
                    "interval_s": 3600.0,
                    "utilisation_ratio": busy,
                    "power_w": 400.0,
                },
            )
    warehouse.stage(
        "facility_readings",
        {
            "meter_id": "ups",
            "boundary": "ups_output",
            "started_at_utc": begin,
            "ended_at_utc": begin + timedelta(hours=1),
            "energy_kwh": 5.0,
        },
    )
    warehouse.build("rollups/device_hour.sql", "rollups/meter_hour.sql")
    return warehouse


def test_a_site_hour_sums_devices_and_meters(two_local_days):
    first, second = two_local_days.run("rollups/site_hour.sql").sort("hour_start_utc").iter_rows(named=True)
    assert (first["device_hours"], first["busy_device_hours"]) == (Decimal(2), Decimal("1.5"))
    assert first["device_energy_kwh"] == Decimal("0.8")
    assert first["ups_output_kwh"] == Decimal(5)
    assert first["utility_kwh"] is None  # no such meter: unknown, not zero
    assert second["ups_output_kwh"] is None


def test_a_site_day_is_local(two_local_days):
    # 15:00 UTC is 23:00 on the 10th in Shanghai, 16:00 UTC is midnight of the 11th.
    days = two_local_days.run("rollups/site_day.sql").sort("day")
    assert days["day"].to_list() == [date(2023, 1, 10), date(2023, 1, 11)]
    assert days["device_hours"].to_list() == [Decimal(2), Decimal(2)]
    assert days["ups_output_kwh"].to_list() == [Decimal(5), None]
