"""Price of effective compute."""

from datetime import date, datetime, timedelta

import pytest

START = datetime(2023, 5, 10, 4)
RECIPE = "indicators/accessibility/affordability.sql"
PEAK_PFLOP_H = 8 * 0.989 * 10  # 8 H100 at dense BF16 for ten hours: 79.12 PFLOP-h in 80 device-hours


def stage_run(warehouse, **facts) -> None:
    """Ten hours of 8 H100."""
    warehouse.stage(
        "workload_runs",
        {
            "cluster_id": "c1",
            "job_id": str(facts),
            "submitted_at_utc": START,
            "started_at_utc": START,
            "ended_at_utc": START + timedelta(hours=10),
            "state": "completed",
            "sku": "H100 SXM 80GB",
            "precision": "BF16",
            "device_count": 8,
            **facts,
        },
    )


def stage_offer(warehouse, **facts) -> None:
    """16 CNY per device-hour."""
    warehouse.stage(
        "service_offers",
        {
            "offer_id": "offer",
            "unit": "device_hour",
            "price": 16.0,
            "currency": "CNY",
            "valid_from": date(2023, 1, 1),
            "evidence_class": "declared",
            **facts,
        },
    )


def fact(warehouse):
    """The only month."""
    warehouse.build("rollups/run_month.sql", "rollups/compute_month.sql", "rollups/offer_month.sql")
    (row,) = warehouse.run(RECIPE).rows(named=True)
    return row


def test_listed_price_over_effective_compute(warehouse) -> None:
    stage_run(warehouse, model_pflop=0.4 * PEAK_PFLOP_H * 3600)
    stage_offer(warehouse)
    row = fact(warehouse)
    # A7: 16 CNY per device-hour ÷ (0.989 PFLOPS × 0.4) = 40.44 CNY per effective PFLOP-h.
    assert float(row["numerator"]) == pytest.approx(80 * 16)
    assert float(row["numerator"] / row["denominator"]) == pytest.approx(16 / (0.989 * 0.4))
    assert (float(row["observed"]), float(row["expected"]), row["gap"]) == (80, 80, None)
    assert row["evidence_rank"] == 3
    assert row["reference_rows"] == ["accelerators/H100 SXM 80GB/BF16", "parameters/declared_currency"]


def test_runs_that_state_no_operations_take_the_ratio_of_the_others(warehouse) -> None:
    stage_run(warehouse, model_pflop=0.4 * PEAK_PFLOP_H * 3600)
    stage_run(warehouse, charged_amount=500.0, currency="CNY")
    stage_offer(warehouse)
    row = fact(warehouse)
    assert float(row["numerator"]) == pytest.approx(80 * 16 + 500)
    assert float(row["denominator"]) == pytest.approx(2 * 0.4 * PEAK_PFLOP_H)


def test_price_and_compute_are_those_of_the_same_runs(warehouse) -> None:
    stage_run(warehouse, model_pflop=0.4 * PEAK_PFLOP_H * 3600, charged_amount=500.0, currency="CNY")
    stage_run(warehouse, model_pflop=0.2 * PEAK_PFLOP_H * 3600)  # nobody knows its price
    row = fact(warehouse)
    assert (float(row["numerator"]), float(row["denominator"])) == pytest.approx((500, 0.4 * PEAK_PFLOP_H))
    assert (float(row["observed"]), float(row["expected"])) == (80, 160)


@pytest.mark.parametrize(
    ("run", "offer", "gap"),
    [
        ({"model_pflop": 1000.0}, None, "no offers"),
        ({"model_pflop": 1000.0}, {"currency": "USD"}, "no price"),
        ({"model_pflop": 1000.0}, {"valid_to": date(2023, 5, 10)}, "no price"),
        ({"model_pflop": 1000.0, "charged_amount": 5.0, "currency": "USD"}, {}, "no price"),
        ({}, {}, "no benchmark"),  # priced, but nobody knows what was achieved
    ],
)
def test_reasons_for_no_value(warehouse, run, offer, gap) -> None:
    stage_run(warehouse, **run)
    if offer is not None:
        stage_offer(warehouse, **offer)
    row = fact(warehouse)
    assert (row["numerator"], row["denominator"], row["gap"]) == (None, None, gap)
    assert (float(row["observed"]), float(row["expected"])) == (0, 80)


def test_a_price_of_zero_is_a_price(warehouse) -> None:
    stage_run(warehouse, model_pflop=1000.0, charged_amount=0.0, currency="CNY")
    row = fact(warehouse)
    assert (float(row["numerator"]), row["gap"]) == (0, None)
