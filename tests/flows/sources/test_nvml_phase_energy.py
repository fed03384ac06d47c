"""Energy per phase from NVML counters, and sampled beside stated energy of runs."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest

from suanheng.schemas.checking.records import UnreadableFile

NOON = datetime(2024, 6, 1, 12)


def test_a_phase_becomes_a_run_from_its_start_to_its_end(gated, feed, staged, samples):
    accepted, rejected = gated("nvml_phase_energy", samples / "nvml_phase_energy_two_phases.csv")
    assert rejected.is_empty()
    checked = staged("workload_runs", feed("nvml_phase_energy", "workload_runs", accepted))
    assert checked.rejected.is_empty()
    load, inference = checked.accepted.rows(named=True)
    # 1717243205.25 s after 1970 is 2024-06-01 12:00:05.25 UTC; the phase lasts 10.5 s.
    assert load["started_at_utc"] == load["submitted_at_utc"] == NOON + timedelta(seconds=5.25)
    assert load["ended_at_utc"] == inference["started_at_utc"] == NOON + timedelta(seconds=15.75)
    # 1500 mJ + 2500 mJ; 300 J + 200 J.
    assert (load["energy_j"], inference["energy_j"]) == (4, 500)
    assert (inference["cluster_id"], inference["job_id"]) == ("tern", "start-inference-A-0")
    assert (load["workload_class"], inference["workload_class"]) == ("other", "inference")
    assert inference["device_count"] == 2


def test_a_prompt_over_several_lines_is_one_record_counted_by_its_first_line(gated, samples):
    accepted, _ = gated("nvml_phase_energy", samples / "nvml_phase_energy_two_phases.csv")
    assert accepted["row_number"].to_list() == [2, 3]


def test_every_defect_is_named_and_no_record_is_lost(gated, samples):
    accepted, rejected = gated("nvml_phase_energy", samples / "nvml_phase_energy_defects.csv")
    assert accepted["Phase"].to_list() == ["good"]
    assert dict(rejected.select("row_number", "rule").iter_rows()) == {
        3: "energy_of_every_gpu",
        4: "total_is_the_sum_of_gpus",
        5: "type",
        6: "field_count",
        7: "quotes",
    }
    assert rejected.filter(rule="quotes")["record"].item().startswith("1717243205.25,open quote")


def test_another_table_is_refused(gated, samples):
    with pytest.raises(UnreadableFile, match="not a table of phases"):
        gated("nvml_phase_energy", samples / "nvidia_smi_nulls.csv")


@pytest.fixture
def run_energy(staged, rolled):
    """Rows of rollups.run_energy for runs (start s, end s, devices, J) and samples (device, at s, W, interval s)."""

    def frame(dataset, rows):
        provenance = pl.DataFrame({"site_id": "site-a", "file_id": "0", "row_number": 1, "evidence_class": "measured"})
        checked = staged(dataset, pl.DataFrame(rows, infer_schema_length=None).join(provenance, how="cross"))
        assert checked.rejected.is_empty()
        return checked.accepted

    def run(runs, samples):
        run_rows = [
            {
                "cluster_id": "tern",
                "job_id": f"run{number}",
                "submitted_at_utc": NOON + timedelta(seconds=start),
                "started_at_utc": NOON + timedelta(seconds=start),
                "ended_at_utc": None if end is None else NOON + timedelta(seconds=end),
                "state": "running" if end is None else "completed",
                "device_count": devices,
                "energy_j": energy,
            }
            for number, (start, end, devices, energy) in enumerate(runs, start=1)
        ]
        sample_rows = [
            {
                "device_id": device,
                "instance_id": instance,
                "sampled_at_utc": NOON + timedelta(seconds=at),
                "power_w": power,
                "interval_s": interval,
                "device_count": count,
            }
            for device, instance, at, power, interval, count in samples
        ]
        tables = {
            "staged.workload_runs": frame("workload_runs", run_rows),
            "staged.accelerator_samples": frame("accelerator_samples", sample_rows),
        }
        return rolled("rollups/run_energy", tables, date(2024, 6, 1), date(2024, 7, 1)).sort("job_id").rows(named=True)

    return run


def _readings(device, *points, instance=""):
    return [(device, instance, float(at), float(power), None, 1) for at, power in points]


def test_energy_is_the_trapezoid_cut_at_start_and_end(run_energy):
    samples = _readings("a", (0, 100), (10, 200), (20, 200)) + _readings("b", (0, 50), (30, 50))
    (row,) = run_energy([(5, 15, 2, 2400.0)], samples)
    # a: from 150 W to 200 W in 5 s, then 200 W for 5 s = 875 J + 1000 J; b: 50 W for 10 s = 500 J.
    assert row["sampled_energy_j"] == Decimal(2375)
    assert row["stated_energy_j"] == Decimal(2400)
    # Only the sample of a at 10 s is within the run.
    assert row["samples"] == 1
    assert row["sampled_device_s"] == row["device_s"] == Decimal(20)
    assert (row["month_start"], row["evidence_rank"]) == (date(2024, 6, 1), 2)


def test_a_gap_of_more_than_five_minutes_is_not_bridged(run_energy):
    samples = _readings("a", (0, 100), (10, 100), (311, 100), (321, 100))
    (row,) = run_energy([(0, 321, 1, 2000.0)], samples)
    # 100 W over the first and the last 10 s.
    assert row["sampled_energy_j"] == Decimal(2000)
    assert (row["sampled_device_s"], row["device_s"]) == (Decimal(20), Decimal(321))


def test_a_mean_over_an_interval_counts_for_all_devices_it_is_the_mean_of(run_energy):
    samples = [("server/gpus", "", 0.0, 100.0, 3600.0, 2)]
    (row,) = run_energy([(600, 1200, 2, 1.0)], samples)
    # 100 W × 600 s × 2 devices.
    assert row["sampled_energy_j"] == Decimal(120_000)


def test_instances_of_a_partitioned_device_repeat_its_power_and_count_once(run_energy):
    samples = [reading for instance in ("1", "2") for reading in _readings("a", (0, 400), (10, 400), instance=instance)]
    (row,) = run_energy([(0, 10, 1, 4000.0)], samples)
    assert row["sampled_energy_j"] == Decimal(4000)


def test_a_run_on_some_of_the_sampled_devices_cannot_be_tied(run_energy):
    samples = _readings("a", (0, 100), (10, 100)) + _readings("b", (0, 100), (10, 100))
    assert run_energy([(0, 10, 1, 1000.0)], samples) == []


def test_runs_at_the_same_time_cannot_be_tied(run_energy):
    samples = _readings("a", (0, 100), (30, 100))
    rows = run_energy([(0, 10, 1, 1000.0), (9, 20, 1, 1100.0), (20, 30, 1, 1000.0)], samples)
    assert [row["job_id"] for row in rows] == ["run3"]


def test_a_run_that_still_holds_devices_shares_them_too(run_energy):
    samples = _readings("a", (0, 100), (30, 100))
    assert run_energy([(0, None, 1, None), (10, 20, 1, 1000.0)], samples) == []


def test_a_run_that_states_no_energy_has_no_row(run_energy):
    samples = _readings("a", (0, 100), (30, 100))
    rows = run_energy([(0, 10, 1, None), (10, 20, 1, 1000.0)], samples)
    assert [row["job_id"] for row in rows] == ["run2"]
