"""The template of bills: whether its ends are the last day billed shows in what follows what."""

from datetime import date

import polars as pl
import pytest

from suanheng.flows.sources.reading.service_periods import with_exclusive_ends
from suanheng.flows.sources.template import read
from suanheng.schemas.checking.records import Chunk, check
from suanheng.schemas.formats import template


@pytest.fixture
def ends(tmp_path):
    """``ends(periods)``: ends of the service periods of account a, as they land."""

    def run(periods, suffix="csv"):
        path = tmp_path / f"bills.{suffix}"
        meters = [period[2] if len(period) > 2 else "a" for period in periods]
        rows = pl.DataFrame(
            {
                "meter_id": meters,
                "commodity": "electricity",
                "service_start": [period[0] for period in periods],
                "service_end": [period[1] for period in periods],
                "energy_kwh": 1.0,
            }
        )
        if suffix == "parquet":
            days = pl.col("service_start", "service_end").str.to_date()
            rows.with_columns(days).write_parquet(path)
        else:
            rows.write_csv(path)
        contract = template("utility_bills").contract
        checked = [check(chunk, contract) for chunk in read(path, {"dataset": "utility_bills"})]
        return pl.concat([part.accepted for part in checked])["service_end"].to_list()

    return run


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_ends_that_are_the_last_day_billed_get_the_day_after(ends, suffix):
    periods = [("2023-01-01", "2023-01-31"), ("2023-02-01", "2023-02-28"), ("2023-03-01", "2023-03-31")]
    assert ends(periods, suffix) == [date(2023, 2, 1), date(2023, 3, 1), date(2023, 4, 1)]


def test_periods_from_the_middle_of_a_month_show_it_as_well(ends):
    periods = [("2023/01/16", "2023/02/14"), ("2023/02/15", "2023/03/15"), ("2023/03/16", "2023/04/15")]
    assert ends(periods) == [date(2023, 2, 15), date(2023, 3, 16), date(2023, 4, 16)]


def test_a_single_bill_of_a_calendar_month_shows_it(ends):
    assert ends([("2023-12-01", "2023-12-31")]) == [date(2024, 1, 1)]


@pytest.mark.parametrize(
    "periods",
    [
        [("2023-01-01", "2023-02-01"), ("2023-02-01", "2023-03-01")],
        # A day between two bills of one account beside three that follow without one is a day without a bill.
        [("2023-01-01", "2023-02-01"), ("2023-02-01", "2023-03-01"), ("2023-03-01", "2023-03-31"),
         ("2023-04-01", "2023-05-01"), ("2023-05-01", "2023-06-01")],
        [("2023-01-05", "2023-02-04")],  # shows nothing: the word of the template stands
        # The next account begins a day later: that says nothing of this one.
        [("2023-01-05", "2023-02-04", "a"), ("2023-02-05", "2023-03-04", "b")],
    ],
)  # fmt: skip
def test_ends_that_are_the_day_after_stay(ends, periods):
    assert ends(periods) == [date.fromisoformat(period[1]) for period in periods]


def test_a_long_file_is_not_held_to_look_at_its_ends() -> None:
    days = {"service_start": ["2023-01-01", "2023-02-01"], "service_end": ["2023-01-31", "2023-02-28"]}
    first = pl.DataFrame({"row_number": [2, 3], "meter_id": ["m", "m"], **days})
    asked_for = []

    def chunks():
        for number in range(3):
            asked_for.append(number)
            yield Chunk(first)

    passed_on = with_exclusive_ends(chunks())
    # By hand: each bill ends the day before the next one begins, so that its end is its last day.
    assert next(passed_on).rows["service_end"].to_list() == ["2023-02-01", "2023-03-01"]
    assert asked_for == [0]
    assert [chunk.rows["service_end"].to_list() for chunk in passed_on] == [["2023-02-01", "2023-03-01"]] * 2
