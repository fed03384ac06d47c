"""Activity: device-hours summed over a month."""

from datetime import date, datetime, timedelta
from decimal import Decimal


def test_a_month_sums_its_device_hours(warehouse):
    # Ten hourly means of 0.25 at 300 W and one hour without either: 11 h seen, 2.5 busy of 10 known, 3 kWh.
    for hour in range(11):
        known = hour < 10
        warehouse.stage(
            "accelerator_samples",
            {
                "device_id": "gpu-1",
                "sampled_at_utc": datetime(2023, 3, 5) + timedelta(hours=hour),
                "interval_s": 3600.0,
                "utilisation_ratio": 0.25 if known else None,
                "power_w": 300.0 if known else None,
            },
        )
    warehouse.build("rollups/device_hour.sql")
    assert warehouse.run("rollups/activity_month.sql").row(0, named=True) == {
        "site_id": "site-a",
        "month_start": date(2023, 3, 1),
        "observed_device_hours": Decimal(11),
        "busy_device_hours": Decimal("2.5"),
        "utilisation_device_hours": Decimal(10),
        "off_device_hours": Decimal(0),
        "device_energy_kwh": Decimal(3),
        "energy_device_hours": Decimal(10),
        "evidence_rank": 2,
    }
