"""Slurm accounting: durations, resources, states with their actor, unknown times, headers."""

from datetime import UTC, datetime
from itertools import count, pairwise
from operator import itemgetter

import pytest

from suanheng.config.workspace import open_workspace
from suanheng.flows import night
from suanheng.flows.orchestration.steps import Steps
from suanheng.flows.sources.sacct import FIELDS
from suanheng.schemas.checking.records import UnreadableFile
from suanheng.warehouse.lake import reading

GOOD = {
    "jobid": "7",
    "jobidraw": "7",
    "cluster": "tern",
    "submit": "2024-01-10T08:00:00",
    "start": "2024-01-10T08:00:00",
    "end": "2024-01-10T09:00:00",
    "elapsed": "01:00:00",
    "state": "COMPLETED",
    "nnodes": "2",
    "ncpus": "16",
    "reqcpus": "8",
    "reqmem": "",
    "reqtres": "",
    "alloctres": "cpu=16",
    "timelimit": "",
    "consumedenergyraw": "",
}
"""A record of two nodes and eight CPUs asked for; tests change a field or two."""


@pytest.fixture
def written(tmp_path):
    """``written({…}, {…})`` writes records that differ from a good one, with a header; gives the file."""
    numbers = count(1)

    def write(*changes):
        lines = ["|".join(GOOD), *("|".join((GOOD | change).values()) for change in changes)]
        path = tmp_path / f"jobs{next(numbers)}.txt"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return write


@pytest.fixture
def fed(gated, feed, staged, written):
    """``fed({…}, {…})``: what becomes of such records: staged rows, and the rules that others broke."""

    def run(*changes, time_zone="UTC"):
        accepted, rejected = gated("sacct", written(*changes), {}, time_zone)
        checked = staged("workload_runs", feed("sacct", "workload_runs", accepted))
        return checked.accepted.to_dicts(), [*rejected["rule"], *checked.rejected["rule"]]

    return run


@pytest.fixture
def runs(gated, feed, staged, samples):
    """Staged runs by job id."""
    accepted, rejected = gated("sacct", samples / "sacct_spellings.txt", {}, "Asia/Shanghai")
    assert rejected.is_empty()
    checked = staged("workload_runs", feed("sacct", "workload_runs", accepted))
    assert checked.rejected.is_empty()
    return {row["job_id"]: row for row in checked.accepted.iter_rows(named=True)}


def test_jobs_become_runs_and_their_steps_do_not(runs):
    assert sorted(runs) == ["100", "101", "104", "105"]


def test_times_are_of_the_zone_the_source_declares(runs):
    # 08:00 in Shanghai is midnight UTC.
    assert runs["100"]["submitted_at_utc"] == datetime(2024, 1, 10, 0, 0)
    assert runs["100"]["ended_at_utc"] == datetime(2024, 1, 11, 2, 30)


def test_times_that_are_not_known_stay_unknown(runs):
    assert (runs["104"]["started_at_utc"], runs["104"]["ended_at_utc"]) == (None, None)


def test_states_are_split_from_who_cancelled(runs):
    states = {job: run["state"] for job, run in runs.items()}
    assert states == {"100": "completed", "101": "cancelled", "104": "pending", "105": "node_failure"}


def test_limits_in_every_spelling_are_seconds(runs):
    # 2 days; 125 days; no limit; 30 minutes.
    limits = {job: run["requested_s"] for job, run in runs.items()}
    assert limits == {"100": 172_800, "101": 10_800_000, "104": None, "105": 1_800}


def test_gpus_are_counted_once_whether_listed_in_total_by_type_or_both(runs):
    # 100 lists its eight GPUs twice, 101 lists 1 + 2 by type only, 104 has nothing yet, 105 has no GPU.
    counts = {job: run["device_count"] for job, run in runs.items()}
    assert counts == {"100": 8, "101": 3, "104": None, "105": 0}


def test_a_request_that_old_slurm_did_not_record_is_unknown(runs):
    counts = {job: run["requested_device_count"] for job, run in runs.items()}
    assert counts == {"100": 8, "101": None, "104": 0, "105": 0}


def test_a_job_name_may_hold_the_separator(gated, samples):
    accepted, _ = gated("sacct", samples / "sacct_spellings.txt", {}, "UTC")
    assert accepted["jobname"].to_list()[1] == "probe|with|bars"


