"""Accuracy over compute per token, by the tokens a site serves."""

from datetime import date, datetime

import pytest

RECIPE = "indicators/intelligence_efficiency/model_compute_efficiency.sql"
BENCHMARKS = ("GSM8K", "MMLU", "MATH", "ARC-C")


def serve(warehouse, model_name: str, tokens: float) -> None:
    """One hour of serving on 10 May."""
    warehouse.stage(
        "workload_runs",
        {
            "cluster_id": "c1",
            "job_id": model_name,
            "submitted_at_utc": datetime(2023, 5, 10, 4),
            "started_at_utc": datetime(2023, 5, 10, 4),
            "ended_at_utc": datetime(2023, 5, 10, 5),
            "state": "completed",
            "workload_class": "inference",
            "model_name": model_name,
            "tokens": tokens,
        },
    )


def evaluate(warehouse, model_name: str, accuracy_percent: float, active_params_billion: float) -> None:
    """The same accuracy on all four benchmarks, so that it is the mean."""
    for benchmark in BENCHMARKS:
        warehouse.stage(
            "model_evaluations",
            {
                "model_name": model_name,
                "benchmark": benchmark,
                "evaluated_on": date(2023, 5, 2),
                "accuracy_ratio": accuracy_percent / 100,
                "active_params_billion": active_params_billion,
                "evidence_class": "declared",
            },
        )


def fact(warehouse):
    """The only month."""
    warehouse.build("rollups/run_month.sql", "rollups/model_month.sql")
    (row,) = warehouse.run(RECIPE).rows(named=True)
    return row


@pytest.mark.parametrize(
    ("accuracy_percent", "active_params_billion", "published"),
    # W1 and W3, primary (Yuan2.0-M32 README): the compute printed there is 2 × active parameters in billions.
    [
        (79.15, 3.7, 10.696),  # Yuan2.0-M32: 79.15 ÷ 7.4
        (79.25, 70, 0.566),  # Llama3-70B: 79.25 ÷ 140
        (64.15, 8, 4.009),  # Llama3-8B: 64.15 ÷ 16
        (72.38, 39, 0.928),  # Mixtral 8x22B: 72.38 ÷ 78
        (60.83, 12.9, 2.358),  # Mixtral 8x7B: 60.83 ÷ 25.8
    ],
)
def test_published_values(warehouse, accuracy_percent, active_params_billion, published) -> None:
    serve(warehouse, "model", 1e9)
    evaluate(warehouse, "model", accuracy_percent, active_params_billion)
    row = fact(warehouse)
    assert float(row["numerator"] / row["denominator"]) == pytest.approx(published, abs=5e-4)
    assert (float(row["observed"]), float(row["expected"]), row["gap"]) == (1e9, 1e9, None)
    assert row["evidence_rank"] == 3


def test_models_weigh_by_tokens_not_as_an_average_of_ratios(warehouse) -> None:
    serve(warehouse, "small", 3e6)
    serve(warehouse, "large", 1e6)
    evaluate(warehouse, "small", 60, 5)
    evaluate(warehouse, "large", 80, 50)
    row = fact(warehouse)
    # (3 × 60 + 1 × 80) ÷ (3 × 10 + 1 × 100) = 260 ÷ 130 = 2; the mean of the ratios 6 and 0.8 would be 3.4.
    assert float(row["numerator"] / row["denominator"]) == pytest.approx(2)


def test_models_without_an_evaluation_lower_the_coverage(warehouse) -> None:
    serve(warehouse, "known", 3e6)
    serve(warehouse, "unknown", 1e6)
    evaluate(warehouse, "known", 60, 5)
    row = fact(warehouse)
    assert float(row["numerator"] / row["denominator"]) == pytest.approx(6)
    assert (float(row["observed"]), float(row["expected"])) == (3e6, 4e6)


def test_without_any_evaluation_there_is_no_value(warehouse) -> None:
    serve(warehouse, "unknown", 1e6)
    row = fact(warehouse)
    assert (row["numerator"], row["denominator"], row["gap"]) == (None, None, "no model evaluation")
    assert (float(row["observed"]), float(row["expected"])) == (0, 1e6)
