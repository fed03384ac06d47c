"""Run reports: model operations by the convention that a run names, from its dimensions or as it states them."""

import json
from datetime import datetime

import pytest

from suanheng.schemas.checking.records import UnreadableFile


@pytest.fixture
def runs(gated, feed, staged):
    """``runs(path)``: staged runs by id; nothing may be rejected."""

    def run(path):
        accepted, rejected = gated("run_report", path)
        assert rejected.is_empty(), rejected.to_dicts()
        checked = staged("workload_runs", feed("run_report", "workload_runs", accepted))
        assert checked.rejected.is_empty(), checked.rejected.to_dicts()
        return {row["job_id"]: row for row in checked.accepted.iter_rows(named=True)}

    return run


@pytest.fixture
def counted(runs, tmp_path):
    """``counted(**fields)``: one training run, of 10^15 tokens or of 10^9 iterations where nothing else is said."""

    def run(**fields):
        report = {
            "run_id": "1",
            "cluster": "tern",
            "started_at": "2024-01-10T01:00:00Z",
            "state": "running",
            "workload_class": "training",
            **fields,
        }
        path = tmp_path / "report.json"
        path.write_text(json.dumps(report), encoding="utf-8")
        return runs(path)["1"]

    return run


GPT2 = {"parameters": 124e6, "layers": 12, "attention_heads": 12, "head_dimension": 64, "sequence_length": 1024}
MEGATRON = {
    "flops_convention": "megatron",
    "batch_size": 4,
    "sequence_length": 8,
    "layers": 2,
    "hidden_size": 16,
    "iterations": 10**9,
}


def test_w6_palm_operations_per_token_of_gpt2(counted):
    # 6 × 124e6 + 12 × 12 × 12 × 64 × 1024.
    assert counted(**GPT2, tokens=1e15, flops_convention="palm")["model_pflop"] == 857_246_208


def test_the_dimension_of_a_head_follows_from_the_hidden_size(counted):
    dimensions = {name: value for name, value in GPT2.items() if name != "head_dimension"}
    row = counted(**dimensions, hidden_size=768, tokens=1e15, flops_convention="palm")
    assert row["model_pflop"] == 857_246_208


def test_megatron_operations_per_iteration_by_hand(counted):
    # 72 × 4 × 8 × 2 × 16² × (1 + 8 ÷ 96 + 96 ÷ (12 × 2 × 16)) = 1 179 648 × (1 + 1/12 + 1/4) = 1 572 864.
    # With full recomputation 96 × 4 × 8 × 2 × 16² × (1 + 8 ÷ 96 + 96 ÷ (16 × 2 × 16)) = 1 572 864 × 61/48 = 1 998 848.
    row = counted(**MEGATRON, vocabulary_size=96, recompute="full")
    assert row["model_pflop"] == pytest.approx(1.572864, rel=1e-12)
    assert row["hardware_pflop"] == pytest.approx(1.998848, rel=1e-12)
    # 4 × 8 tokens an iteration.
    assert row["tokens"] == 32e9


def test_w7_the_logits_count_alike_with_and_without_recomputation(counted):
    # 6 B s h V: doubling a vocabulary of 96 adds 6 × 4 × 8 × 16 × 96 = 294 912 to both forms.
    once, twice = (counted(**MEGATRON, vocabulary_size=size, recompute="full") for size in (96, 192))
    assert twice["model_pflop"] - once["model_pflop"] == pytest.approx(0.294912, rel=1e-9)
    assert twice["hardware_pflop"] - once["hardware_pflop"] == pytest.approx(0.294912, rel=1e-9)


def test_recomputation_adds_a_forward_pass_or_nothing_or_an_unknown_part(counted):
    hardware = {
        kind: counted(**GPT2, tokens=3e15, flops_convention="palm", recompute=kind)["hardware_pflop"]
        for kind in ("none", "full", "selective")
    }
    assert hardware == {"none": 3 * 857_246_208, "full": 4 * 857_246_208, "selective": None}


