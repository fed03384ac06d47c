"""The gate: no record is lost, none is made up, and what is unknown stays unknown."""

import json
from datetime import date, datetime
from typing import Any

import pandera.polars as pa
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandera.errors import SchemaErrors

from suanheng.schemas.checking.records import Checked, Chunk, Unreadable, UnreadableFile, check
from suanheng.schemas.columns import amount, choice, count, day, flag, instant, name, ratio, text
from suanheng.schemas.contract import Column, Contract, rule

METERS = Contract(
    "meters",
    "one reading",
    columns={
        "meter": name("Meter.", required=True),
        "kind": choice(("grid", "solar"), "Kind."),
        "day": day("Day."),
        "read_at": instant("Instant."),
        "energy": amount("kWh", "Energy.", at_most=1e6),
        "power": Column(pl.Float64, "Power.", unit="W", strip=" W", nulls=("N/A",)),
        "share": ratio("Share."),
        "pieces": count("Pieces.", at_least=1, default=1),
        "is_estimated": flag("Estimated."),
        "remark": text("Remark."),
    },
    rules=[rule("share_needs_energy", pl.col("share").is_null() | pl.col("energy").is_not_null(), "share of what?")],
)


def texts(*rows: dict[str, str | None]) -> pl.DataFrame:
    """Rows numbered from 1, every cell a text, on meter ``m`` unless they say otherwise."""
    labels = list(dict.fromkeys(["meter", *(label for row in rows for label in row)]))
    cells = [(number, *(({"meter": "m"} | row).get(label) for label in labels)) for number, row in enumerate(rows, 1)]
    return pl.DataFrame(cells, schema={"row_number": pl.Int64, **dict.fromkeys(labels, pl.String)}, orient="row")


def gate(rows: pl.DataFrame, time_zone: str | None = "UTC", unreadable: tuple[Unreadable, ...] = ()) -> Checked:
    return check(Chunk(rows, unreadable), METERS, time_zone)


def read_as(label: str, cell: str, time_zone: str | None = "UTC") -> Any:
    """What the gate makes of one cell; the rule's name where it rejects the row."""
    checked = gate(texts({label: cell}), time_zone)
    return checked.rejected["rule"].item() if checked.rejected.height else checked.accepted[label].item()


# What comes out


def test_accepted_rows_have_the_columns_and_types_of_the_contract_and_no_other() -> None:
    accepted = gate(texts({"energy": "1.5", "surplus": "x"})).accepted
    assert accepted.schema == {"row_number": pl.Int64, **METERS.dtypes()}
    assert accepted.drop("row_number").row(0) == ("m", None, None, None, 1.5, None, None, 1, None, None)


def test_a_rejected_record_comes_with_the_first_rule_every_reason_and_the_record_itself() -> None:
    rejected = gate(texts({"energy": "1"}, {"energy": "much", "kind": "coal", "remark": "电表"})).rejected
    record = rejected.row(0, named=True)
    assert (record["row_number"], record["rule"], record["column_name"], record["value"]) == (
        2,
        "type",
        "energy",
        "much",
    )
    assert "energy should be a number in kWh, but is 'much'" in record["message"]
    assert "kind = 'coal' breaks isin(['grid', 'solar'])" in record["message"]
    assert json.loads(record["record"]) == {"meter": "m", "energy": "much", "kind": "coal", "remark": "电表"}


def test_records_that_could_not_be_split_into_columns_are_rejected_beside_the_others() -> None:
    torn = Unreadable(3, "field_count", "the row has 1 field, the header 2", "torn")
    checked = gate(texts({"energy": "1"}, {"energy": "-1"}), unreadable=(torn,))
    assert checked.accepted["row_number"].to_list() == [1]
    assert checked.rejected["row_number"].to_list() == [2, 3]
    assert checked.rejected["rule"].to_list() == ["greater_than_or_equal_to", "field_count"]


def test_a_rule_across_columns_names_itself_and_says_what_to_repair() -> None:
    record = gate(texts({"share": "0.5"})).rejected.row(0, named=True)
    assert (record["rule"], record["column_name"], record["message"]) == ("share_needs_energy", None, "share of what?")


def test_an_empty_required_cell_and_an_absent_required_column_are_rejected() -> None:
    assert gate(texts({"meter": " "})).rejected["rule"].to_list() == ["not_nullable"]
    nameless = gate(texts({"energy": "1"}).drop("meter"))
    assert nameless.accepted.is_empty()
    assert nameless.rejected["message"].to_list() == ["meter is required, but is empty"]


def test_no_rows_are_no_fault() -> None:
    checked = gate(texts())
    assert checked.accepted.is_empty()
    assert checked.rejected.is_empty()


# How cells are read


