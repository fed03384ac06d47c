"""Bills whose tariff periods are distinguished: their lines add up, and a total is never counted beside its parts."""

from datetime import date

import polars as pl
import pytest

from suanheng.schemas.checking.records import Chunk, check
from suanheng.schemas.datasets.energy import UTILITY_BILLS
from suanheng.schemas.formats import template
from suanheng.schemas.staged import DATASETS


def lines(*energies, file_ids=None, **columns):
    """Lines of one bill: ``(tariff period, kWh)`` each."""
    frame = pl.DataFrame(
        {
            "row_number": range(1, len(energies) + 1),
            "meter_id": "0431",
            "commodity": "electricity",
            "tariff_period": [period for period, _ in energies],
            "service_start": date(2024, 1, 1),
            "service_end": date(2024, 2, 1),
            "energy_kwh": [float(kwh) for _, kwh in energies],
            **columns,
        }
    )
    if file_ids is None:
        return check(Chunk(frame), template("utility_bills").contract)
    places = frame.with_columns(site_id=pl.lit("a"), file_id=pl.Series(file_ids), evidence_class=pl.lit("metered"))
    return check(Chunk(places), DATASETS["utility_bills"])


def test_tariff_periods_of_one_meter_and_month_are_lines_of_their_own():
    checked = lines(("sharp", 100), ("peak", 300), ("flat", 250), ("valley", 350))
    assert checked.rejected.is_empty()
    assert checked.accepted.n_unique(UTILITY_BILLS.key) == 4


def test_a_line_without_a_tariff_period_is_a_total():
    checked = lines((None, 1000))
    assert checked.accepted["tariff_period"].to_list() == ["total"]


def test_a_total_beside_its_parts_is_refused_and_the_parts_count():
    checked = lines(("total", 1000), ("peak", 600), ("valley", 400))
    assert checked.accepted["tariff_period"].to_list() == ["peak", "valley"]
    assert checked.rejected.select("row_number", "rule").rows() == [(1, "total_beside_its_parts")]


def test_a_total_that_contradicts_its_parts_takes_the_whole_bill_with_it():
    checked = lines(("total", 1100), ("peak", 600), ("valley", 400))
    assert checked.accepted.is_empty()
    assert checked.rejected["rule"].to_list() == ["total_contradicts_its_parts"] * 3


def test_rounding_of_the_parts_is_no_contradiction():
    # 333.4 + 333.4 + 333.2 = 1000, each written as a whole number: 333 + 333 + 333 = 999.
    checked = lines(("total", 1000), ("peak", 333), ("flat", 333), ("valley", 333))
    assert checked.rejected["rule"].to_list() == ["total_beside_its_parts"]


@pytest.mark.parametrize(
    ("columns", "told_apart_by"),
    [
        pytest.param({"revision": [0, 1, 1]}, "an older revision", id="revision"),
        pytest.param({"line_type": ["adjustment", "consumption", "consumption"]}, "another line", id="line type"),
        pytest.param({"file_ids": ["a", "b", "b"]}, "another file", id="file"),
    ],
)
def test_only_lines_of_one_bill_are_compared(columns, told_apart_by):
    checked = lines(("total", 7), ("peak", 600), ("valley", 400), **columns)
    assert checked.rejected.is_empty(), told_apart_by


def test_charges_without_energy_are_lines_of_their_own():
    kinds = ["energy_charge", "basic_charge", "power_factor", "surcharge", "demand"]
    frame = pl.DataFrame(
        {
            "row_number": range(1, 6),
            "meter_id": "0431",
            "commodity": "electricity",
            "line_type": kinds,
            "service_start": date(2024, 1, 1),
            "service_end": date(2024, 2, 1),
            "amount": [100.0, 50.0, -3.5, 1.0, 20.0],
            "currency": "CNY",
        }
    )
    checked = check(Chunk(frame), template("utility_bills").contract)
    assert checked.rejected.is_empty()
    assert checked.accepted["line_type"].to_list() == kinds
