"""Device-hours: time held by samples, counters that lie, partitioned devices, hours and months."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

RECIPE = "rollups/device_hour.sql"
MIDNIGHT = datetime(2023, 1, 1)  # 08:00 at the site, well inside January
JANUARY = {"start": date(2023, 1, 1), "end": date(2023, 2, 1)}


def samples(count, every_s=60, begin=MIDNIGHT, **columns):
    """Equally spaced samples of one H100; a callable column is called with the sample's index."""
    return [
        {
            "node_id": "node-1",
            "device_id": "gpu-1",
            "sku": "H100 SXM 80GB",
            "sampled_at_utc": begin + timedelta(seconds=every_s * index),
            **{name: value(index) if callable(value) else value for name, value in columns.items()},
        }
        for index in range(count)
    ]


def energy(rows):
    return float(rows["energy_kwh"].sum())


def test_a_sample_holds_until_the_next_one(warehouse):
    # 60 samples a minute apart fill one hour: half at 1, half at 0.5 -> 0.5 + 0.25 busy hours; 600 W x 1 h = 0.6 kWh.
    warehouse.stage(
        "accelerator_samples", *samples(60, utilisation_ratio=lambda i: 1.0 if i < 30 else 0.5, power_w=600.0)
    )
    row = warehouse.run(RECIPE, **JANUARY).row(0, named=True)
    assert row["device_hours"] == row["utilisation_device_hours"] == row["energy_device_hours"] == Decimal(1)
    assert row["busy_device_hours"] == Decimal("0.75")
    assert row["energy_kwh"] == Decimal("0.6")
    assert (row["samples"], row["node_id"], row["sku"]) == (60, "node-1", "H100 SXM 80GB")
    assert row["hour_start_utc"] == MIDNIGHT
    assert row["month_start"] == date(2023, 1, 1)


def test_a_gap_is_not_filled(warehouse):
    # 10 samples a minute apart, 30 minutes of silence, 10 more: the last of each holds as long as the one before it.
    later = MIDNIGHT + timedelta(minutes=40)
    warehouse.stage("accelerator_samples", *samples(10), *samples(10, begin=later))
    row = warehouse.run(RECIPE, **JANUARY).row(0, named=True)
    assert row["device_hours"] == Decimal("0.333333333")  # 20 of 60 minutes


def test_sparse_instants_hold_five_minutes(warehouse):
    # One sample an hour: each stands for 300 s, 300 / 3600 = 0.083333333 of its hour.
    warehouse.stage("accelerator_samples", *samples(3, every_s=3600))
    rows = warehouse.run(RECIPE, **JANUARY)
    assert rows["device_hours"].to_list() == [Decimal("0.083333333")] * 3


def test_a_stated_interval_is_cut_at_hours_and_by_the_next_sample(warehouse):
    # From 00:30 a mean of 0.4 over 5400 s: 1800 s in hour 0, 3600 s in hour 1. The second device repeats intervals of
    # 600 s every 300 s: two samples cover 300 s + 600 s, not 1200 s.
    warehouse.stage(
        "accelerator_samples",
        *samples(1, begin=MIDNIGHT + timedelta(minutes=30), interval_s=5400.0, utilisation_ratio=0.4),
        *samples(2, every_s=300, device_id="gpu-2", interval_s=600.0),
    )
    rows = warehouse.run(RECIPE, **JANUARY).sort("device_id", "hour_start_utc")
    assert rows["device_hours"].to_list() == [Decimal("0.5"), Decimal(1), Decimal("0.25")]
    assert rows["busy_device_hours"].to_list()[:2] == [Decimal("0.2"), Decimal("0.4")]
    assert rows["samples"].to_list() == [1, 0, 2]


def test_a_row_for_equal_devices_counts_each_of_them(warehouse):
    # 8 devices for 1 h at 0.5 and 500 W each: 8 device-hours, 4 busy, 4 kWh.
    warehouse.stage(
        "accelerator_samples", *samples(1, interval_s=3600.0, device_count=8, utilisation_ratio=0.5, power_w=500.0)
    )
    row = warehouse.run(RECIPE, **JANUARY).row(0, named=True)
    assert (row["device_hours"], row["busy_device_hours"], row["energy_kwh"]) == (Decimal(8), Decimal(4), Decimal(4))


def test_unknown_utilisation_and_power_are_not_zero(warehouse):
    warehouse.stage("accelerator_samples", *samples(60))
    row = warehouse.run(RECIPE, **JANUARY).row(0, named=True)
    assert row["device_hours"] == Decimal(1)
    assert row["utilisation_device_hours"] == row["energy_device_hours"] == Decimal(0)
    assert row["busy_device_hours"] is None
    assert row["energy_kwh"] is None