def test_a_header_tells_the_fields_and_energy_of_zero_is_unknown(gated, feed, staged, samples):
    accepted, _ = gated("sacct", samples / "sacct_header_energy.txt", {}, "UTC")
    checked = staged("workload_runs", feed("sacct", "workload_runs", accepted))
    assert dict(checked.accepted.select("job_id", "energy_j").iter_rows()) == {"7": 1_800_000, "8": None}


def test_the_source_may_name_another_order(gated, tmp_path):
    path = tmp_path / "short.txt"
    path.write_text("COMPLETED|tern|5|2024-01-10T08:00:00|2024-01-10T08:00:01|2024-01-10T08:00:02\n", encoding="utf-8")
    accepted, rejected = gated("sacct", path, {"fields": "state,cluster,jobidraw,submit,start,end"}, "UTC")
    assert rejected.is_empty()
    assert accepted.select("jobidraw", "state").rows() == [("5", "COMPLETED")]


def test_every_defect_is_named_and_no_row_is_lost(gated, samples):
    accepted, rejected = gated("sacct", samples / "sacct_defects.txt", {}, "UTC")
    assert accepted["jobidraw"].to_list() == ["200"]
    found = {row["row_number"]: (row["rule"], row["message"]) for row in rejected.iter_rows(named=True)}
    assert {number: rule for number, (rule, _) in found.items()} == {
        2: "type",
        3: "field_count",
        4: "str_matches",
        5: "type",
    }
    # Both faults of the fifth record are stated.
    assert "ncpus" in found[5][1]
    assert "account" in found[5][1]


def test_another_number_of_fields_is_refused(gated, tmp_path):
    path = tmp_path / "other.txt"
    path.write_text("1|2|3\n", encoding="utf-8")
    with pytest.raises(UnreadableFile, match=f"Expected {len(FIELDS)} fields"):
        gated("sacct", path, {}, "UTC")


def test_a_field_without_which_no_run_is_known_must_be_there(gated, tmp_path):
    path = tmp_path / "header.txt"
    path.write_text("JobIDRaw|Submit|Start|End|State\n", encoding="utf-8")
    with pytest.raises(UnreadableFile, match="lacks cluster"):
        gated("sacct", path, {}, "UTC")


def test_local_times_need_a_time_zone(gated, samples):
    with pytest.raises(UnreadableFile, match="time_zone"):
        gated("sacct", samples / "sacct_spellings.txt")


def test_an_empty_file_holds_no_job(gated, tmp_path):
    path = tmp_path / "empty.txt"
    path.touch()
    accepted, rejected = gated("sacct", path, {}, "UTC")
    assert accepted.is_empty()
    assert rejected.is_empty()


MIB, GIB = 2**20, 2**30

