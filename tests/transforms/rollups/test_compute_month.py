"""Compute of a month, beside its peak."""

from datetime import datetime, timedelta

import pytest

START = datetime(2023, 5, 10, 4)
PEAK_PFLOP = 8 * 0.989 * 3600  # 8 H100 at dense BF16 for one hour


def month(warehouse, *runs):
    """The only month, over one-hour runs of 8 H100."""
    for number, facts in enumerate(runs):
        warehouse.stage(
            "workload_runs",
            {
                "cluster_id": "c1",
                "job_id": str(number),
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
    warehouse.build("rollups/run_month.sql")
    (row,) = warehouse.run("rollups/compute_month.sql").rows(named=True)
    return row


def test_effective_compute_is_extrapolated_over_runs_that_state_no_operations(warehouse) -> None:
    # One run at 40 % of its peak of 7.912 PFLOP-h, one silent one of the same size: 0.4 × 15.824 = 6.3296.
    may = month(warehouse, {"model_pflop": 0.4 * PEAK_PFLOP}, {})
    assert float(may["achieved_pflop_h"]) == pytest.approx(3.1648)
    assert float(may["peak_covered_pflop_h"]) == pytest.approx(7.912)
    assert float(may["peak_allocated_pflop_h"]) == pytest.approx(15.824)
    assert float(may["effective_pflop_h"]) == pytest.approx(6.3296)
    assert (float(may["covered_device_hours"]), float(may["allocated_device_hours"])) == (8, 16)


def test_effective_compute_is_what_was_achieved_where_all_runs_state_it(warehouse) -> None:
    may = month(warehouse, {"model_pflop": 0.123456789 * PEAK_PFLOP}, {"model_pflop": 0.3 * PEAK_PFLOP})
    assert may["effective_pflop_h"] == may["achieved_pflop_h"]


def test_without_any_stated_operations_effective_compute_is_unknown(warehouse) -> None:
    may = month(warehouse, {})
    assert (may["achieved_pflop_h"], may["peak_covered_pflop_h"], may["effective_pflop_h"]) == (None, None, None)
    assert float(may["peak_allocated_pflop_h"]) == pytest.approx(7.912)


def test_precisions_each_meet_their_own_peak(warehouse) -> None:
    # FP8: 1979 TFLOPS dense, so 8 × 1.979 = 15.832 PFLOP-h; INT8 counts operations and is not covered.
    stated = {"model_pflop": 1000.0}
    may = month(warehouse, stated, {**stated, "precision": "FP8"}, {**stated, "precision": "INT8"})
    assert float(may["peak_covered_pflop_h"]) == pytest.approx(7.912 + 15.832)
    assert (float(may["covered_device_hours"]), float(may["peak_known_device_hours"])) == (16, 16)
    assert float(may["allocated_device_hours"]) == 24
    assert may["reference_rows"] == ["accelerators/H100 SXM 80GB/BF16", "accelerators/H100 SXM 80GB/FP8"]
