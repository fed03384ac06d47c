"""Runs that share devices hold together no more than there is."""

from datetime import date, datetime, timedelta

import pytest

BEGIN = datetime(2023, 5, 10)
MAY = {"start": date(2023, 5, 1), "end": date(2023, 6, 1)}
SPANS = "rollups/overbooked_span.sql"


def stage_assets(warehouse, **quantities):
    """Accelerators in service since 2022, by SKU; ``H100`` and ``A100`` stand for their SXM parts."""
    skus = {"H100": "H100 SXM 80GB", "A100": "A100 SXM 80GB"}
    for name, quantity in quantities.items():
        warehouse.stage(
            "hardware_assets",
            {
                "asset_id": name,
                "asset_class": "accelerator",
                "sku": skus[name],
                "quantity": quantity,
                "in_service_from": date(2022, 1, 1),
            },
        )


def stage_run(warehouse, job_id, first_hour, last_hour, **facts):
    """A run on one H100 between two hours after ``BEGIN``."""
    warehouse.stage(
        "workload_runs",
        {
            "cluster_id": "c",
            "job_id": job_id,
            "state": "completed",
            "submitted_at_utc": BEGIN,
            "started_at_utc": BEGIN + timedelta(hours=first_hour),
            "ended_at_utc": BEGIN + timedelta(hours=last_hour),
            "sku": "NVIDIA H100 80GB HBM3",
            "device_count": 1,
            "precision": "BF16",
            **facts,
        },
    )


def device_hours(warehouse):
    """Device-hours in May, by job."""
    parts = warehouse.run("rollups/run_month.sql", **MAY)
    return {job_id: float(hours) for job_id, hours in parts.select("job_id", "device_hours").iter_rows()}


def test_two_runs_on_one_device_count_half_each_while_both_run(warehouse):
    # One holds the H100 from 0 to 10, another from 6 to 8: 4 h alone, 2 h halved, 2 h alone: 9 + 1 = 10 device-hours.
    stage_assets(warehouse, H100=1)
    stage_run(warehouse, "long", 0, 10)
    stage_run(warehouse, "short", 6, 8)
    assert device_hours(warehouse) == pytest.approx({"long": 9, "short": 1})
    (span,) = warehouse.run(SPANS, **MAY).rows(named=True)
    assert (span["device_type"], float(span["devices_held"]), float(span["devices_counted"])) == ("H100 SXM 80GB", 2, 1)
    assert span["from_utc"] == BEGIN + timedelta(hours=6)


def test_idle_devices_of_another_type_are_no_room(warehouse):
    # Three runs of one H100 on two, four A100 idle: two thirds each. Runs that name no type may use the A100.
    stage_assets(warehouse, H100=2, A100=4)
    for job_id in "abc":
        stage_run(warehouse, job_id, 0, 3)
    stage_run(warehouse, "unnamed", 0, 3, sku=None, device_count=4)
    assert device_hours(warehouse) == pytest.approx({"a": 2, "b": 2, "c": 2, "unnamed": 12})


def test_runs_that_name_no_type_share_what_is_left(warehouse):
    # Of 8 H100 one run holds 6, one that names no type 4: for it 2 are left, 2 x 5 h.
    stage_assets(warehouse, H100=8)
    stage_run(warehouse, "named", 0, 5, device_count=6)
    stage_run(warehouse, "unnamed", 0, 5, sku=None, device_count=4)
    assert device_hours(warehouse) == pytest.approx({"named": 30, "unnamed": 10})


def test_slices_are_held_by_their_share(warehouse):
    # Seven slices of one A100, 1g.10gb each, are one device: 7 x 1/7 x 7 h = 7, nothing is held twice.
    stage_assets(warehouse, A100=1)
    for number in range(7):
        stage_run(warehouse, str(number), 0, 7, sku="a100_1g.10gb")
    stage_run(warehouse, "3g", 8, 15, sku="NVIDIA A100-SXM4-80GB MIG 3g.40gb")
    hours = device_hours(warehouse)
    assert hours.pop("3g") == pytest.approx(3)
    assert sum(hours.values()) == pytest.approx(7)
    assert warehouse.run(SPANS, **MAY).height == 0


def test_without_an_inventory_nothing_is_known_to_be_held_twice(warehouse):
    stage_run(warehouse, "a", 0, 1)
    stage_run(warehouse, "b", 0, 1)
    assert device_hours(warehouse) == {"a": 1, "b": 1}


def test_runs_that_claim_more_together_than_the_device_can_do_are_not_used(warehouse):
    # 60 % of the peak each, on one device: 1.2 of what it can do.
    stage_assets(warehouse, H100=1)
    for job_id in "ab":
        stage_run(warehouse, job_id, 0, 10, model_pflop=0.6 * 0.989 * 36_000)
    warehouse.build("rollups/run_month.sql", **MAY)
    month = warehouse.run("rollups/compute_month.sql", **MAY).row(0, named=True)
    assert (month["achieved_pflop_h"], month["effective_pflop_h"], float(month["allocated_device_hours"])) == (
        None,
        None,
        10,
    )


def test_the_excess_is_a_finding(warehouse, build_energy):
    stage_assets(warehouse, H100=1)
    stage_run(warehouse, "long", 0, 10)
    stage_run(warehouse, "short", 6, 8)
    build_energy()
    warehouse.build("rollups/device_hour.sql", SPANS, "rollups/run_energy.sql", **MAY)
    found = warehouse.run("rollups/telemetry_findings_month.sql", **MAY).row(0, named=True)
    assert (found["subject_kind"], found["subject_id"], found["rule"]) == (
        "device type",
        "H100 SXM 80GB",
        "more_held_than_installed",
    )
    assert found["first_at_utc"] == BEGIN + timedelta(hours=6)
    assert "2.0 devices held by runs, 1.0 counted" in found["example"]
