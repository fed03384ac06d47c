"""Device-hours: time held by samples, counters that are, partitioned devices, hours and months."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import polars as pl
import pytest

from suanheng.schemas.checking.records import Chunk, check
from suanheng.schemas.formats import template
from suanheng.transforms.telemetry.hourly_sums import SUMS

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
def test_t20_a_counter_that_falls_is_split_and_bridged_by_power(warehouse, after):
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


@pytest.mark.parametrize(("still_minutes", "kwh"), [(14, 0.46), (16, 0.6)])
def test_a_counter_that_stands_still_for_a_quarter_of_the_hour_is_not_used_in_it(warehouse, still_minutes, kwh):
    # 600 W are 36 kJ a minute. Still for 14 of 60 minutes the counter gives 46 x 36 kJ = 0.46 kWh, 77 % of power, and
    # counts; still for 16 it gives 73 %, and power counts, 0.6 kWh.
    warehouse.stage(
        "accelerator_samples",
        *samples(61, power_w=600.0, energy_counter_j=lambda i: 36_000.0 * max(i - still_minutes, 0)),
    )
    first = warehouse.run(RECIPE, **JANUARY).sort("hour_start_utc")[:1]
    assert energy(first) == pytest.approx(kwh)
    assert first["counter_is_dead"].to_list() == [still_minutes > 15]


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


MINUTES = 360
STEP_J = 30_000.0
"""500 W for a minute."""


def rising(index):
    return 1_000_000.0 + STEP_J * index


GOLDEN = {
    "as it should be": rising,
    "reset to zero": lambda i: rising(i) if i < 100 else STEP_J * (i - 100),
    "uint64 of millijoules wraps": lambda i: (2**64 - 100 * 30_000_000 + 30_000_000 * i) % 2**64 / 1000,
    "uint32 of millijoules wraps": lambda i: (30_000_000 * i) % 2**32 / 1000,
    "int32 of millijoules wraps": lambda i: (30_000_000 * i) % 2**31 / 1000,
    "falls and recovers 15.5 MWh": lambda i: 0.0 if i == 200 else 15_500 * 3.6e6 + STEP_J * i,
    "falls for long and recovers 15.5 MWh": lambda i: 0.0 if 200 <= i < 230 else 15_500 * 3.6e6 + STEP_J * i,
    "jumps by a gigajoule": lambda i: rising(i) + (1e9 if i >= 150 else 0.0),
    "underflows": lambda i: 1.8446744073e16 if i == 77 else rising(i),
    "dead": lambda i: 42.0,
}


@pytest.mark.parametrize("counter", GOLDEN.values(), ids=GOLDEN.keys())
@pytest.mark.parametrize("instances", [("",), ("GI-1", "GI-2", "GI-3", "GI-4")], ids=["whole", "four instances"])
def test_p03_whatever_the_counter_does_the_energy_is_that_of_500_watts(warehouse, counter, instances):
    # 500 W over 360 minutes are 3 kWh, whether the counter states or power over time does. Where the counter is not
    # believed power stands in, so that no variant may give more or less than the integral of power.
    for instance in instances:
        warehouse.stage(
            "accelerator_samples",
            *samples(MINUTES + 1, instance_id=instance, power_w=500.0, energy_counter_j=counter),
        )
    rows = warehouse.run(RECIPE, **JANUARY).sort("hour_start_utc")[:6]
    assert rows["energy_kwh"].sum() == pytest.approx(Decimal(3), abs=Decimal("0.000001"))
    assert rows["energy_device_hours"].sum() == Decimal(6)
    # Rated power of the H100 is 700 W: no hour, and with it no step, has more.
    assert rows["energy_kwh"].max() <= Decimal("0.7")


@pytest.mark.parametrize(
    ("name", "rule", "findings"),
    [
        ("reset to zero", "counter_reset", 1),
        ("uint64 of millijoules wraps", "counter_reset", 1),
        ("uint32 of millijoules wraps", "counter_reset", 2),  # 360 x 30 kJ / 4 294 967.296 J = 2.5
        ("int32 of millijoules wraps", "counter_reset", 5),  # 360 x 30 kJ / 2 147 483.648 J = 5.03
        ("falls and recovers 15.5 MWh", "counter_reset", 1),
        ("falls and recovers 15.5 MWh", "counter_above_rated_power", 1),
        ("jumps by a gigajoule", "counter_above_rated_power", 1),
        ("underflows", "counter_above_rated_power", 1),
        ("dead", "counter_dead", 6),
    ],
)
def test_p03_what_a_counter_did_is_a_finding(warehouse, build_energy, name, rule, findings):
    warehouse.stage("accelerator_samples", *samples(MINUTES + 1, power_w=500.0, energy_counter_j=GOLDEN[name]))
    build_energy()
    warehouse.build("rollups/run_energy.sql")
    found = warehouse.run("rollups/telemetry_findings_month.sql").filter(rule=rule)
    assert found["findings"].to_list() == [findings]


def test_p03_a_counter_as_it_should_be_has_no_finding(warehouse, build_energy):
    warehouse.stage("accelerator_samples", *samples(MINUTES + 1, power_w=500.0, energy_counter_j=rising))
    build_energy()
    warehouse.build("rollups/run_energy.sql")
    assert warehouse.run("rollups/telemetry_findings_month.sql").is_empty()


def test_p03_sentinels_are_unknown_and_never_energy(warehouse):
    # Minutes 50 to 52 read BLANK, NOT_FOUND and NOT_SUPPORTED, power too. Of the 360 steps 50 to 52 begin without a
    # reading, and the one to minute 50 is bridged: 357 x 30 kJ = 10.71 MJ = 2.975 kWh over 357 minutes, 5.95 h.
    sentinels = {50: "9223372036854775792", 51: "9223372036854775793", 52: "9223372036854775794"}
    texts = [
        {
            "row_number": index + 2,
            "device_id": "gpu-1",
            "sku": "H100 SXM 80GB",
            "sampled_at_utc": f"{MIDNIGHT + timedelta(minutes=index):%Y-%m-%dT%H:%M:%SZ}",
            "power_w": sentinels.get(index, "500"),
            "energy_counter_j": sentinels.get(index, str(rising(index))),
        }
        for index in range(MINUTES + 1)
    ]
    checked = check(Chunk(pl.DataFrame(texts)), template("accelerator_samples").contract)
    assert checked.rejected.is_empty()
    warehouse.stage("accelerator_samples", *checked.accepted.drop("row_number").to_dicts())
    rows = warehouse.run(RECIPE, **JANUARY).sort("hour_start_utc")[:6]
    assert rows["energy_kwh"].sum() == Decimal("2.975")
    assert rows["energy_device_hours"].sum() == Decimal("5.95")


def test_p03_a_counter_that_recovers_after_a_silence_books_nothing(warehouse):
    # Every two hours: 1 kWh, then 0, then 1.2 kWh. 4.3 MJ in two hours is what 600 W would give, but the counter was as
    # high before it fell: without power the four hours are unknown.
    counter = (3_600_000.0, 0.0, 4_320_000.0)
    warehouse.stage("accelerator_samples", *samples(3, every_s=7200, energy_counter_j=counter.__getitem__))
    rows = warehouse.run(RECIPE, **JANUARY)
    assert rows["energy_kwh"].to_list() == [None] * 3


def test_gauges_are_held_and_never_differenced(warehouse):
    # Power climbs by 1 W a minute from 100 W: were it a counter, it would have risen by 60 in the hour. Held, it is the
    # mean of 100 to 159 W over an hour, 129.5 Wh.
    warehouse.stage("accelerator_samples", *samples(60, power_w=lambda i: 100.0 + i))
    assert warehouse.run(RECIPE, **JANUARY)["energy_kwh"].to_list() == [Decimal("0.1295")]


def test_unknown_off_and_zero_are_three_values(warehouse):
    # idle: on and not busy, 70 W. off: its power is read, its driver does not answer. mute: answers and cannot measure
    # power, so that its 0 W is unknown. A device without samples has no row at all.
    states = {"idle": (0.0, 70.0), "off": (None, 0.0), "mute": (0.5, 0.0)}
    for device, (busy, power_w) in states.items():
        warehouse.stage("accelerator_samples", *samples(60, device_id=device, utilisation_ratio=busy, power_w=power_w))
    rows = {row["device_id"]: row for row in warehouse.run(RECIPE, **JANUARY).iter_rows(named=True)}
    known = {device: (row["busy_device_hours"], row["energy_kwh"]) for device, row in rows.items()}
    assert known == {
        "idle": (Decimal(0), Decimal("0.07")),
        "off": (Decimal(0), Decimal(0)),
        "mute": (Decimal("0.5"), None),
    }
    off_hours = {device: row["off_device_hours"] for device, row in rows.items()}
    assert off_hours == {"idle": Decimal(0), "off": Decimal(1), "mute": Decimal(0)}
    assert {row["utilisation_device_hours"] for row in rows.values()} == {Decimal(1)}
    assert rows["off"]["energy_device_hours"] == Decimal(1)
    assert rows["mute"]["energy_device_hours"] == Decimal(0)


def test_a_device_whose_counter_rises_is_not_off(warehouse):
    # 0 W and no utilisation, while the counter rises by 6 kJ a minute: it is on, and whether it is busy is unknown.
    rising = [{**row, "energy_counter_j": 6000.0 * minute} for minute, row in enumerate(samples(60, power_w=0.0))]
    warehouse.stage("accelerator_samples", *rising)
    row = warehouse.run(RECIPE, **JANUARY).row(0, named=True)
    # Of the last sample no rise is known, so its minute counts as off.
    assert (row["off_device_hours"], row["utilisation_device_hours"]) == (pytest.approx(Decimal(1) / 60),) * 2


@pytest.mark.parametrize(
    ("instances", "busy", "known"),
    [
        # An A100 of 3 + 2 + 1 + 1 slices, of which the first two are busy: 5 of 7.
        ((("3g.40gb/1", 1.0), ("2g.20gb/3", 1.0), ("1g.10gb/9", 0.0), ("1g.10gb/10", 0.0)), "5/7", "1"),
        # Two of 3 slices, one half busy: 1.5 of 7 slices; the seventh is in no instance, so nobody knows of it.
        ((("3g.40gb/1", 0.5), ("3g.40gb/2", 0.0)), "3/14", "6/7"),
        # A compute instance of 1 slice in an instance of 3, busy, beside one of 4, idle: 1 of 7, and 5 of 7 are known.
        ((("1c.3g.40gb/1", 1.0), ("4g.40gb/2", 0.0)), "1/7", "5/7"),
        # Only one of two says how large it is: nobody knows how much of the device the other is.
        ((("3g.40gb/1", 1.0), ("2", 0.0)), None, "0"),
    ],
)
def test_instances_weigh_by_their_compute_slices(warehouse, instances, busy, known):
    for instance, utilisation_ratio in instances:
        warehouse.stage("accelerator_samples", *samples(60, instance_id=instance, utilisation_ratio=utilisation_ratio))
    row = warehouse.run(RECIPE, **JANUARY).row(0, named=True)
    assert row["utilisation_device_hours"] == pytest.approx(Decimal(float(Fraction(known))))
    if busy is None:
        assert row["busy_device_hours"] is None
    else:
        assert row["busy_device_hours"] == pytest.approx(Decimal(float(Fraction(busy))))


def test_a_profile_in_the_name_of_the_model_counts_too(warehouse):
    # An A30 has 4 slices: one of 2 busy, one of 2 idle is one half.
    for instance, utilisation_ratio in (("1", 1.0), ("2", 0.0)):
        warehouse.stage(
            "accelerator_samples",
            *samples(60, instance_id=instance, sku="NVIDIA A30 MIG 2g.12gb", utilisation_ratio=utilisation_ratio),
        )
    row = warehouse.run(RECIPE, **JANUARY).row(0, named=True)
    assert (row["busy_device_hours"], row["utilisation_device_hours"]) == (Decimal("0.5"), Decimal(1))


def test_p11_sixteen_instances_of_which_thirteen_tell_their_utilisation(warehouse, build_energy):
    # The thirteen are 60 % busy: utilisation is 0.6 over them, 13/16 of the device-hour is covered, and a row says so.
    for instance in range(16):
        warehouse.stage(
            "accelerator_samples",
            *samples(60, instance_id=f"GI-{instance}", utilisation_ratio=0.6 if instance < 13 else None),
        )
    warehouse.stage(
        "hardware_assets",
        {
            "asset_id": "gpu-1",
            "asset_class": "accelerator",
            "sku": "H100 SXM 80GB",
            "quantity": 1,
            "in_service_from": date(2022, 1, 1),
        },
    )
    warehouse.build(RECIPE)
    row = warehouse.execute("SELECT * FROM rollups.device_hour").row(0, named=True)
    assert (row["instances_expected"], row["instances_seen"]) == (16, 13)
    assert row["busy_device_hours"] / row["utilisation_device_hours"] == Decimal("0.6")
    assert row["utilisation_device_hours"] / row["device_hours"] == Decimal(13) / 16
    warehouse.build("rollups/activity_month.sql", "rollups/capacity_month.sql", "rollups/inventory_month.sql")
    facts = warehouse.run("indicators/compute_efficiency/resource_utilisation.sql", **JANUARY).row(0, named=True)
    assert facts["numerator"] / facts["denominator"] == Decimal("0.6")
    # One hour of January's 744 was sampled, and 13/16 of it stated.
    assert facts["observed"] / facts["expected"] == pytest.approx(Decimal(13) / 16 / 744)
    build_energy()
    warehouse.build("rollups/run_energy.sql")
    findings = warehouse.run("rollups/telemetry_findings_month.sql").row(0, named=True)
    assert (findings["rule"], findings["findings"]) == ("instances_without_metrics", 1)
    assert findings["example"] == "13 of 16 instances state their utilisation: it is that of those"


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


def summed(file, **sums):
    """What an adopted file settles of one H100 in the first hour; sums that are left out are 0."""
    return {
        **dict.fromkeys(SUMS, 0),
        "site_id": "site-a",
        "file_id": file,
        "evidence_class": "measured",
        "device_id": "gpu-1",
        "instance_id": "",
        "hour_start_utc": MIDNIGHT,
        "node_id": "node-1",
        "sku": "H100 SXM 80GB",
        **sums,
    }


def test_an_hour_that_several_files_tell_in_parts_is_added_up(warehouse):
    # Twenty minutes in one file, half busy, 0.1 kWh by the counter and 0.09 by power; ten in another, all busy, 0.05
    # by the counter and 0.06 by power, and five of them by power alone, 0.02 kWh. Staged rows make a third part: five
    # minutes at 600 W, 0.05 kWh by power alone. Together 20 + 10 + 5 minutes; busy 10 + 10 of 30; 0.1 + 0.05 by the
    # counter, and 0.02 + 0.05 where it does not count.
    minute_us, kwh_uj = 60_000_000, 3_600_000_000_000
    first = summed(
        "a",
        samples=20,
        held_us=20 * minute_us,
        utilisation_us=20 * minute_us,
        busy_us=10 * minute_us,
        counted_us=20 * minute_us,
        counted_uj=kwh_uj // 10,
        powered_us=20 * minute_us,
        powered_uj=kwh_uj * 9 // 100,
        compared_us=20 * minute_us,
        compared_powered_uj=kwh_uj * 9 // 100,
        compared_counted_uj=kwh_uj // 10,
        counter_falls=1,
        counter_excesses=1,
        zero_power_samples=2,
    )
    second = summed(
        "b",
        samples=10,
        held_us=10 * minute_us,
        utilisation_us=10 * minute_us,
        busy_us=10 * minute_us,
        counted_us=5 * minute_us,
        counted_uj=kwh_uj // 20,
        powered_us=10 * minute_us,
        powered_uj=kwh_uj * 8 // 100,
        bridged_us=5 * minute_us,
        bridged_uj=kwh_uj * 2 // 100,
        compared_us=5 * minute_us,
        compared_powered_uj=kwh_uj * 6 // 100,
        compared_counted_uj=kwh_uj // 20,
        counter_falls=2,
        counter_excesses=3,
        zero_power_samples=4,
        node_id="node-2",
    )
    alone = {**first, "device_id": "gpu-2", "node_id": "node-3"}
    # A counter that stands still in both parts: energy is that by power, 0.09 + 0.08 kWh, over 20 + 10 minutes.
    dead = [{**part, "device_id": "gpu-3", "counted_uj": 0, "compared_counted_uj": 0} for part in (first, second)]
    warehouse.insert("rollups.file_hour_sums", first, second, alone, *dead)
    warehouse.stage("accelerator_samples", *samples(5, begin=MIDNIGHT + timedelta(minutes=50), power_w=600.0))

    rows = warehouse.run(RECIPE, **JANUARY).sort("device_id")

    assert rows["device_id"].to_list() == ["gpu-1", "gpu-2", "gpu-3"]
    row = rows.row(0, named=True)
    assert row["device_hours"] == Decimal("0.583333333")
    assert (row["busy_device_hours"], row["utilisation_device_hours"]) == (Decimal("0.333333333"), Decimal("0.5"))
    assert (row["energy_kwh"], row["energy_device_hours"]) == (Decimal("0.22"), Decimal("0.583333333"))
    assert (row["compared_counter_kwh"], row["compared_power_kwh"]) == (Decimal("0.15"), Decimal("0.15"))
    assert (row["counter_falls"], row["counter_excesses"], row["zero_power_samples"]) == (3, 4, 6)
    assert (row["samples"], row["node_id"], row["sku"]) == (35, "node-2", "H100 SXM 80GB")
    assert rows.row(1, named=True)["device_hours"] == Decimal("0.333333333")
    assert rows.row(1, named=True)["energy_kwh"] == Decimal("0.1")
    assert rows.row(2, named=True)["energy_kwh"] == Decimal("0.17")
    assert rows.row(2, named=True)["energy_device_hours"] == Decimal("0.5")
    assert rows["counter_is_dead"].to_list() == [False, False, True]