@pytest.mark.parametrize("missing", ["parameters", "layers", "attention_heads", "sequence_length", "flops_convention"])
def test_without_a_dimension_or_the_convention_operations_are_unknown(counted, missing):
    fields = {**GPT2, "tokens": 1e15, "flops_convention": "palm"}
    row = counted(**{name: value for name, value in fields.items() if name != missing})
    assert (row["model_pflop"], row["hardware_pflop"], row["flops_convention"]) == (None, None, None)


def test_stated_operations_count_before_those_of_the_dimensions(counted):
    row = counted(**GPT2, tokens=1e15, flops_convention="palm", model_flops=2e15, recompute="none")
    assert (row["model_pflop"], row["hardware_pflop"], row["flops_convention"]) == (2, None, "palm")


def test_a_report_becomes_a_run(runs, samples):
    row = runs(samples / "run_report_two_conventions.jsonl")["palm"]
    assert (row["cluster_id"], row["state"], row["workload_class"]) == ("tern", "completed", "training")
    assert (row["submitted_at_utc"], row["started_at_utc"]) == (datetime(2024, 1, 10, 0), datetime(2024, 1, 10, 1))
    assert row["is_submission_known"] is True
    assert (row["device_count"], row["sku"], row["precision"]) == (8, "A100 SXM 80GB", "BF16")
    # 857 246 208 × 1.6e10 tokens.
    assert row["model_pflop"] == pytest.approx(13_715.939328)


def test_the_same_work_by_two_conventions_is_two_figures(runs, samples):
    by_id = runs(samples / "run_report_two_conventions.jsonl")
    assert {name: row["flops_convention"] for name, row in by_id.items()} == {"palm": "palm", "megatron": "megatron"}
    # 72 × 512 × 1024 × 12 × 768² × (1 + 1024 ÷ 4608 + 50257 ÷ 110592) × 30 000 iterations.
    by_hand = 72 * 512 * 1024 * 12 * 768**2 * (1 + 1024 / 4608 + 50257 / 110592) * 30_000 / 1e15
    assert by_id["megatron"]["model_pflop"] == pytest.approx(by_hand)
    assert by_id["megatron"]["tokens"] == 512 * 1024 * 30_000


def test_a_serving_run_has_operations_only_where_it_states_them_and_a_wait_only_where_it_says_since_when(runs, samples):
    first, second = runs(samples / "run_report_list.json").values()
    assert (first["model_pflop"], first["tokens"], first["energy_j"]) == (None, 5e6, 3.6e6)
    assert (second["model_pflop"], second["flops_convention"]) == (70, "other")
    assert [run["is_submission_known"] for run in (first, second)] == [False, False]


def test_every_defect_is_named_and_no_report_is_lost(gated, samples):
    accepted, rejected = gated("run_report", samples / "run_report_defects.jsonl")
    assert accepted["run_id"].to_list() == ["good"]
    assert dict(rejected.select("row_number", "rule").iter_rows()) == {
        2: "unknown_field",
        3: "no_json",
        4: "no_object",
        5: "operations_name_their_convention",
        6: "type",
    }
    assert "unknown field head_dim" in rejected.filter(row_number=2)["message"].item()


@pytest.mark.parametrize(("content", "got"), [("{", "no JSON"), ("7", "a single value")])
def test_another_document_is_refused(gated, tmp_path, content, got):
    path = tmp_path / "report.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UnreadableFile, match=got):
        gated("run_report", path)


def test_a_time_without_an_offset_needs_a_time_zone(gated, tmp_path):
    path = tmp_path / "report.json"
    path.write_text('{"run_id": "1", "cluster": "c", "state": "running", "started_at": "2024-01-10T01:00:00"}')
    with pytest.raises(UnreadableFile, match="time_zone"):
        gated("run_report", path)
