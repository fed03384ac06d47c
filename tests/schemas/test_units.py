"""Every spelling of a unit converts as pint, an independent library, converts it."""

from fractions import Fraction
from pathlib import Path

import pint
import polars as pl
import pytest

UNITS = pl.read_csv(Path(__file__).parents[2] / "config" / "reference" / "units.csv")
BASE = {
    "kWh": "kilowatt_hour",
    "W": "watt",
    "m3": "meter**3",
    "kg": "kilogram",
    "°C": "degree_Celsius",
    "B": "byte",
    "s": "second",
    "1": "dimensionless",
    "MHz": "megahertz",
}
REGISTRY = pint.UnitRegistry(non_int_type=Fraction)


@pytest.mark.parametrize("row", UNITS.to_dicts(), ids=lambda row: row["reference_id"])
def test_a_unit_converts_as_pint_converts_it(row):
    definition = REGISTRY.parse_expression(f"1 * {row['definition']}") if "*" in row["definition"] else None
    quantity = REGISTRY.Quantity(1, row["definition"]) if definition is None else definition
    expected = quantity.to(BASE[str(row["base_unit"])]).magnitude
    assert float(row["multiplier"] / row["divisor"]) == pytest.approx(float(expected), rel=1e-12)


def test_one_kilowatt_hour_is_one_whatever_it_is_written_in():
    # By hand: 1 kWh = 3.6 MJ. Written in eight units, and exactly one kWh from each.
    written = {"Wh": 1e3, "kWh": 1, "MWh": 1e-3, "J": 3.6e6, "kJ": 3.6e3, "mJ": 3.6e9, "uJ": 3.6e12, "万千瓦时": 1e-4}
    factors = {row["unit"]: row for row in UNITS.filter(quantity="energy").iter_rows(named=True)}
    read = {unit: value * factors[unit]["multiplier"] / factors[unit]["divisor"] for unit, value in written.items()}
    assert read == dict.fromkeys(written, 1.0)