SPELLINGS = {
    # field, text: what it means
    ("reqmem", "31000Mn"): ("requested_memory_bytes", 2 * 31_000 * MIB),  # per node, two nodes
    ("reqmem", "4Gc"): ("requested_memory_bytes", 8 * 4 * GIB),  # per CPU, eight CPUs asked for
    ("reqmem", "62.50G"): ("requested_memory_bytes", 62.5 * GIB),  # in total, as Slurm writes since 21.08
    ("reqmem", "2T"): ("requested_memory_bytes", 2 * 2**40),
    ("reqmem", "512K"): ("requested_memory_bytes", 512 * 1024),
    ("reqmem", "4000"): ("requested_memory_bytes", 4_000 * MIB),
    ("reqmem", "0n"): ("requested_memory_bytes", None),  # all that the nodes have
    ("reqmem", "2147486648Mn"): ("requested_memory_bytes", None),  # a flag of Slurm: 2^31 + 3000 MB per CPU
    ("reqmem", "?"): ("requested_memory_bytes", None),
    ("reqmem", ""): ("requested_memory_bytes", None),
    ("reqtres", "cpu=64,mem=62.50G,node=8"): ("requested_memory_bytes", 62.5 * GIB),
    ("reqtres", "cpu=12,mem=31000M,node=1"): ("requested_memory_bytes", 31_000 * MIB),
    ("timelimit", "125-00:00:00"): ("requested_s", 125 * 86_400),
    ("timelimit", "1-06:00:00"): ("requested_s", 108_000),
    ("timelimit", "10:30:00"): ("requested_s", 37_800),
    ("timelimit", "30:00"): ("requested_s", 1_800),
    ("timelimit", "00:01.500"): ("requested_s", 1.5),
    ("timelimit", "UNLIMITED"): ("requested_s", None),
    ("timelimit", "Partition_Limit"): ("requested_s", None),
    ("timelimit", ""): ("requested_s", None),
    ("state", "CANCELLED by 380693"): ("state", "cancelled"),
    ("state", "CANCELLED+"): ("state", "cancelled"),
    ("state", "OUT_OF_ME+"): ("state", "out_of_memory"),
    ("state", "NODE_FAIL"): ("state", "node_failure"),
    ("state", "BOOT_FAIL"): ("state", "node_failure"),
    ("state", "DEADLINE"): ("state", "timeout"),
    ("state", "REQUEUED"): ("state", "requeued"),
    ("state", "PREEMPTED"): ("state", "preempted"),
    ("alloctres", "cpu=16,gres/gpu=2"): ("device_count", 2),
    ("alloctres", "cpu=16"): ("device_count", 0),
    ("alloctres", "cpu=16,gres/npu:910b3=8"): ("device_count", 8),
    ("alloctres", "cpu=16,gres/dcu=4,gres/dcu:z100=4"): ("device_count", 4),
    ("alloctres", "cpu=16,gres/gpu:a100=2,gres/gpu:v100=1"): ("device_count", 3),
    ("reqtres", "cpu=16,gres/ascend=16"): ("requested_device_count", 16),
    # Seven instances of one partitioned GPU are not seven GPUs, and a share of one is not none.
    ("alloctres", "cpu=16,gres/gpu:a100_1g.5gb=7,gres/gpu=7"): ("device_count", None),
    ("alloctres", "cpu=16,gres/shard=1"): ("device_count", None),
    ("reqtres", "cpu=16,gres/mps=50"): ("requested_device_count", None),
    ("alloctres", "cpu=16,energy=72000,node=1"): ("energy_j", 72_000),
    ("alloctres", "cpu=16,energy=18446744073709551614"): ("energy_j", None),  # 2^64 - 2: no value
}


def test_t01_every_spelling_of_memory_duration_and_state_has_its_value_or_is_unknown(fed):
    runs, broken = fed(*({"jobidraw": str(n), field: text} for n, (field, text) in enumerate(SPELLINGS)))
    assert broken == []
    by_number = {int(run["job_id"]): run for run in runs}
    found = {key: by_number[n][column] for n, (key, (column, _)) in enumerate(SPELLINGS.items())}
    assert found == {key: value for key, (_, value) in SPELLINGS.items()}


def test_the_only_type_of_its_devices_is_the_model_of_a_job(fed):
    held = ["cpu=16,gres/npu:910b3=8", "gres/gpu=4,gres/gpu:a100=4", "gres/gpu:a100=2,gres/gpu:v100=1", "gres/gpu=2"]
    runs, broken = fed(*({"jobidraw": str(number), "alloctres": text} for number, text in enumerate(held)))
    assert broken == []
    assert {int(run["job_id"]): run["sku"] for run in runs} == {0: "910b3", 1: "a100", 2: None, 3: None}


@pytest.mark.parametrize(("field", "text"), [("timelimit", "two days"), ("state", "sort of done"), ("state", "FROZEN")])
def test_t01_a_spelling_that_slurm_does_not_have_is_quarantined(fed, field, text):
    runs, broken = fed({field: text})
    assert runs == []
    assert len(broken) == 1


def test_t01_where_the_memory_asked_for_is_a_flag_the_total_among_the_resources_counts(fed):
    (run,), _ = fed({"reqmem": "2147486648Mn", "reqtres": "cpu=8,mem=24000M,node=1"})
    assert run["requested_memory_bytes"] == 24_000 * MIB


def test_elements_of_an_array_are_runs_of_their_own_and_those_that_wait_are_one(fed):
    waiting = {"jobid": "123_[5-9%2]", "jobidraw": "123", "state": "PENDING", "start": "Unknown", "end": "Unknown"}
    runs, broken = fed({"jobid": "123_4", "jobidraw": "131"}, waiting)
    assert broken == []
    assert {run["job_id"]: run["state"] for run in runs} == {"123": "pending", "131": "completed"}


