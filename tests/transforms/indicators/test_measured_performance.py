"""Compute achieved over the peak of the same device-hours."""

from datetime import datetime, timedelta

import pytest

START = datetime(2023, 5, 10, 4)
RECIPE = "indicators/compute_efficiency/measured_performance.sql"


def stage_run(warehouse, **facts) -> None:
    """One hour of 8 H100 at BF16: peak 8 × 0.989 = 7.912 PFLOP-h."""
    warehouse.stage(
        "workload_runs",
        {
            "cluster_id": "c1",
            "job_id": str(facts),
            "submitted_at_utc": START,
            "started_at_utc": START,
            "ended_at_utc": START + timedelta(hours=1),
            "state": "completed",
            "sku": "H100 SXM 80GB",
            "precision": "BF16",
            "device_count": 8,
            **facts,
        },
    )


def stage_benchmark(warehouse, **facts) -> None:
    """Two hours of 16 H100 at BF16: peak 16 × 989 = 15 824 TFLOP/s, of which 12 659.2 (80 %) are measured."""
    warehouse.stage(
        "benchmark_results",
        {
            "benchmark": "matmul",
            "system_name": "system",
            "metric": "dense_bf16",
            "value": 12_659.2,
            "unit": "TFLOP/s",
            "precision": "BF16",
            "sku": "H100 SXM 80GB",
            "device_count": 16,
            "started_at_utc": START,
            "ended_at_utc": START + timedelta(hours=2),
            **facts,
        },
    )


def fact(warehouse):
    """The only month."""
    warehouse.build("rollups/run_month.sql", "rollups/compute_month.sql")
    (row,) = warehouse.run(RECIPE).rows(named=True)
    return row


def test_runs_and_benchmarks_weigh_by_duration_and_devices(warehouse) -> None:
    stage_run(warehouse, model_pflop=0.4 * 7.912 * 3600)
    stage_benchmark(warehouse)
    row = fact(warehouse)
    # Achieved 3.1648 + 12.6592 × 2 h = 28.4832; peak 7.912 + 15.824 × 2 h = 39.56: 72 %.
    assert float(row["numerator"]) == pytest.approx(28.4832)
    assert float(row["denominator"]) == pytest.approx(39.56)
    assert float(row["numerator"] / row["denominator"]) == pytest.approx(0.72)
    assert (float(row["observed"]), float(row["expected"]), row["gap"]) == (40, 40, None)
    assert row["reference_rows"] == ["accelerators/H100 SXM 80GB/BF16"]


def test_silent_runs_lower_the_coverage(warehouse) -> None:
    stage_run(warehouse, model_pflop=0.4 * 7.912 * 3600)
    stage_run(warehouse)
    row = fact(warehouse)
    assert float(row["numerator"] / row["denominator"]) == pytest.approx(0.4)
    assert (float(row["observed"]), float(row["expected"])) == (8, 16)


def test_a_peak_of_its_own_comes_first(warehouse) -> None:
    # The publisher states 30 PFLOP/s of 40, of accelerators that nobody names.
    stage_benchmark(warehouse, unit="PFLOP/s", value=30.0, peak_value=40.0, sku=None)
    row = fact(warehouse)
    assert (float(row["numerator"]), float(row["denominator"])) == pytest.approx((60, 80))
    assert row["reference_rows"] == []


def test_each_format_is_kept_for_itself_and_the_declared_one_is_scored(warehouse) -> None:
    # HPL in FP64 reaches 30 of 40 PFLOP/s for two hours with 16 devices, a run in BF16 40 % for one hour with 8.
    stage_run(warehouse, model_pflop=0.4 * 7.912 * 3600)
    stage_benchmark(warehouse, unit="PFLOP/s", value=30.0, peak_value=40.0, precision="FP64", sku=None)
    row = fact(warehouse)
    assert float(row["numerator"] / row["denominator"]) == pytest.approx(0.4)
    assert (float(row["observed"]), float(row["expected"])) == (8, 40)
    kept = warehouse.execute(
        "SELECT precision, achieved_pflop_h / peak_pflop_h FROM rollups.performance_month ORDER BY precision"
    )
    assert dict(kept.iter_rows()) == pytest.approx({"BF16": 0.4, "FP64": 0.75})


def test_a_site_that_works_in_another_format_alone_has_none(warehouse) -> None:
    stage_run(warehouse, model_pflop=0.4 * 8 * 1.979 * 3600, precision="FP8")
    row = fact(warehouse)
    assert (row["numerator"], row["denominator"], row["gap"]) == (None, None, "no benchmark")
    assert (float(row["observed"]), float(row["expected"])) == (0, 8)


def test_an_accelerator_that_nobody_knows_is_the_reason(warehouse) -> None:
    stage_run(warehouse, model_pflop=1.0, sku="Own 80GB SXM")
    assert fact(warehouse)["gap"] == "no peak for the accelerator"


@pytest.mark.parametrize(
    "facts",
    [
        {"precision": "FP64"},  # another format than the declared one
        {"precision": None},
        {"value": 15_825.0},  # above the peak
        {"is_valid": False},
    ],
)
def test_a_result_without_a_usable_peak_only_lowers_the_coverage(warehouse, facts) -> None:
    stage_benchmark(warehouse, **facts)
    row = fact(warehouse)
    assert (row["numerator"], row["denominator"], row["gap"]) == (None, None, "no benchmark")
    assert (float(row["observed"]), float(row["expected"])) == (0, 32)


def test_other_metrics_are_no_compute(warehouse) -> None:
    stage_benchmark(warehouse, unit="tokens/s", metric="output_tokens_per_s")
    warehouse.build("rollups/run_month.sql", "rollups/compute_month.sql")
    assert warehouse.run(RECIPE).height == 0


def test_a_benchmark_across_months_is_divided(warehouse) -> None:
    # Midnight of 1 June in Shanghai is 16:00 UTC: one hour on each side.
    stage_benchmark(warehouse, started_at_utc=datetime(2023, 5, 31, 15), ended_at_utc=datetime(2023, 5, 31, 17))
    warehouse.build("rollups/run_month.sql", "rollups/compute_month.sql")
    rows = warehouse.run(RECIPE)
    assert rows.height == 2
    assert [float(hours) for hours in rows["observed"]] == [16, 16]
