"""Models a site serves: tokens, accuracy, compute per token."""

from datetime import date, datetime

import pytest

# W2, primary: accuracies of Yuan2.0-M32; the fifth, HumanEval, does not enter the mean.
YUAN = {"GSM8K": 0.927, "MATH": 0.559, "MMLU": 0.722, "ARC-C": 0.958, "HumanEval": 0.744}


def serve(warehouse, model_name: str | None = "Yuan2.0-M32", **facts) -> None:
    """One hour of serving on 10 May."""
    warehouse.stage(
        "workload_runs",
        {
            "cluster_id": "c1",
            "job_id": "1",
            "submitted_at_utc": datetime(2023, 5, 10, 4),
            "started_at_utc": datetime(2023, 5, 10, 4),
            "ended_at_utc": datetime(2023, 5, 10, 5),
            "state": "completed",
            "workload_class": "inference",
            "model_name": model_name,
            "tokens": 1e6,
            **facts,
        },
    )


def evaluate(warehouse, accuracies: dict[str, float], evaluated_on: date = date(2023, 5, 2), **facts) -> None:
    """Evaluations of one model on one day, 3.7 billion active parameters."""
    for benchmark, accuracy in accuracies.items():
        warehouse.stage(
            "model_evaluations",
            {
                "model_name": "Yuan2.0-M32",
                "benchmark": benchmark,
                "evaluated_on": evaluated_on,
                "accuracy_ratio": accuracy,
                "active_params_billion": 3.7,
                **facts,
            },
        )


def model(warehouse):
    """The only model of May."""
    warehouse.build("rollups/run_month.sql")
    (row,) = warehouse.run("rollups/model_month.sql").rows(named=True)
    return row


def test_mean_accuracy_leaves_humaneval_out(warehouse) -> None:
    serve(warehouse)
    evaluate(warehouse, YUAN)
    row = model(warehouse)
    # W2: (92.7 + 72.2 + 55.9 + 95.8) ÷ 4 = 79.15; W3: 2 × 3.7 billion active parameters = 7.4 GFLOP per token.
    assert float(row["accuracy_percent"]) == pytest.approx(79.15)
    assert float(row["gflop_per_token"]) == pytest.approx(7.4)
    assert row["is_complete"] is True
    assert float(row["tokens"]) == 1e6
    assert "parameters/model_benchmark_set/ARC-C" in row["reference_rows"]
    assert "parameters/inference_flop_per_parameter_and_token" in row["reference_rows"]


def test_the_second_published_mean(warehouse) -> None:
    serve(warehouse)
    # W2, Llama3-70B: (93 + 80.3 + 50.4 + 93.3) ÷ 4 = 79.25; 2 × 70 billion = 140 GFLOP per token.
    evaluate(warehouse, {"GSM8K": 0.93, "MMLU": 0.803, "MATH": 0.504, "ARC-C": 0.933}, active_params_billion=70.0)
    row = model(warehouse)
    assert float(row["accuracy_percent"]) == pytest.approx(79.25)
    assert float(row["gflop_per_token"]) == pytest.approx(140)


def test_part_of_the_set_is_not_the_set(warehouse) -> None:
    serve(warehouse)
    evaluate(warehouse, {name: YUAN[name] for name in ("GSM8K", "MATH", "MMLU", "HumanEval")})
    row = model(warehouse)
    assert (row["is_complete"], row["accuracy_percent"], row["reference_rows"]) == (False, None, [])


def test_the_latest_evaluation_before_the_end_of_the_month_counts(warehouse) -> None:
    serve(warehouse)
    evaluate(warehouse, YUAN, date(2023, 1, 1))
    evaluate(warehouse, {"GSM8K": 0.967}, date(2023, 5, 31))  # 4 points more on one of four: 80.15
    evaluate(warehouse, {"GSM8K": 0.1}, date(2023, 6, 1))  # not known in May
    assert float(model(warehouse)["accuracy_percent"]) == pytest.approx(80.15)


def test_an_evaluation_beyond_the_declared_age_says_nothing(warehouse) -> None:
    serve(warehouse)
    evaluate(warehouse, YUAN, date(2022, 5, 30))  # 366 days before 31 May 2023
    assert model(warehouse)["is_complete"] is False


def test_without_active_parameters_compute_is_unknown(warehouse) -> None:
    serve(warehouse)
    evaluate(warehouse, YUAN, active_params_billion=None)
    row = model(warehouse)
    assert (row["is_complete"], row["gflop_per_token"]) == (False, None)


def test_tokens_of_no_named_model_are_kept_apart(warehouse) -> None:
    serve(warehouse, model_name=None)
    evaluate(warehouse, YUAN)
    row = model(warehouse)
    assert (row["model_name"], row["is_complete"], float(row["tokens"])) == (None, False, 1e6)


def test_training_is_not_served(warehouse) -> None:
    serve(warehouse, workload_class="training")
    warehouse.build("rollups/run_month.sql")
    assert warehouse.run("rollups/model_month.sql").height == 0
