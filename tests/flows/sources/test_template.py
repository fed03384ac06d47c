"""The template of workload_runs as the job table of any scheduler: headers in Chinese or English."""

from datetime import datetime

import polars as pl
import pytest

from suanheng.flows.sources.template import read
from suanheng.schemas.checking.records import check
from suanheng.schemas.formats import template


@pytest.fixture
def jobs(samples):
    """``jobs(sample)``: accepted and rejected rows of a job table."""

    def run(sample):
        contract = template("workload_runs").contract
        options = {"dataset": "workload_runs"}
        checked = [check(chunk, contract, "Asia/Shanghai") for chunk in read(samples / sample, options)]
        return pl.concat([part.accepted for part in checked]), pl.concat([part.rejected for part in checked])

    return run


def test_a_job_table_with_chinese_headers(jobs):
    accepted, rejected = jobs("template_workload_runs_chinese.csv")
    first, waiting = accepted.to_dicts()
    assert (first["cluster_id"], first["job_id"], first["state"]) == ("tern", "1001", "completed")
    # 08:00 in Shanghai is midnight UTC.
    assert (first["submitted_at_utc"], first["started_at_utc"]) == (
        datetime(2024, 1, 10, 0),
        datetime(2024, 1, 10, 0, 10),
    )
    assert (first["device_count"], first["requested_s"], first["requested_memory_bytes"]) == (8, 7_200, 64 * 2**30)
    assert first["is_submission_known"] is True
    assert (waiting["started_at_utc"], waiting["device_count"], waiting["requested_device_count"]) == (None, None, 4)
    assert rejected.select("row_number", "rule").rows() == [(4, "not_started_before_submitted")]


def test_a_job_table_with_english_headers_and_offsets(jobs):
    accepted, rejected = jobs("template_workload_runs_english.csv")
    assert rejected.is_empty()
    (row,) = accepted.to_dicts()
    assert row["ended_at_utc"] == datetime(2024, 1, 10, 1, 10)
    assert (row["tenant_id"], row["queue"], row["node_count"], row["cpu_count"]) == ("lab1", "gpu", 1, 64)


def test_the_templates_say_what_people_look_for_under_another_name():
    assert any("job table" in limit for limit in template("workload_runs").limits)
    assert any("plain table of model evaluations" in limit for limit in template("model_evaluations").limits)
    assert template("incidents").limits == ("One file holds one dataset.",)
