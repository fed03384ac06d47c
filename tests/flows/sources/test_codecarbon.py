"""CodeCarbon: defaults that are no measurements, energies times a PUE, local times of the end."""

from datetime import datetime

import polars as pl
import pytest

from suanheng.schemas.checking.records import UnreadableFile


@pytest.fixture
def tracked(gated, feed, staged, samples):
    """``tracked(sample)``: raw rows, staged runs by id, and the rules broken at both gates."""

    def run(sample, evidence="measured"):
        accepted, rejected = gated("codecarbon", samples / sample, {"cluster": "tern"}, "Asia/Shanghai")
        bound = accepted.with_columns(evidence_class=pl.lit(evidence))
        checked = staged("workload_runs", feed("codecarbon", "workload_runs", bound))
        runs = {row["job_id"]: row for row in checked.accepted.iter_rows(named=True)}
        return (
            accepted,
            runs,
            dict(rejected.select("row_number", "rule").iter_rows()),
            checked.rejected["rule"].to_list(),
        )

    return run


def test_a_run_ends_when_its_record_was_written_and_its_wait_is_unknown(tracked):
    _, runs, broken, _ = tracked("codecarbon_defaults.csv")
    assert broken == {}
    row = runs["run-1"]
    # 10:00 in Shanghai, after an hour.
    assert (row["started_at_utc"], row["ended_at_utc"]) == (datetime(2024, 1, 10, 1), datetime(2024, 1, 10, 2))
    assert (row["cluster_id"], row["is_submission_known"], row["device_count"]) == ("tern", False, None)


def test_energy_is_that_of_the_run_without_the_pue_the_tool_was_told(tracked):
    _, runs, _, _ = tracked("codecarbon_defaults.csv")
    # 0.42 kWh; and 0.63 kWh of which a PUE of 1.5 made the 0.42 kWh.
    assert runs["run-1"]["energy_j"] == pytest.approx(0.42 * 3.6e6)
    assert runs["run-2"]["energy_j"] == pytest.approx(0.42 * 3.6e6)


def test_defaults_are_no_measurements(tracked):
    raw, _, _, _ = tracked("codecarbon_defaults.csv")
    assert raw.select("pue", "wue").rows() == [(None, None), (1.5, 1.8)]


@pytest.mark.parametrize(("bound_as", "counts_as"), [("measured", "estimated"), ("simulated", "simulated")])
def test_energy_is_estimated_whatever_the_source_says(tracked, bound_as, counts_as):
    _, runs, _, _ = tracked("codecarbon_defaults.csv", bound_as)
    assert {row["evidence_class"] for row in runs.values()} == {counts_as}


def test_an_older_version_has_fewer_columns_and_every_defect_is_named(tracked):
    raw, runs, broken, broken_later = tracked("codecarbon_old_version_defects.csv")
    assert broken == {3: "energy_is_the_sum_of_its_parts", 4: "type", 5: "field_count"}
    assert raw["tracking_mode"].to_list() == [None, None]
    # 100 kWh in a second is more than a server can use.
    assert (list(runs), broken_later) == (["run-1"], ["energy_within_nodes"])


def test_another_table_is_refused(gated, samples):
    with pytest.raises(UnreadableFile, match="has no column"):
        gated("codecarbon", samples / "acme_trace_other_offset.csv", {}, "UTC")


def test_local_times_need_a_time_zone(gated, samples):
    with pytest.raises(UnreadableFile, match="time_zone"):
        gated("codecarbon", samples / "codecarbon_defaults.csv")


LABELS = "timestamp,project_name,run_id,duration,energy_consumed,cpu_energy,gpu_energy,ram_energy"


@pytest.fixture
def runs_of(tmp_path, gated, feed):
    """``runs_of((end, run, seconds, kWh), …)``: seconds and kWh of the runs that are fed, by run."""

    def run(*records):
        path = tmp_path / "emissions.csv"
        lines = (f"2024-04-10T{end},p,{name},{seconds},{kwh},{kwh},0,0" for end, name, seconds, kwh in records)
        path.write_text("\n".join([LABELS, *lines]), encoding="utf-8")
        accepted, rejected = gated("codecarbon", path, {}, "UTC")
        assert rejected.is_empty()
        found = feed("codecarbon", "workload_runs", accepted).with_columns(
            s=(pl.col("ended_at_utc") - pl.col("started_at_utc")).dt.total_seconds(fractional=False)
        )
        return sorted((row["job_id"], row["s"], round(row["energy_j"] / 3.6e6, 9)) for row in found.to_dicts())

    return run


def test_rows_of_flushes_are_totals_since_the_start_and_the_last_is_the_run(runs_of):
    flushed = [("11:00:00", "a", 3600.4, 1.0), ("12:00:01", "a", 7200.9, 2.0), ("13:00:01", "a", 10801.2, 3.0)]
    other = ("10:30:00", "b", 600, 0.5)
    # Three hours and 3 kWh, whichever row is first in the file; the other run is none of it.
    for records in ([*flushed, other], [other, *reversed(flushed)]):
        assert runs_of(*records) == [("a", 10801, 3.0), ("b", 600, 0.5)]


def test_whole_seconds_that_make_all_starts_equal_do_not_make_the_smallest_total_win(runs_of):
    assert runs_of(("10:00:10", "a", 10, 0.1), ("10:00:20", "a", 20, 0.2), ("10:00:30", "a", 30, 0.3)) == [
        ("a", 30, 0.3)
    ]


def test_tasks_count_within_their_run_and_by_themselves_where_no_row_holds_them(runs_of):
    tasks = [("10:10:00", "a", 600, 0.1), ("10:30:00", "a", 1200, 0.2)]
    # The run is 10:00 to 10:40; its tasks are 0.3 of its 0.4 kWh.
    assert runs_of(*tasks, ("10:40:00", "a", 2400, 0.4)) == [("a", 2400, 0.4)]
    assert runs_of(*tasks) == [("a", 600, 0.1), ("a", 1200, 0.2)]


def test_a_later_row_that_does_not_reach_back_to_the_start_is_another_run(runs_of):
    assert runs_of(("10:00:00", "a", 600, 0.3), ("12:00:00", "a", 600, 0.4)) == [("a", 600, 0.3), ("a", 600, 0.4)]
