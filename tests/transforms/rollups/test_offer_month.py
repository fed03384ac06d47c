"""What a month's device-hours were charged, or cost on offer."""

from datetime import date, datetime

import pytest

MAY = date(2023, 5, 1)

# Two local days in Shanghai, 10 May 12:00 to 11 May 12:00: 12 h on each, 8 devices, 192 device-hours.
RUN = {
    "cluster_id": "c1",
    "job_id": "1",
    "submitted_at_utc": datetime(2023, 5, 10, 4),
    "started_at_utc": datetime(2023, 5, 10, 4),
    "ended_at_utc": datetime(2023, 5, 11, 4),
    "state": "completed",
    "sku": "H100 SXM 80GB",
    "precision": "BF16",
    "device_count": 8,
}
PEAK_PFLOP_H = 8 * 0.989 * 24


def offer(warehouse, price: float, **facts) -> None:
    """One device-hour offer for every accelerator, in 2023."""
    warehouse.stage(
        "service_offers",
        {
            "offer_id": f"offer-{price}",
            "unit": "device_hour",
            "price": price,
            "currency": "CNY",
            "valid_from": date(2023, 1, 1),
            **facts,
        },
    )


def month(warehouse, **run):
    """The month's row over one run."""
    warehouse.stage("workload_runs", {**RUN, **run})
    warehouse.build("rollups/run_month.sql")
    (row,) = warehouse.run("rollups/offer_month.sql").rows(named=True)
    return row


def test_a_charged_run_costs_what_it_was_charged(warehouse) -> None:
    offer(warehouse, 10.0)
    may = month(warehouse, charged_amount=500.0, currency="CNY")
    assert (float(may["priced_amount"]), float(may["priced_device_hours"]), may["charged_runs"]) == (500, 192, 1)
    assert float(may["priced_uncounted_peak_pflop_h"]) == pytest.approx(PEAK_PFLOP_H)
    assert "parameters/declared_currency" in may["reference_rows"]


def test_the_price_is_that_of_the_day(warehouse) -> None:
    # valid_to is the day after the last: 96 device-hours on 10 May at 10 CNY, 96 on 11 May at 20 CNY.
    offer(warehouse, 10.0, valid_to=date(2023, 5, 11))
    offer(warehouse, 20.0, valid_from=date(2023, 5, 11))
    may = month(warehouse)
    assert float(may["priced_amount"]) == pytest.approx(96 * 10 + 96 * 20)
    assert float(may["priced_device_hours"]) == pytest.approx(192)


def test_a_day_without_an_offer_has_no_price(warehouse) -> None:
    offer(warehouse, 10.0, valid_to=date(2023, 5, 11))
    may = month(warehouse, model_pflop=0.4 * PEAK_PFLOP_H * 3600)
    assert (float(may["priced_amount"]), float(may["priced_device_hours"])) == (960, 96)
    # Half of the run is priced, so half of what it achieved counts.
    assert float(may["priced_achieved_pflop_h"]) == pytest.approx(0.2 * PEAK_PFLOP_H)
    assert float(may["allocated_device_hours"]) == 192


@pytest.mark.parametrize(
    ("better", "price"),
    [
        ({"sku": "H100 SXM 80GB"}, 30.0),  # for this accelerator
        ({"precision": "BF16"}, 30.0),  # for this precision
        ({}, 5.0),  # the cheaper of two alike
        ({"sku": "A100 SXM 80GB"}, 10.0),  # for another accelerator: the general offer stays
        ({"minimum_units": 1000.0}, 10.0),  # not open to the smallest buyer
        ({"unit": "million_tokens"}, 10.0),  # prices something else
    ],
)
def test_the_offer_that_fits_best_counts(warehouse, better, price) -> None:
    offer(warehouse, 10.0)
    offer(warehouse, price if price != 10.0 else 1.0, **better)
    assert float(month(warehouse)["priced_amount"]) == pytest.approx(192 * price)


@pytest.mark.parametrize("currency", ["USD", None])
def test_another_currency_is_not_converted(warehouse, currency) -> None:
    offer(warehouse, 10.0)
    may = month(warehouse, charged_amount=500.0, currency=currency)
    assert (may["priced_amount"], may["priced_device_hours"], may["charged_runs"]) == (None, None, 1)


def test_an_offer_in_another_currency_prices_nothing(warehouse) -> None:
    offer(warehouse, 2.0, currency="USD")
    may = month(warehouse)
    assert (may["priced_amount"], may["offered_days"], may["charged_runs"]) == (None, 31, 0)


def test_device_hours_without_a_peak_are_not_priced(warehouse) -> None:
    offer(warehouse, 10.0)
    may = month(warehouse, sku="unheard of")
    assert (may["priced_amount"], float(may["allocated_device_hours"])) == (None, 192)
