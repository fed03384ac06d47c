"""Model FLOPs utilisation, by convention: mfu_palm and mfu_megatron."""

from datetime import datetime, timedelta

import pytest

START = datetime(2023, 5, 10, 4)
INDICATORS = {"palm": "mfu_palm", "megatron": "mfu_megatron"}
"""The indicator of each convention."""


def facts(warehouse, *runs):
    """The only month by convention, over four-hour runs of 8 A100 at BF16: peak 8 × 0.312 × 4 = 9.984 PFLOP-h each."""
    for number, run in enumerate(runs):
        warehouse.stage(
            "workload_runs",
            {
                "cluster_id": "c1",
                "job_id": str(number),
                "submitted_at_utc": START,
                "started_at_utc": START,
                "ended_at_utc": START + timedelta(hours=4),
                "state": "completed",
                "sku": "A100 SXM 80GB",
                "precision": "BF16",
                "device_count": 8,
                **run,
            },
        )
    warehouse.build("rollups/run_month.sql", "rollups/compute_month.sql", "rollups/mfu_month.sql")
    return {
        convention: warehouse.run(f"indicators/supplementary/{indicator}.sql").row(0, named=True)
        for convention, indicator in INDICATORS.items()
    }


def test_utilisation_of_a_run_counted_by_the_palm_form(warehouse) -> None:
    # W6: (6 × 124e6 + 12 × 12 layers × 12 heads × 64 × 1024) = 857 246 208 FLOP per token of GPT-2 124M.
    flop_per_token = 6 * 124_000_000 + 12 * 12 * 12 * 64 * 1024
    assert flop_per_token == 857_246_208
    # 1.6e10 tokens are 13 715.939 PFLOP of 9.984 × 3600 = 35 942.4: 38.16 %.
    row = facts(warehouse, {"model_pflop": flop_per_token * 1.6e10 / 1e15, "flops_convention": "palm"})["palm"]
    assert float(row["numerator"] / row["denominator"]) == pytest.approx(13_715.939328 / 35_942.4)
    assert (float(row["observed"]), float(row["expected"]), row["gap"]) == (32, 32, None)
    assert row["reference_rows"] == ["accelerators/A100 SXM 80GB/BF16"]


def test_two_conventions_are_two_figures_and_never_one_sum(warehouse) -> None:
    # The same work counted twice: half the peak by PaLM, 0.45 of it by Megatron. A mixture would give 0.475.
    peak = 9.984 * 3600
    both = facts(
        warehouse,
        {"model_pflop": 0.5 * peak, "flops_convention": "palm"},
        {"model_pflop": 0.45 * peak, "flops_convention": "megatron"},
    )
    assert float(both["palm"]["numerator"] / both["palm"]["denominator"]) == pytest.approx(0.5)
    assert float(both["megatron"]["numerator"] / both["megatron"]["denominator"]) == pytest.approx(0.45)
    for row in both.values():
        assert float(row["denominator"]) == pytest.approx(9.984)
        assert (float(row["observed"]), float(row["expected"])) == (32, 64)


def test_runs_under_no_comparable_convention_lower_the_coverage(warehouse) -> None:
    counted = {"model_pflop": 0.5 * 9.984 * 3600}
    runs = ({**counted, "flops_convention": "megatron"}, {**counted, "flops_convention": "other"}, counted, {})
    row = facts(warehouse, *runs)["megatron"]
    assert float(row["numerator"] / row["denominator"]) == pytest.approx(0.5)
    assert (float(row["observed"]), float(row["expected"])) == (32, 128)


def test_without_any_run_of_the_convention_there_is_no_value(warehouse) -> None:
    for row in facts(warehouse, {"model_pflop": 1.0, "flops_convention": "other"}).values():
        assert (row["numerator"], row["denominator"], row["gap"]) == (None, None, "no workload records")
