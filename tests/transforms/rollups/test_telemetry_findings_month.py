"""Telemetry findings: what contradicts itself is a row that a person can read."""

from datetime import date, datetime, timedelta

import pytest

BEGIN = datetime(2023, 1, 10)


def samples(count, every_s=60, begin=BEGIN, **columns):
    return [
        {
            "device_id": "gpu-1",
            "sku": "H100 SXM 80GB",
            "sampled_at_utc": begin + timedelta(seconds=every_s * index),
            **{name: value(index) if callable(value) else value for name, value in columns.items()},
        }
        for index in range(count)
    ]


def reading(hour, meter="m-1", boundary="it_input", **columns):
    at = BEGIN + timedelta(hours=hour)
    return {"meter_id": meter, "boundary": boundary, "started_at_utc": at, "ended_at_utc": at, **columns}


@pytest.fixture
def found(warehouse, build_energy):
    """``found()`` gives subject, rule and count of every finding, and the examples by rule."""

    def run():
        build_energy()
        warehouse.build("rollups/run_energy.sql")
        rows = warehouse.run("rollups/telemetry_findings_month.sql")
        assert not rows.select("month_start", "subject_kind", "subject_id", "rule").is_duplicated().any()
        counts = sorted(rows.select("subject_id", "rule", "findings").rows())
        return counts, dict(rows.select("rule", "example").iter_rows())

    return run


def test_telemetry_that_agrees_leaves_no_row(warehouse, found):
    # 500 W and 30 kJ a minute; a server of 1 kW whose two supplies ingest 520 W and 530 W, 5 % more.
    warehouse.stage(
        "accelerator_samples",
        *samples(120, power_w=500.0, utilisation_ratio=0.0, energy_counter_j=lambda i: 30_000.0 * i),
    )
    warehouse.stage(
        "facility_readings",
        reading(0, node_id="n", power_w=1000.0, energy_counter_kwh=5.0),
        reading(1, node_id="n", power_w=1000.0, energy_counter_kwh=6.0),
        reading(0, "p-1", "psu_input", node_id="n", power_w=520.0),
        reading(0, "p-2", "psu_input", node_id="n", power_w=530.0),
    )
    assert found() == ([], {})


def test_a_reset_a_rise_beyond_power_and_a_dead_counter_are_told_apart(warehouse, found):
    def reset(index):
        return 30_000.0 * (index if index < 60 else index - 60)

    def jump(index):
        return 30_000.0 * index + (1e9 if index >= 30 else 0)

    for device, counter in (("resets", reset), ("jumps", jump), ("dead", 7.0)):
        warehouse.stage("accelerator_samples", *samples(121, device_id=device, power_w=500.0, energy_counter_j=counter))
    counts, examples = found()
    # 121 samples are in three hours; the last of them alone has no step, so the counter is dead in two.
    assert counts == [
        ("dead", "counter_dead", 2),
        ("jumps", "counter_above_rated_power", 1),
        ("resets", "counter_reset", 1),
    ]
    assert examples["counter_dead"] == "0.500 kWh by power, 0.000 kWh by the counter"


@pytest.mark.parametrize(
    ("rise_j", "is_found"), [(27_500.0, False), (32_500.0, False), (26_900.0, True), (33_100.0, True)]
)
def test_counter_and_power_may_differ_by_a_tenth(warehouse, found, rise_j, is_found):
    # 500 W are 30 kJ a minute: 27.5 and 32.5 are within a tenth, 26.9 and 33.1 do not.
    warehouse.stage("accelerator_samples", *samples(61, power_w=500.0, energy_counter_j=lambda index: rise_j * index))
    counts, examples = found()
    assert counts == ([("gpu-1", "counter_disagrees_with_power", 1)] if is_found else [])
    if rise_j == 26_900.0:
        # 60 steps of 26 900 J are 0.448333 kWh.
        assert examples["counter_disagrees_with_power"] == "0.448 kWh by the counter, 0.500 kWh by power"


def test_zero_watts_from_a_device_that_answers_are_found(warehouse, found):
    warehouse.stage("accelerator_samples", *samples(30, power_w=0.0, utilisation_ratio=0.5))
    assert found()[0] == [("gpu-1", "zero_power_while_on", 30)]