def test_the_counter_is_preferred_to_power(warehouse):
    # 60 rises of 30 kJ = 1.8 MJ = 0.5 kWh, beside power readings of 100 W that would give 0.1 kWh.
    warehouse.stage("accelerator_samples", *samples(61, power_w=100.0, energy_counter_j=lambda i: 30_000.0 * i))
    first = warehouse.run(RECIPE, **JANUARY).sort("hour_start_utc").row(0, named=True)
    assert first["energy_kwh"] == Decimal("0.5")


@pytest.mark.parametrize("after", [0.0, 12_345.0], ids=["reset to zero", "wrap to a low value"])
def test_a_counter_that_falls_is_split_and_bridged_by_power(warehouse, after):
    # 30 samples of 30 kJ rises (29 rises), the counter falls, 31 more samples (30 rises). Known: 59 x 30 kJ = 1 770 kJ.
    # The one step across the fall is 600 W x 60 s = 36 kJ. Together 1 806 kJ = 0.501666667 kWh.
    def counter(index):
        return 5_000_000.0 + 30_000.0 * index if index < 30 else after + 30_000.0 * (index - 30)

    warehouse.stage("accelerator_samples", *samples(61, power_w=600.0, energy_counter_j=counter))
    first = warehouse.run(RECIPE, **JANUARY).sort("hour_start_utc").row(0, named=True)
    assert first["energy_kwh"] == Decimal("0.501666667")
    assert first["energy_device_hours"] == Decimal(1)


def test_a_fall_without_power_is_unknown(warehouse):
    # As above without power: 59 of 60 minutes are known, 1 770 kJ = 0.491666667 kWh.
    def counter(index):
        return 5_000_000.0 + 30_000.0 * index if index < 30 else 30_000.0 * (index - 30)

    warehouse.stage("accelerator_samples", *samples(61, energy_counter_j=counter))
    first = warehouse.run(RECIPE, **JANUARY).sort("hour_start_utc").row(0, named=True)
    assert first["energy_kwh"] == Decimal("0.491666667")
    assert first["energy_device_hours"] == Decimal("0.983333333")


@pytest.mark.parametrize(("sku", "highest_w"), [("H100 SXM 80GB", 840.0), ("unheard of", 20_000.0)])
def test_no_rise_exceeds_the_highest_power(warehouse, sku, highest_w):
    # H100: 1.2 x 700 W TDP = 840 W; 20 kW where the SKU is unknown. A rise at the bound counts, one above does not.
    for device, excess in (("at", 0.0), ("above", 60.0)):
        counter = [0.0, highest_w * 60 + excess]
        warehouse.stage(
            "accelerator_samples", *samples(2, device_id=device, sku=sku, energy_counter_j=counter.__getitem__)
        )
    rows = warehouse.run(RECIPE, **JANUARY).sort("device_id")
    assert rows["energy_kwh"].to_list() == [None, Decimal(str(round(highest_w * 60 / 3.6e6, 9)))]


def test_a_counter_that_falls_and_recovers_books_nothing(warehouse):
    # A glitch to zero at minute 30: the fall and the recovery of 5 MJ in a minute (83 kW) are both bridged by power.
    def counter(index):
        return 0.0 if index == 30 else 5_000_000.0 + 30_000.0 * index

    warehouse.stage("accelerator_samples", *samples(61, power_w=500.0, energy_counter_j=counter))
    first = warehouse.run(RECIPE, **JANUARY).sort("hour_start_utc")[:1]
    assert energy(first) == pytest.approx(0.5)  # 500 W = 30 kJ a minute, all the way


def test_a_counter_that_stands_still_under_power_is_dead(warehouse):
    warehouse.stage("accelerator_samples", *samples(60, power_w=600.0, energy_counter_j=7.0))
    assert energy(warehouse.run(RECIPE, **JANUARY)) == pytest.approx(0.6)


def test_a_counter_bridges_silence_but_utilisation_does_not(warehouse):
    # Samples at 00:00 and 02:00, 500 W between them by the counter: 1 kWh over 2 h; each sample holds 300 s.
    warehouse.stage(
        "accelerator_samples",
        *samples(2, every_s=7200, utilisation_ratio=1.0, energy_counter_j=lambda i: 3_600_000.0 * i),
    )
    rows = warehouse.run(RECIPE, **JANUARY).sort("hour_start_utc")
    assert rows["energy_kwh"].to_list() == [Decimal("0.5"), Decimal("0.5"), None]
    assert rows["energy_device_hours"].to_list() == [Decimal(1), Decimal(1), Decimal(0)]
    assert rows["device_hours"].to_list() == [Decimal("0.083333333"), Decimal(0), Decimal("0.083333333")]


