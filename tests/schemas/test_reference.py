from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from suanheng.schemas.checking.records import Checked, Chunk, check
from suanheng.schemas.tables.reference import REFERENCE

FOLDER = Path(__file__).parents[2] / "config" / "reference"
FILES = sorted(FOLDER.glob("*.csv"))


def read(name: str) -> pl.DataFrame:
    return pl.read_csv(FOLDER / f"{name}.csv", infer_schema=False).with_row_index("row_number", offset=2)


def held_to_contract(rows: pl.DataFrame, name: str) -> Checked:
    return check(Chunk(rows), REFERENCE[name])


def accepted(name: str) -> pl.DataFrame:
    return held_to_contract(read(name), name).accepted


def test_every_file_has_a_contract():
    assert {path.stem for path in FILES} <= set(REFERENCE)


@pytest.mark.parametrize("name", [path.stem for path in FILES])
def test_shipped_table_keeps_its_contract(name: str):
    checked = held_to_contract(read(name), name)

    assert checked.rejected.to_dicts() == []
    assert checked.accepted.height == read(name).height


@pytest.mark.parametrize("name", [path.stem for path in FILES])
def test_reference_id_starts_with_the_table(name: str):
    ids = accepted(name)["reference_id"]

    assert ids.str.starts_with(f"{name}/").all()
    assert ids.n_unique() == len(ids)


@pytest.mark.parametrize(
    ("name", "rows"),  # counted with another program: rows of the file less its header
    [
        ("accelerators", 237),
        ("grid_emission_factors", 199),
        ("embodied_carbon", 18),
        ("policies", 18),
        ("policy_targets", 22),
    ],
)
def test_no_fact_is_lost(name: str, rows: int):
    assert accepted(name).height == rows


def test_doubtful_facts_are_kept_but_not_usable():
    factors = accepted("grid_emission_factors")

    parked = set(factors.filter(~pl.col("is_usable"))["reference_id"].str.strip_prefix("grid_emission_factors/CN/"))

    assert parked == {
        "2021/average_excl_traded_nonfossil",  # unsourced
        "year-unknown/average-0.5810",
        "year-unknown/average-0.5703",
    }


@pytest.mark.parametrize(
    ("reference_id", "kgco2_per_kwh"),  # the national and provincial values of 2023
    [
        ("CN/2023/average", 0.5306),
        ("CN/2023/average_excl_traded_nonfossil", 0.6096),
        ("CN/2023/fossil", 0.8273),
        ("CN/2023/footprint", 0.6205),
        ("CN-YN/2023/average", 0.1333),
        ("CN-SC/2023/average", 0.1564),
        ("CN-HE/2023/average", 0.6516),
    ],
)
def test_published_factors(reference_id: str, kgco2_per_kwh: float):
    row = accepted("grid_emission_factors").row(
        by_predicate=pl.col("reference_id") == f"grid_emission_factors/{reference_id}", named=True
    )

    assert row["value"] == kgco2_per_kwh
    assert row["is_usable"]


def test_a_conflicting_peak_is_empty_and_not_usable():
    conflict = accepted("accelerators").filter(pl.col("peak_tflops").is_null())

    # Sources contradict each other or say nothing: H20 FP8, B300 INT8, Ascend 910C package BF16, MLU590.
    assert conflict.height == 4
    assert not conflict["is_usable"].any()


def where(**key: str) -> pl.Expr:
    return pl.all_horizontal(*(pl.col(name) == value for name, value in key.items()))


def hundredfold(rows: pl.DataFrame) -> pl.DataFrame:
    """Hebei 2023 with the decimal point moved: 0.0065 kg/kWh."""
    hebei = where(region_code="CN-HE", year="2023")
    return rows.with_columns(value=pl.when(hebei).then(pl.lit("0.006516")).otherwise("value"))


def sixfold(rows: pl.DataFrame) -> pl.DataFrame:
    """Yunnan 2023 at 0.1333 × 6 = 0.7998: plausible for a grid, not for this one."""
    yunnan = where(region_code="CN-YN", year="2023")
    return rows.with_columns(value=pl.when(yunnan).then(pl.lit("0.7998")).otherwise("value"))


def beyond_any_grid(rows: pl.DataFrame) -> pl.DataFrame:
    """Hebei 2023 in g/kWh."""
    hebei = where(region_code="CN-HE", year="2023")
    return rows.with_columns(value=pl.when(hebei).then(pl.lit("651.6")).otherwise("value"))


def second_value(rows: pl.DataFrame) -> pl.DataFrame:
    hebei = rows.filter(where(region_code="CN-HE", year="2023"))
    other = hebei.with_columns(
        value=pl.lit("0.6500"),
        reference_id=pl.col("reference_id") + "/other",
        row_number=pl.lit(999, pl.UInt32),
    )
    return pl.concat([rows, other])


def swapped_years(rows: pl.DataFrame) -> pl.DataFrame:
    """The error of public code: the nation's 2021 and 2022 exchanged."""
    nation = where(region_code="CN", factor_kind="average")
    swapped = (
        pl.when(nation & (pl.col("year") == "2021"))
        .then(pl.lit("0.5366"))
        .when(nation & (pl.col("year") == "2022"))
        .then(pl.lit("0.5568"))
    )
    return rows.with_columns(value=swapped.otherwise("value"))


@pytest.mark.parametrize(
    ("spoil", "rule", "rows"),
    [
        (hundredfold, "factor_near_its_neighbours", 1),
        (sixfold, "factor_near_its_neighbours", 1),
        (beyond_any_grid, "less_than_or_equal_to", 1),
        (second_value, "one_value_per_key", 2),
        (swapped_years, "nation_moves_with_its_regions", 1),
    ],
)
def test_dirty_factors_are_caught(spoil: Callable[[pl.DataFrame], pl.DataFrame], rule: str, rows: int):
    rejected = held_to_contract(spoil(read("grid_emission_factors")), "grid_emission_factors").rejected

    assert rejected["rule"].to_list() == [rule] * rows


def test_a_doubtful_fact_cannot_be_declared_usable():
    rows = read("grid_emission_factors").with_columns(is_usable=pl.lit("true"))

    rejected = held_to_contract(rows, "grid_emission_factors").rejected

    # two rows of the nation without a year, one without a source
    assert rejected["rule"].value_counts(sort=True).rows() == [("usable_has_a_value", 2), ("usable_is_trusted", 1)]


@pytest.mark.parametrize(
    ("metric", "stated", "expected"),
    [
        ("rack_occupancy", "60", 0.6),
        ("utilisation", "50", 0.5),
        ("green_power_share", "80", 0.8),
        ("pue", "1.25", 1.25),
    ],
)
def test_policy_targets_are_stated_in_the_unit_of_the_indicator(metric: str, stated: str, expected: float):
    targets = accepted("policy_targets").filter(metric=metric, value=stated)

    assert targets["target_value"].to_list() == [expected] * targets.height
    assert targets.height > 0


def test_osi_licences():
    licences = set(accepted("osi_licences")["licence_spdx"])

    assert {"Apache-2.0", "MIT", "GPL-3.0-only", "MulanPSL-2.0", "BSD-3-Clause"} <= licences
    assert licences.isdisjoint({"SSPL-1.0", "BUSL-1.1", "CC-BY-4.0", "Elastic-2.0"})