@pytest.mark.parametrize("cell", ["", "  ", "NaN", "nan", "N/A", "<<<NOT_SUPPORTED>>>", "9223372036854775794"])
def test_unknown_is_null_and_never_zero(cell: str) -> None:
    assert read_as("power", cell) is None


def test_a_default_stands_for_an_empty_cell_only() -> None:
    assert read_as("pieces", "") == 1
    assert read_as("pieces", "3") == 3
    assert read_as("pieces", "three") == "type"


@pytest.mark.parametrize(
    ("label", "cell", "value"),
    [
        ("energy", "1,234.5", 1234.5),
        ("energy", "1,5", "type"),  # a decimal comma must not become 15
        ("energy", "12,34,567", "type"),
        ("energy", "inf", "type"),
        ("energy", "1e999", "type"),
        ("energy", "-inf", "type"),
        ("energy", "0x10", "type"),
        ("energy", "2000000", "less_than_or_equal_to"),
        ("power", "433.78 W", 433.78),
        ("power", "433.78 kW", "type"),
        ("share", "1.01", "less_than_or_equal_to"),
        ("pieces", "8.0", 8),
        ("pieces", "7.5", "type"),
        ("pieces", "1,024", 1024),
        ("pieces", "99999999999999999999", "type"),
        ("is_estimated", "是", True),
        ("is_estimated", "No", False),
        ("is_estimated", "maybe", "type"),
        ("day", "2023-02-28", date(2023, 2, 28)),
        ("day", "2023年3月1日", date(2023, 3, 1)),
        ("day", "2023-02-31", "type"),
        ("day", "23-02-28", "type"),  # would be the year 23
        ("day", "20230228", "type"),
        ("meter", "=1+1", "str_matches"),
        ("meter", "a\x00b", "control_character"),
        ("remark", "\x1b[31m", "control_character"),
        ("remark", "<b>, =1+1; anything goes", "<b>, =1+1; anything goes"),
    ],
)
def test_a_cell_is_read_or_rejected_by_rule(label: str, cell: str, value: Any) -> None:
    # Energy is given so that no rule across columns interferes with the share.
    checked = gate(texts({"energy": "1"} | {label: cell}))
    found = checked.rejected["rule"].item() if checked.rejected.height else checked.accepted[label].item()
    assert found == value


@pytest.mark.parametrize(
    ("cell", "time_zone", "utc"),
    [
        ("2023-01-10T08:00:00Z", None, datetime(2023, 1, 10, 8)),
        ("2023-01-10T08:00:00+08:00", None, datetime(2023, 1, 10, 0)),
        ("2023-01-10 08:00:00", "Asia/Shanghai", datetime(2023, 1, 10, 0)),
        ("2023-01-10T08:00:00+08:00", "America/New_York", datetime(2023, 1, 10, 0)),  # its own offset counts
        ("2023-03-12 02:30:00", "America/New_York", "type"),  # skipped by daylight saving
        ("2023-11-05 01:30:00", "America/New_York", datetime(2023, 11, 5, 5, 30)),  # twice there: the first, UTC-4
    ],
)
def test_times_become_utc(cell: str, time_zone: str | None, utc: Any) -> None:
    assert read_as("read_at", cell, time_zone) == utc


@pytest.mark.parametrize(
    ("cell", "utc"),
    [
        # date -u -d @1712743260: 10:01 on 10 April 2024. @1729989000 is in the hour that Berlin repeats.
        ("1712743260", datetime(2024, 4, 10, 10, 1)),
        ("1712743260123", datetime(2024, 4, 10, 10, 1, 0, 123000)),
        ("1729989000", datetime(2024, 10, 27, 0, 30)),
        ("20240410", "type"),
        ("171274326", "type"),
        ("1712743260.5e3", "type"),
    ],
)
@pytest.mark.parametrize("time_zone", [None, "Europe/Berlin"])
def test_seconds_and_milliseconds_since_1970_need_no_zone(cell: str, utc: Any, time_zone: str | None) -> None:
    assert read_as("read_at", cell, time_zone) == utc


def test_local_times_without_a_declared_zone_refuse_the_file() -> None:
    with pytest.raises(UnreadableFile, match="time_zone"):
        gate(texts({"read_at": "2023-01-10T08:00:00Z"}, {"read_at": "2023-01-10T08:00:00"}), time_zone=None)


# Columns that come typed, as from Parquet


def typed(**columns: list[Any] | pl.Series) -> Checked:
    length = len(next(iter(columns.values())))
    return gate(pl.DataFrame({"row_number": range(1, length + 1), "meter": ["m"] * length, **columns}))


def test_numbers_that_are_no_reading_are_unknown() -> None:
    energy = typed(energy=[1.0, float("nan"), 2.0**63, 2.0**64, None])
    assert energy.accepted["energy"].to_list() == [1.0, None, None, None, None]
    counter = typed(energy=pl.Series([5, 0x7FFFFFFFFFFFFFF2], dtype=pl.Int64))
    assert counter.accepted["energy"].to_list() == [5.0, None]