def test_a_meter_that_falls_has_slipped_or_was_reset(warehouse, found):
    # 100 -> 0 -> 101 is a slip; 100 -> 3 -> 9 a reset. A reading marked as suspect is neither.
    counters = {"slips": (100.0, 0.0, 101.0), "resets": (100.0, 3.0, 9.0), "marked": (100.0, 0.0, 101.0)}
    for meter, values in counters.items():
        for hour, value in enumerate(values):
            suspect = meter == "marked" and hour == 1
            warehouse.stage("facility_readings", reading(hour, meter, energy_counter_kwh=value, is_suspect=suspect))
    counts, examples = found()
    assert counts == [("marked", "marked_suspect", 1), ("resets", "counter_reset", 1), ("slips", "counter_slip", 1)]
    assert examples["counter_slip"] == "from 100.0 to 0.0 kWh"


def test_a_monthly_register_that_falls_is_found(warehouse, found):
    # Read on 10 January and 40 days later: the meter was exchanged in between.
    warehouse.stage("facility_readings", reading(0, energy_counter_kwh=900.0), reading(960, energy_counter_kwh=30.0))
    assert found()[0] == [("m-1", "counter_reset", 1)]


def test_t10_a_supply_that_takes_in_more_than_its_chassis_is_found(warehouse, found):
    # 374 W by the chassis, 937.4 W by one of its supplies. Less is no contradiction: another supply may not report.
    for node, supply_w in (("n01", 937.4), ("n02", 200.0)):
        warehouse.stage(
            "facility_readings",
            reading(0, f"{node}/chassis", node_id=node, power_w=374.0),
            reading(0, f"{node}/supply", "psu_input", node_id=node, power_w=supply_w),
        )
    counts, examples = found()
    assert counts == [("n01", "supplies_contradict_chassis", 1)]
    assert examples["supplies_contradict_chassis"] == "937.4 W by the supplies, 374.0 W by the chassis"


def test_findings_lie_in_the_month_of_the_site(warehouse, build_energy):
    # 31 January 17:00 UTC is 1 February in Shanghai.
    warehouse.stage(
        "facility_readings",
        *(
            {**reading(0, energy_counter_kwh=value), "started_at_utc": at, "ended_at_utc": at}
            for value, at in ((9.0, datetime(2023, 1, 31, 15)), (1.0, datetime(2023, 1, 31, 17)))
        ),
    )
    build_energy()
    warehouse.build("rollups/run_energy.sql")
    rows = warehouse.run("rollups/telemetry_findings_month.sql")
    assert rows.select("month_start", "rule").rows() == [(date(2023, 2, 1), "counter_reset")]


@pytest.mark.parametrize(
    ("stated_j", "sampled_minutes", "expected"),
    [
        # 500 W for an hour are 1.8 MJ, 0.5 kWh.
        (1.9e6, 60, []),  # 5.6 % more: within a tenth
        (2.52e6, 60, [("c1/j1", "stated_energy_disagrees_with_power", 1)]),
        (1.26e6, 60, [("c1/j1", "stated_energy_disagrees_with_power", 1)]),
        (1.9e6, 57, []),  # what the three minutes without samples took is not missing energy
        (2.52e6, 30, []),  # half of the run says nothing of the whole
    ],
)
def test_a_run_that_states_another_energy_than_its_power_makes(warehouse, found, stated_j, sampled_minutes, expected):
    warehouse.stage(
        "workload_runs",
        {
            "cluster_id": "c1",
            "job_id": "j1",
            "submitted_at_utc": BEGIN,
            "started_at_utc": BEGIN,
            "ended_at_utc": BEGIN + timedelta(hours=1),
            "state": "completed",
            "sku": "H100 SXM 80GB",
            "device_count": 1,
            "energy_j": stated_j,
        },
    )
    warehouse.stage("accelerator_samples", *samples(sampled_minutes + 1, power_w=500.0, utilisation_ratio=1.0))
    counts, examples = found()
    assert counts == expected
    if expected:
        stated_kwh = {2.52e6: "0.7", 1.26e6: "0.35"}[stated_j]
        assert examples == {expected[0][1]: f"{stated_kwh} kWh stated, 0.5 kWh by power"}
