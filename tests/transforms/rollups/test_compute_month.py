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


def test_a_run_is_as_busy_as_it_is_of_the_peak_of_its_own_format(warehouse) -> None:
    # An hour of 8 H100 each, 25 % busy in BF16 (989), FP8 (1979) and INT8 (1979 TOPS): 8 × 0.989 = 7.912 PFLOP-h of
    # peak and 1.978 of work each, whatever the format is called. FP4 has no peak on it: left out.
    busy = 0.25 * 8 * 3600
    may = month(
        warehouse,
        {"model_pflop": busy * 0.989},
        {"model_pflop": busy * 1.979, "precision": "FP8"},
        {"model_pflop": busy * 1.979, "precision": "INT8"},
        {"model_pflop": busy, "precision": "FP4"},
    )
    assert float(may["peak_covered_pflop_h"]) == pytest.approx(3 * 7.912)
    assert float(may["achieved_pflop_h"]) == pytest.approx(3 * 1.978)
    assert float(may["effective_pflop_h"]) == pytest.approx(3 * 1.978)
    assert (float(may["covered_device_hours"]), float(may["peak_known_device_hours"])) == (24, 24)
    assert float(may["allocated_device_hours"]) == 32
    assert may["reference_rows"] == [
        "accelerators/H100 SXM 80GB/BF16",
        "accelerators/H100 SXM 80GB/FP8",
        "accelerators/H100 SXM 80GB/INT8",
        "parameters/declared_precision",
    ]