def test_infinity_is_rejected() -> None:
    assert typed(energy=[float("inf")]).rejected["rule"].to_list() == ["type"]


def test_a_fraction_is_not_cut_to_a_whole_number_and_a_number_is_not_taken_for_a_day() -> None:
    assert typed(pieces=[2.0, 1.5]).rejected["row_number"].to_list() == [2]
    assert typed(day=[20230101]).rejected["rule"].to_list() == ["type"]
    assert typed(energy=[True]).rejected["rule"].to_list() == ["type"]


def test_categories_numbers_as_names_and_days_of_either_type_are_read() -> None:
    checked = typed(
        kind=pl.Series(["grid", "solar"], dtype=pl.Categorical),
        remark=[17, 18],
        day=[datetime(2023, 1, 1), datetime(2023, 1, 2)],
    )
    assert checked.accepted["kind"].to_list() == ["grid", "solar"]
    assert checked.accepted["remark"].to_list() == ["17", "18"]
    assert checked.accepted["day"].to_list() == [date(2023, 1, 1), date(2023, 1, 2)]


def test_what_is_shown_of_a_record_cannot_steer_a_terminal() -> None:
    torn = Unreadable(2, "field_count", "torn \x1b[2J", "\x1b]0;title\x07")
    rejected = gate(texts({"energy": "\x1b[31m"}), unreadable=(torn,)).rejected
    assert rejected.height == 2
    for record in rejected.rows():
        assert not any("\x1b" in str(cell) or "\x07" in str(cell) for cell in record)
    assert "\x1b" not in str(UnreadableFile("a\x1b", "b", "c", "d"))


# Conservation

CELLS = st.one_of(
    st.none(),
    st.text(max_size=12),
    st.floats().map(str),
    st.integers().map(str),
    st.dates().map(str),
    st.datetimes().map(lambda moment: moment.isoformat()),
    st.sampled_from(
        ["", "NaN", "inf", "N/A", "是", "grid", "1,5", "1 W", "9223372036854775794", "=1+1", "\x00", "0.5"]
    ),
)
ROWS = st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(METERS.columns, CELLS)), max_size=8)


@settings(max_examples=60, deadline=None)
@given(rows=ROWS, torn=st.integers(0, 3))
def test_every_record_is_accepted_or_rejected_exactly_once(rows: list[dict[str, str | None]], torn: int) -> None:
    unreadable = tuple(Unreadable(len(rows) + number, "torn", "torn", "") for number in range(1, torn + 1))
    checked = gate(texts(*rows), unreadable=unreadable)
    accepted, rejected = checked.accepted["row_number"].to_list(), checked.rejected["row_number"].to_list()
    assert sorted(accepted + rejected) == list(range(1, len(rows) + torn + 1))
    assert checked.rejected["rule"].null_count() == checked.rejected["message"].null_count() == 0


@settings(max_examples=60, deadline=None)
@given(rows=ROWS)
def test_what_is_accepted_keeps_the_contract(rows: list[dict[str, str | None]]) -> None:
    accepted = gate(texts(*rows)).accepted
    assert accepted["meter"].null_count() == 0
    for label in ("energy", "power", "share"):
        stated = accepted[label].drop_nulls()
        assert stated.is_finite().all()
    assert accepted["energy"].drop_nulls().is_between(0, 1e6).all()
    assert accepted.filter(pl.col("share").is_not_null() & pl.col("energy").is_null()).is_empty()
    assert gate(accepted).rejected.is_empty()  # what passed once passes again


# A validation library may err; rows must not go missing through it


def test_rows_that_the_validation_library_drops_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pa.DataFrameSchema, "validate", lambda schema, rows, lazy: rows.clear())
    checked = gate(texts({"energy": "1"}, {"energy": "text"}, {"energy": "2"}))
    assert checked.accepted["row_number"].to_list() == [1, 3]
    assert checked.rejected["row_number"].to_list() == [2]


def test_a_failure_that_names_no_row_stops_the_file_instead_of_passing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    validate = pa.DataFrameSchema.validate

    def forgetful(schema: pa.DataFrameSchema, rows: pl.DataFrame, lazy: bool) -> pl.DataFrame:
        try:
            return validate(schema, rows, lazy=lazy)
        except SchemaErrors as errors:
            errors.failure_cases = errors.failure_cases.with_columns(index=pl.lit(None, pl.Int32))
            raise

    monkeypatch.setattr(pa.DataFrameSchema, "validate", forgetful)
    with pytest.raises(RuntimeError, match="without naming its rows"):
        gate(texts({"energy": "-1"}))