# On 3 November 2024 the clocks of New York went from 01:59:59 UTC-4 back to 01:00:00 UTC-5.
AUTUMN = "2024-11-03T"


def test_p12_a_wrapped_id_a_requeue_and_an_hour_that_comes_twice_are_distinct_runs(fed):
    with_offset = {"start": f"{AUTUMN}03:00:00-05:00", "end": f"{AUTUMN}04:00:00-05:00"}
    runs, broken = fed(
        {"submit": "2017-05-02T08:00:00", "start": "2017-05-02T08:00:00", "end": "2017-05-02T09:00:00"},
        {"state": "REQUEUED", "submit": f"{AUTUMN}01:30:00-04:00", **with_offset},
        {"submit": f"{AUTUMN}01:30:00-05:00", **with_offset},
        time_zone="America/New_York",
    )
    assert broken == []
    assert {(run["cluster_id"], run["job_id"]) for run in runs} == {("tern", "7")}
    assert sorted(run["submitted_at_utc"] for run in runs) == [
        datetime(2017, 5, 2, 12),
        datetime(2024, 11, 3, 5, 30),
        datetime(2024, 11, 3, 6, 30),
    ]


@pytest.mark.parametrize(
    ("start", "end", "elapsed", "started", "ended"),
    [
        # Across the change, end in the second of the two hours: by the clock it ends before it starts.
        ("01:50:00", "01:10:00", "00:20:00", datetime(2024, 11, 3, 5, 50), datetime(2024, 11, 3, 6, 10)),
        # Across the change, end after it: the clock shows an hour less, which no reading needs to correct.
        ("00:30:00", "02:30:00", "03:00:00", datetime(2024, 11, 3, 4, 30), datetime(2024, 11, 3, 7, 30)),
        # Submitted at 00:00; starts and ends in the first of the two hours.
        ("01:10:00", "01:20:00", "00:10:00", datetime(2024, 11, 3, 5, 10), datetime(2024, 11, 3, 5, 20)),
    ],
)
def test_p12_local_times_in_the_hour_that_comes_twice_keep_to_the_elapsed_time(
    fed, start, end, elapsed, started, ended
):
    times = {"submit": f"{AUTUMN}00:00:00", "start": AUTUMN + start, "end": AUTUMN + end, "elapsed": elapsed}
    (run,), broken = fed(times, time_zone="America/New_York")
    assert broken == []
    assert (run["started_at_utc"], run["ended_at_utc"]) == (started, ended)


def test_p12_a_start_that_seems_to_lie_before_the_submission_is_the_second_hour(fed):
    # Submitted at 01:50 UTC-4, started at 01:10 UTC-5, ran for 50 minutes until 02:00 UTC-5.
    times = {"submit": f"{AUTUMN}01:50:00", "start": f"{AUTUMN}01:10:00", "end": f"{AUTUMN}02:00:00"}
    (run,), broken = fed({**times, "elapsed": "00:50:00"}, time_zone="America/New_York")
    assert broken == []
    assert run["started_at_utc"] == datetime(2024, 11, 3, 6, 10)


@pytest.mark.parametrize(
    ("joules", "is_kept"),
    # Two nodes at 20 kW for an hour and the minute that clocks may be off: 146.4 MJ.
    [(146_400_000, True), (146_400_001, False)],
)
def test_p12_more_energy_than_the_nodes_can_use_is_quarantined(fed, joules, is_kept):
    runs, broken = fed({"consumedenergyraw": str(joules)})
    assert len(runs) == is_kept
    assert broken == ([] if is_kept else ["energy_within_nodes"])


def test_p12_an_import_of_no_rows_from_a_file_that_is_not_empty_is_an_error(tmp_path, written):
    (tmp_path / "suanheng.toml").touch()
    (tmp_path / "sites.toml").write_text(
        '[[site]]\nsite_id = "a"\nname_en = "A"\ntime_zone = "UTC"\nregion_code = "CN-HE"\n', encoding="utf-8"
    )
    (tmp_path / "sources.toml").write_text(
        '[[source]]\nformat = "sacct"\nfiles = "jobs*.txt"\nsite = "a"\ntime_zone = "UTC"\n', encoding="utf-8"
    )
    written()
    workspace = open_workspace(tmp_path)
    outcome = night.ingest(workspace, Steps(), datetime(2024, 2, 1, tzinfo=UTC))
    assert [landing.problem is None for landing in outcome.landings] == [False]
    with reading(workspace) as lake:
        (file,) = lake.frame("SELECT status, rows_read, problem FROM ops.files").to_dicts()
    assert (file["status"], file["rows_read"]) == ("refused", 0)
    assert "holds no record" in file["problem"]