def test_instances_share_the_counter_of_their_device(warehouse):
    # Four instances repeat one counter (0.5 kWh in the hour) and one power: counted once. Utilisation is the mean of
    # 1, 1, 0.5 and 0.5.
    for instance, busy in enumerate((1.0, 1.0, 0.5, 0.5)):
        warehouse.stage(
            "accelerator_samples",
            *samples(
                61,
                instance_id=f"GI-{instance}",
                utilisation_ratio=busy,
                power_w=500.0,
                energy_counter_j=lambda i: 30_000.0 * i,
            ),
        )
    row = warehouse.run(RECIPE, **JANUARY).sort("hour_start_utc").row(0, named=True)
    assert row["energy_kwh"] == Decimal("0.5")
    assert row["device_hours"] == Decimal(1)
    assert row["busy_device_hours"] == Decimal("0.75")


def test_instances_without_metrics_lower_the_known_hours(warehouse):
    # 16 instances, 13 with metrics (P11): 13/16 of the device-hour is known, all of it busy.
    for instance in range(16):
        warehouse.stage(
            "accelerator_samples",
            *samples(60, instance_id=f"GI-{instance}", utilisation_ratio=1.0 if instance < 13 else None),
        )
    row = warehouse.run(RECIPE, **JANUARY).row(0, named=True)
    assert row["utilisation_device_hours"] == row["busy_device_hours"] == Decimal("0.8125")  # 13 / 16
    assert row["device_hours"] == Decimal(1)


def test_a_whole_device_row_without_utilisation_is_no_instance(warehouse):
    # MIG: the device itself says N/A but carries the power; its two instances say 1 and 0.
    warehouse.stage(
        "accelerator_samples",
        *samples(60, power_w=433.78),
        *samples(60, instance_id="GI-1", utilisation_ratio=1.0),
        *samples(60, instance_id="GI-2", utilisation_ratio=0.0),
    )
    row = warehouse.run(RECIPE, **JANUARY).row(0, named=True)
    assert (row["device_hours"], row["busy_device_hours"]) == (Decimal(1), Decimal("0.5"))
    assert row["energy_kwh"] == Decimal("0.43378")


def test_months_are_local(warehouse):
    # 2023-01-31 16:00 UTC is midnight of 1 February in Shanghai; in Kolkata (UTC+5:30) it is 18:30 UTC.
    warehouse.add_site("site-k", time_zone="Asia/Kolkata")
    for site, begin in (("site-a", datetime(2023, 1, 31, 15, 30)), ("site-k", datetime(2023, 1, 31, 18, 0))):
        warehouse.stage("accelerator_samples", *({"site_id": site, **row} for row in samples(60, begin=begin)))
        rows = warehouse.run(RECIPE, site_id=site).sort("hour_start_utc")
        assert rows["month_start"].to_list() == [date(2023, 1, 1), date(2023, 2, 1)]
        assert rows["device_hours"].to_list() == [Decimal("0.5"), Decimal("0.5")]


def test_the_scope_does_not_change_the_hours(warehouse):
    # Energy and time across the end of a month are the same whether January and February are built apart or together.
    begin = datetime(2023, 1, 31, 14, 0)
    warehouse.stage(
        "accelerator_samples",
        *samples(400, every_s=47, begin=begin, utilisation_ratio=0.3, energy_counter_j=lambda i: 20_000.0 * i),
    )
    february = {"start": date(2023, 2, 1), "end": date(2023, 3, 1)}
    together = warehouse.run(RECIPE, start=JANUARY["start"], end=february["end"]).sort("hour_start_utc")
    apart = warehouse.run(RECIPE, **JANUARY).vstack(warehouse.run(RECIPE, **february)).sort("hour_start_utc")
    assert apart.equals(together)
    assert energy(together) == pytest.approx(399 * 20_000 / 3.6e6, abs=1e-8)


def test_the_weakest_evidence_decides(warehouse):
    warehouse.stage("accelerator_samples", *samples(30, evidence_class="metered"))
    warehouse.stage(
        "accelerator_samples", *samples(30, begin=MIDNIGHT + timedelta(minutes=30), evidence_class="simulated")
    )
    assert warehouse.run(RECIPE, **JANUARY)["evidence_rank"].to_list() == [5]
