"""The ASEM Sustainable Connectivity index of COINr: every published stage, to 1e-9."""

from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from suanheng.transforms.scoring.aggregate import Group, aggregate_levels
from suanheng.transforms.scoring.denominate import denominate
from suanheng.transforms.scoring.impute import impute
from suanheng.transforms.scoring.normalise import min_max, orient, rank
from suanheng.transforms.scoring.treat import treat
from suanheng.transforms.scoring.values import Values

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "coinr_asem"

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not FOLDER.is_dir(), reason="the public data of COINr is not at ../shared/data/coinr_asem"),
]

WINSORISE_AT_MOST = 6  # published_treatment_summary.csv: "Default, winmax = 6"


@cache
def table(name: str) -> pl.DataFrame:
    return pl.read_csv(FOLDER / f"{name}.csv")


def column(stage: str, code: str) -> Values:
    return table(stage)[code].cast(pl.Float64).to_numpy()


def codes() -> list[str]:
    return pl.read_csv(FOLDER / "meta_indicators.csv")["IndCode"].to_list() if FOLDER.is_dir() else []


def meta(code: str) -> dict:
    return table("meta_indicators").row(by_predicate=pl.col("IndCode") == code, named=True)


def groups() -> list[Group]:
    """The published structure: indicators to pillars to sub-indices to the index, all weights 1."""
    weights = {code: weight for _, code, weight in table("weights").iter_rows()}
    structure = table("structure")
    levels = [("IndCode", "Agg1"), ("Agg1", "Agg2"), ("Agg2", "Agg3")]
    return [
        Group(parent[0], {child: weights[child] for child in members[level].unique(maintain_order=True)})
        for level, above in levels
        for parent, members in structure.group_by(above, maintain_order=True)
    ]


def assert_equal(computed: Values, published: Values) -> None:
    assert np.array_equal(np.isnan(computed), np.isnan(published))
    np.testing.assert_allclose(computed, published, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("code", codes())
def test_denominated(code: str):
    size = meta(code)["Denominator"]
    raw = column("stage1_Raw", code)

    assert_equal(denominate(raw, column("denominators", size)) if size else raw, column("stage2_Denominated", code))


@pytest.mark.parametrize("code", codes())
def test_imputed_by_the_mean_of_europe_and_of_asia(code: str):
    halves = table("stage2_Denominated")["Group_EurAsia"].to_list()

    assert_equal(impute(column("stage2_Denominated", code), "mean", halves), column("stage3_Imputed", code))


@pytest.mark.parametrize("code", codes())
def test_treated(code: str):
    published = table("published_treatment_summary").row(by_predicate=pl.col("IndCode") == code, named=True)

    treated = treat(column("stage3_Imputed", code), WINSORISE_AT_MOST)

    assert_equal(treated.values, column("stage4_Treated", code))
    assert (treated.raised, treated.lowered) == (published["Low"], published["High"])


@pytest.mark.parametrize("code", codes())
def test_normalised(code: str):
    better = "higher" if meta(code)["Direction"] > 0 else "lower"

    normalised = min_max(orient(column("stage4_Treated", code), better))

    assert_equal(normalised, column("stage5_Normalised", code))


def test_aggregated_on_three_levels():
    scores = aggregate_levels({code: column("stage5_Normalised", code) for code in codes()}, groups(), "arithmetic")

    assert set(scores) == set(table("meta_aggregates")["Code"])
    for name, score in scores.items():
        assert_equal(score, column("stage6_Aggregated", name))


@pytest.fixture(scope="module")
def index() -> dict[str, Values]:
    """All stages in one go, from the raw table."""
    halves = table("stage1_Raw")["Group_EurAsia"].to_list()
    normalised = {}
    for code in codes():
        entry = meta(code)
        values = column("stage1_Raw", code)
        if entry["Denominator"]:
            values = denominate(values, column("denominators", entry["Denominator"]))
        values = treat(impute(values, "mean", halves), WINSORISE_AT_MOST).values
        normalised[code] = min_max(orient(values, "higher" if entry["Direction"] > 0 else "lower"))
    return aggregate_levels(normalised, groups(), "arithmetic")


@pytest.mark.parametrize(("country", "published"), [("CHE", 68.38), ("NLD", 64.82), ("DNK", 64.80)])
def test_published_index(index: dict[str, Values], country: str, published: float):
    position = table("stage1_Raw")["UnitCode"].to_list().index(country)

    assert round(float(index["Index"][position]), 2) == published


def published(name: str) -> pl.DataFrame:
    """A published table in the order of the raw one."""
    return table("stage1_Raw").select("UnitCode").join(table(name), on="UnitCode", how="left", maintain_order="left")


def test_published_scores(index: dict[str, Values]):
    for name, score in index.items():
        np.testing.assert_allclose(score, published("published_scores")[name].to_numpy(), atol=0.005 + 1e-9)


def test_published_ranks_of_the_index(index: dict[str, Values]):
    assert rank(index["Index"]).tolist() == published("published_ranks")["Index"].to_list()


def test_published_ranks_of_every_level_are_of_scores_rounded_to_two_decimals(index: dict[str, Values]):
    for name, score in index.items():
        assert rank(score.round(2)).tolist() == published("published_ranks")[name].to_list()


def test_we_rank_unrounded_scores(index: dict[str, Values]):
    units = table("stage1_Raw")["UnitCode"].to_list()
    japan, russia = units.index("JPN"), units.index("RUS")

    # ConEcFin 6.6189 and 6.6160: published as 6.62 and on one rank
    assert published("published_ranks")["ConEcFin"][[japan, russia]].to_list() == [47, 47]
    assert rank(index["ConEcFin"])[[japan, russia]].tolist() == [47, 48]