def test_times_in_epoch_seconds_are_of_no_zone(fed):
    # SLURM_TIME_FORMAT=%s: 1712743260 to 1712746860 is one hour, whatever zone the source declares.
    epoch = {"submit": "1712743200", "start": "1712743260", "end": "1712746860"}
    for zone in ("UTC", "Asia/Shanghai"):
        ((run,), rules) = fed(epoch, time_zone=zone)
        assert rules == []
        assert (run["started_at_utc"], run["ended_at_utc"]) == (
            datetime(2024, 4, 10, 10, 1),
            datetime(2024, 4, 10, 11, 1),
        )


@pytest.mark.parametrize(
    "start", ["1970-01-01T00:00:00", "1970-01-01T08:00:00", "1969-12-31T19:00:00", "1970-01-01T00:00:00+0000", "0"]
)
def test_the_first_moment_of_1970_is_no_start(fed, start):
    # Slurm prints a time of 0 in the zone of whoever asks. The job was cancelled without having run.
    ((run,), rules) = fed({"start": start, "elapsed": "00:00:00", "state": "CANCELLED by 1001"})
    assert rules == []
    assert (run["started_at_utc"], run["ended_at_utc"]) == (None, datetime(2024, 1, 10, 9))


def _piece(start, end, **more):
    return {"submit": "2024-04-10T05:00:00", "start": start, "end": end, "elapsed": "", **more}


def test_pieces_of_a_truncated_export_are_one_job(fed):
    midnights = ["2024-04-10T06:00:00", "2024-04-11T00:00:00", "2024-04-12T00:00:00", "2024-04-12T18:00:00"]
    pieces = [_piece(*times, elapsed="18:00:00") for times in pairwise(midnights)]
    for told in (pieces, pieces[::-1]):
        ((job,), broken) = fed(*told)
        # 18 + 24 + 18 h = 60 h from the first start; submitted an hour before it.
        assert (job["started_at_utc"], job["ended_at_utc"]) == (datetime(2024, 4, 10, 6), datetime(2024, 4, 12, 18))
        assert broken == []


def test_pieces_with_one_missing_or_of_another_size_are_believed_by_nobody(fed):
    first = _piece("2024-04-10T06:00:00", "2024-04-11T00:00:00")
    third = _piece("2024-04-12T00:00:00", "2024-04-12T18:00:00")
    assert fed(first, third) == ([], ["isin", "isin"])
    smaller = _piece("2024-04-11T00:00:00", "2024-04-12T00:00:00", alloctres="cpu=8")
    assert fed(first, smaller) == ([], ["isin", "isin"])


def test_a_whole_record_beside_its_pieces_is_the_job_and_a_waiting_one_stays_without_a_start(fed):
    whole = _piece("2024-04-10T06:00:00", "2024-04-12T18:00:00")
    last = _piece("2024-04-12T00:00:00", "2024-04-12T18:00:00")
    waiting = _piece("Unknown", "Unknown", state="PENDING", jobidraw="8")
    jobs, broken = fed(whole, last, waiting)
    assert [(job["started_at_utc"], job["ended_at_utc"]) for job in sorted(jobs, key=itemgetter("job_id"))] == [
        (datetime(2024, 4, 10, 6), datetime(2024, 4, 12, 18)),
        (None, None),
    ]
    assert broken == []


def test_a_job_that_was_submitted_again_is_not_a_piece_of_the_first(fed):
    jobs, broken = fed(
        _piece("2024-04-10T06:00:00", "2024-04-11T00:00:00"),
        _piece("2024-04-11T00:00:00", "2024-04-12T00:00:00", submit="2024-04-10T23:00:00"),
    )
    hours = sorted((job["ended_at_utc"] - job["started_at_utc"]).total_seconds() / 3600 for job in jobs)
    assert hours == [18, 24]
    assert broken == []
