"""A contract says what it knows as attributes, and pandera holds rows to the same."""

from copy import deepcopy

import pandera.polars as pa
import polars as pl
import pytest
from pandera.errors import SchemaErrors

from suanheng.schemas.columns import EMPTY_BY_HAND, kept_by_hand
from suanheng.schemas.contract import Column, Contract, rule

DELIVERIES = Contract(
    "deliveries",
    "one delivery",
    columns={
        "meter": Column(pl.String, "Meter.", spellings=("account", "户号"), matches="[a-z]+", required=True),
        "kind": Column(pl.String, "What came.", one_of=("heat", "power"), required=True, default="power"),
        "energy_kwh": Column(pl.Float64, "Energy.", unit="kWh", at_least=0, at_most=10, nulls=("?",), strip=" kWh"),
        "peak_kwh": Column(pl.Float64, "Part of it at the peak.", unit="kWh"),
    },
    key=("meter",),
    rules=[rule("peak_within_energy", pl.col("peak_kwh") <= pl.col("energy_kwh"), "more at the peak than in all")],
)
GOOD = {"meter": "a", "kind": "heat", "energy_kwh": 10.0, "peak_kwh": 1.0}


def test_a_column_says_what_it_knows() -> None:
    energy, kind = DELIVERIES.columns["energy_kwh"], DELIVERIES.columns["kind"]
    assert (energy.meaning, energy.unit, energy.nulls, energy.strip) == ("Energy.", "kWh", ("?",), " kWh")
    assert (kind.default, kind.one_of, kind.unit) == ("power", ("heat", "power"), None)
    assert [name for name, column in DELIVERIES.columns.items() if column.must_be_given] == ["meter"]
    assert DELIVERIES.names_by_label() == {
        **{"meter": "meter", "account": "meter", "户号": "meter"},
        **{"kind": "kind", "energy_kwh": "energy_kwh", "peak_kwh": "peak_kwh"},
    }


@pytest.mark.parametrize(
    ("changed", "broken"),
    [
        ({"meter": None}, {("meter", "not_nullable")}),
        ({"meter": "A1"}, {("meter", "str_matches('^(?:[a-z]+)$')")}),
        ({"kind": "coal"}, {("kind", "isin(['heat', 'power'])")}),
        ({"energy_kwh": 10.5}, {("energy_kwh", "less_than_or_equal_to(10)")}),
        ({"energy_kwh": -1.0, "peak_kwh": None}, {("energy_kwh", "greater_than_or_equal_to(0)")}),
        ({"energy_kwh": None}, set()),
        ({"peak_kwh": 11.0}, {("deliveries", "more at the peak than in all")}),
    ],
)
def test_pandera_holds_rows_to_what_the_columns_say(changed: dict[str, object], broken: set[tuple[str, str]]) -> None:
    rows = pl.DataFrame([GOOD, {**GOOD, **changed}], schema=DELIVERIES.dtypes())
    found: set[tuple[str, str]] = set()
    try:
        DELIVERIES.schema.validate(rows, lazy=True)
    except SchemaErrors as errors:
        found = set(errors.failure_cases.select("column", "check").rows())
        assert set(errors.failure_cases["index"]) == {1}
    assert found == broken


def test_a_copy_of_a_schema_shares_the_checks_of_its_columns() -> None:
    energy = DELIVERIES.schema.columns["energy_kwh"]
    assert isinstance(energy, pa.Column)
    assert all(a is b for a, b in zip(deepcopy(energy).checks, energy.checks, strict=True))


def test_tables_kept_by_hand_know_a_dash_and_leave_the_described_columns_alone() -> None:
    by_hand = kept_by_hand({"energy_kwh": DELIVERIES.columns["energy_kwh"]})
    assert by_hand["energy_kwh"].nulls == ("?", *EMPTY_BY_HAND)
    assert DELIVERIES.columns["energy_kwh"].nulls == ("?",)
