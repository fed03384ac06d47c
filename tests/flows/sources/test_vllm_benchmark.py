"""Serving benchmarks of vLLM: many figures a run, local time of the end, runs that were appended."""

from datetime import datetime

import pytest

from suanheng.schemas.checking.records import UnreadableFile

SYSTEM = {"system_name": "node-1", "sku": "H100 SXM 80GB", "device_count": 8, "precision": "BF16"}


@pytest.fixture
def results(gated, feed, staged, samples):
    """``results(sample)``: staged results."""

    def run(sample):
        accepted, _ = gated("vllm_benchmark", samples / sample, SYSTEM, "Asia/Shanghai")
        checked = staged("benchmark_results", feed("vllm_benchmark", "benchmark_results", accepted))
        assert checked.rejected.is_empty(), checked.rejected.to_dicts()
        return checked.accepted

    return run


def test_every_figure_of_a_run_is_a_result(results):
    rows = results("vllm_benchmark_one_run.json")
    assert {row["metric"]: (row["value"], row["unit"]) for row in rows.iter_rows(named=True)} == {
        "requests_per_s": (20, "requests/s"),
        "output_tokens_per_s": (2_500, "tokens/s"),
        "total_tokens_per_s": (6_500, "tokens/s"),
        "mean_ttft_ms": (71.5, "ms"),
        "median_ttft_ms": (70.25, "ms"),
        "p99_ttft_ms": (80.5, "ms"),
        "mean_tpot_ms": (8, "ms"),
        "median_tpot_ms": (7.9, "ms"),
        "p99_tpot_ms": (9.5, "ms"),
        "mean_itl_ms": (7.75, "ms"),
        "median_itl_ms": (7.5, "ms"),
        "p99_itl_ms": (12.25, "ms"),
    }


def test_a_run_ends_when_its_file_was_written_in_local_time(results):
    row = results("vllm_benchmark_one_run.json").row(0, named=True)
    # 09:00:10 in Shanghai, after ten seconds.
    assert (row["started_at_utc"], row["ended_at_utc"]) == (datetime(2024, 1, 10, 1), datetime(2024, 1, 10, 1, 0, 10))
    assert (row["benchmark"], row["scenario"], row["system_name"]) == ("vllm/own/own-7b", "openai-chat", "node-1")
    assert row["configuration"] == "num_prompts=200 request_rate=inf max_concurrency=64 input_tokens=40000"
    assert (row["sku"], row["device_count"], row["precision"]) == ("H100 SXM 80GB", 8, "BF16")
    assert row["is_valid"]


def test_a_run_with_unanswered_requests_is_invalid(results):
    assert results("vllm_benchmark_appended.json")["is_valid"].to_list() == [False, False]


def test_every_defect_is_named_and_no_run_is_lost(gated, samples):
    accepted, rejected = gated("vllm_benchmark", samples / "vllm_benchmark_appended.json", SYSTEM, "UTC")
    assert accepted["row_number"].to_list() == [1]
    assert dict(rejected.select("row_number", "rule").iter_rows()) == {2: "type", 3: "no_result"}


def test_a_source_without_a_system_is_refused(gated, samples):
    with pytest.raises(UnreadableFile, match="system_name"):
        gated("vllm_benchmark", samples / "vllm_benchmark_one_run.json", {}, "UTC")


@pytest.mark.parametrize("content", ["Serving Benchmark Result", '{"date": "20240110-090010"', ""])
def test_a_file_without_results_holds_none_or_is_refused(gated, tmp_path, content):
    path = tmp_path / "result.json"
    path.write_text(content, encoding="utf-8")
    if content:
        with pytest.raises(UnreadableFile, match="no result of vllm bench serve"):
            gated("vllm_benchmark", path, SYSTEM, "UTC")
    else:
        accepted, _ = gated("vllm_benchmark", path, SYSTEM, "UTC")
        assert accepted.is_empty()


def test_the_time_needs_a_zone(gated, samples):
    with pytest.raises(UnreadableFile, match="time_zone"):
        gated("vllm_benchmark", samples / "vllm_benchmark_one_run.json", SYSTEM)
