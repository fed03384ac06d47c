"""Results of lm-evaluation-harness: one accuracy per task out of several, versions that state what was measured."""

from datetime import date

import pytest

from suanheng.schemas.checking.records import UnreadableFile


@pytest.fixture
def evaluations(gated, feed, staged, samples):
    """``evaluations(options)``: staged evaluations of the sample, by benchmark."""

    def run(options=None):
        accepted, rejected = gated("lm_eval", samples / "lm_eval_four_tasks.json", options)
        assert rejected.is_empty(), rejected.to_dicts()
        checked = staged("model_evaluations", feed("lm_eval", "model_evaluations", accepted))
        assert checked.rejected.is_empty(), checked.rejected.to_dicts()
        return {row["benchmark"]: row for row in checked.accepted.iter_rows(named=True)}

    return run


def test_one_metric_counts_per_task_and_perplexity_is_no_accuracy(evaluations):
    by_benchmark = evaluations()
    assert {name: row["accuracy_ratio"] for name, row in by_benchmark.items()} == {
        "GSM8K": 0.7,
        "ARC-C": 0.5,
        "MMLU": 0.625,
    }


def test_the_version_tells_the_task_its_version_the_examples_and_the_metric(evaluations):
    row = evaluations()["GSM8K"]
    assert row["benchmark_version"] == "gsm8k 3.0 5-shot exact_match,strict-match"
    # 1704848400 is 10 January 2024 in UTC.
    assert (row["model_name"], row["evaluated_on"]) == ("own/own-7b", date(2024, 1, 10))
    assert (row["active_params_billion"], row["total_params_billion"]) == (None, 7.25)


def test_the_source_may_name_the_metric_and_say_what_the_file_does_not(evaluations):
    options = {"model_name": "own-7b", "active_params_billion": 7, "metrics": {"arc_challenge": "acc_norm,none"}}
    row = evaluations(options)["ARC-C"]
    assert (row["accuracy_ratio"], row["benchmark_version"]) == (0.55, "arc_challenge 1.0 25-shot acc_norm,none")
    assert (row["model_name"], row["active_params_billion"], row["total_params_billion"]) == ("own-7b", 7, 7.25)


def test_standard_errors_stand_beside_their_metric(gated, samples):
    accepted, _ = gated("lm_eval", samples / "lm_eval_four_tasks.json")
    rows = accepted.select("task", "metric", "filter", "value", "stderr", "higher_is_better").rows()
    assert rows[1] == ("gsm8k", "exact_match", "strict-match", 0.7, 0.0125, True)
    assert rows[-1] == ("wikitext", "word_perplexity", "none", 9.5, None, False)


def test_an_evaluation_of_a_part_is_quarantined_and_no_row_is_lost(gated, samples):
    accepted, rejected = gated("lm_eval", samples / "lm_eval_limited.json")
    assert accepted.is_empty()
    assert dict(rejected.select("row_number", "rule").iter_rows()) == {1: "evaluated_as_a_whole", 2: "no_object"}


@pytest.mark.parametrize("content", ['{"doc_id": 1}\n{"doc_id": 2}', '{"results": []}', "[]"])
def test_other_files_are_refused(gated, tmp_path, content):
    path = tmp_path / "samples.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UnreadableFile, match="no results of lm-evaluation-harness"):
        gated("lm_eval", path)
