"""An index of a small table, worked by hand; what is refused; and the index that a methodology makes."""

import math
from collections.abc import Callable

import polars as pl
import pytest

from suanheng.transforms.analysis.index import COMPOSITE, Index, Indicator, UndefinedIndex, compute, table_of
from suanheng.transforms.analysis.table_steps import Imputation, Screening, Treatment
from suanheng.transforms.scoring.aggregate import Aggregation, Group
from suanheng.transforms.scoring.judge import judge
from suanheng.transforms.scoring.methodology import Methodology
from suanheng.transforms.scoring.normalise import Normalisation, Yardstick
from suanheng.transforms.scoring.scorecard import score

# A ship's index: cargo per crew and speed make up service, cost stands alone.
TABLE = pl.DataFrame(
    {
        "unit": ["ann", "bob", "cid"],
        "cargo": [10.0, 40.0, 90.0],
        "crew": [10.0, 20.0, 30.0],
        "speed": [30.0, None, 10.0],
        "cost": [5.0, 6.0, 9.0],
        "fleet": ["x", "x", "y"],
    }
)
INDICATORS = (
    Indicator("cargo", Yardstick("higher", 0, 4), denominator="crew"),
    Indicator("speed", Yardstick("higher", 0, 40)),
    Indicator("cost", Yardstick("lower", 10, 5)),
)
GROUPS = (Group("service", {"cargo": 3, "speed": 1}), Group("ship", {"service": 1, "cost": 1}))


def index(**changes) -> Index:
    return Index(INDICATORS, GROUPS, **changes)


def column(frame: pl.DataFrame, name: str) -> list:
    return frame[name].to_list()


def test_every_stage():
    stages = compute(index(imputation=Imputation("mean")), TABLE)

    assert column(stages.denominated, "cargo") == [1, 2, 3]
    assert column(stages.imputed, "speed") == [30, 20, 10]
    assert column(stages.normalised, "cargo") == [25, 50, 75]
    assert column(stages.normalised, "speed") == [75, 50, 25]
    assert column(stages.normalised, "cost") == [100, 80, 20]
    # service: (3 × 25 + 75) ÷ 4, 50, (3 × 75 + 25) ÷ 4
    assert column(stages.aggregated, "service") == [37.5, 50, 62.5]
    assert column(stages.aggregated, "ship") == [68.75, 65, 41.25]
    assert column(stages.ranks, "ship") == [1, 2, 3]
    assert stages.ranks.schema["ship"] == pl.Int64
    assert column(stages.treatments, "treatment") == ["none"] * 3


def test_p18_an_unknown_value_is_null_in_every_table_and_withholds_the_score():
    stages = compute(index(), TABLE)

    assert column(stages.aggregated, "ship") == [68.75, None, 41.25]
    assert column(stages.ranks, "ship") == [1, None, 2]
    for frame in (stages.denominated, stages.imputed, stages.treated, stages.normalised, stages.aggregated):
        assert not any(isinstance(x, float) and math.isnan(x) for row in frame.iter_rows() for x in row)


def test_a_lower_threshold_on_one_level():
    how = {"service": Aggregation(minimum_availability=0.5), "ship": Aggregation()}

    assert column(compute(index(aggregation=how), TABLE).aggregated, "service") == [37.5, 50, 62.5]


def test_screened_units_are_left_out_and_told():
    stages = compute(index(screening=Screening(minimum_availability=1.0)), TABLE)

    assert column(stages.screening, "is_included") == [True, False, True]
    assert column(stages.aggregated, "unit") == ["ann", "cid"]


def test_imputation_by_group_by_row_and_by_category():
    by_fleet = compute(index(imputation=Imputation("mean", groups="fleet")), TABLE)
    by_row = compute(index(imputation=Imputation("mean", "row")), TABLE)
    by_category = compute(index(imputation=Imputation("mean", "category")), TABLE)

    assert column(by_fleet.imputed, "speed") == [30, 30, 10]
    # bob: cargo ½, cost ¾; so speed at 10 + ⅝ × 20 by row, 10 + ½ × 20 within service
    assert column(by_row.imputed, "speed") == [30, 22.5, 10]
    assert column(by_category.imputed, "speed") == [30, 20, 10]


@pytest.mark.parametrize(
    ("changes", "is_relative"),
    [
        ({}, False),
        ({"normalisation": Normalisation("rank")}, True),
        ({"imputation": Imputation("mean")}, True),
        ({"treatment": Treatment()}, True),
        ({"aggregation": {"service": Aggregation(), "ship": Aggregation("copeland")}}, True),
    ],
)
def test_relative_views_are_labelled(changes: dict, is_relative: bool):
    assert index(**changes).is_relative == is_relative
    assert index(**changes).basis == ("relative to the units present" if is_relative else "goalposts")
    assert compute(index(), TABLE).basis == "goalposts"


def test_other_weights():
    stages = compute(index().reweighted({"cargo": 1, "service": 3}), TABLE)

    assert column(stages.aggregated, "service") == [50, None, 50]
    assert column(stages.aggregated, "ship") == [62.5, None, 42.5]  # (3 × 50 + 100) ÷ 4


def test_w17_an_indicator_of_weight_zero_is_left_out():
    # entropy weights give a constant indicator 0, which no mean takes
    light = index().reweighted({"cargo": 1, "speed": 0})

    assert light.names == ("cargo", "cost")
    assert column(compute(light, TABLE).aggregated, "service") == [25, 50, 75]


def test_leaving_out():
    assert index().without("speed").names == ("cargo", "cost")
    # a group goes with all that belongs to it, and an empty group goes too
    assert index().without("service").names == ("cost",)
    assert index().without("cargo", "speed").groups == (Group("ship", {"cost": 1}),)
    with pytest.raises(UndefinedIndex, match="nothing would be left"):
        index().without("ship")
    with pytest.raises(UndefinedIndex, match="nothing would be left"):
        index().without("service", "cost")


@pytest.mark.parametrize(
    ("changes", "table", "faults"),
    [
        ({}, TABLE.drop("crew", "cost"), ["the table has no column cost", "the table has no column crew"]),
        (
            {},
            pl.concat([TABLE, TABLE.head(1)]),
            ["ann has more than one row; take one period at a time"],  # years are not units
        ),
        ({"imputation": Imputation("mean", groups="flag")}, TABLE, ["the table has no column flag"]),
        ({"screening": Screening(2.0)}, TABLE, ["no unit is left; lower the limits or complete the data"]),
        ({}, TABLE.with_columns(crew=pl.lit(0.0)), ["cargo: denominator not above zero"]),
        ({}, TABLE.with_columns(cost=pl.lit(math.inf)), ["cost: infinite value"]),
        (
            {"normalisation": Normalisation("min_max")},
            TABLE.with_columns(cost=pl.lit(7.0), speed=pl.lit(None)),
            ["speed: no observation", "cost: constant column"],
        ),
        ({"normalisation": Normalisation("z_score")}, TABLE.head(1), ["cargo: single observation"]),
        ({"aggregation": Aggregation("geometric")}, TABLE.with_columns(cost=pl.lit(10.0)), ["geometric mean of zero"]),
    ],
)
def test_p18_what_is_not_defined_is_refused_by_name_and_all_at_once(changes: dict, table: pl.DataFrame, faults: list):
    with pytest.raises(UndefinedIndex) as refusal:
        compute(index(**changes), table)

    assert all(fault in str(refusal.value) for fault in faults)


@pytest.mark.parametrize(
    ("groups", "fault"),
    [
        ((Group("ship", {"cargo": 1, "speed": 1}),), "cost is a member of 0 groups"),
        ((Group("ship", {"cargo": 1, "speed": 1, "cost": 1, "luck": 1}),), "luck is neither an indicator nor a group"),
        (
            (Group("service", {"cargo": 1, "speed": 1}), Group("ship", {"cost": 1})),
            "service has no parent",
        ),
    ],
)
def test_a_structure_that_does_not_hold_together_is_refused(groups: tuple, fault: str):
    with pytest.raises(UndefinedIndex, match=fault):
        Index(INDICATORS, groups)


def test_names_stand_for_one_thing_and_groups_know_their_mean():
    with pytest.raises(UndefinedIndex, match="cost stands for 2 indicators or groups"):
        Index((*INDICATORS, INDICATORS[2]), GROUPS)
    with pytest.raises(UndefinedIndex, match="ship has no aggregation"):
        index(aggregation={"service": Aggregation()})
    for change in (lambda: index().without("luck"), lambda: index().reweighted({"luck": 1})):
        with pytest.raises(UndefinedIndex, match="luck is neither an indicator nor a group"):
            change()


def test_the_index_of_a_methodology_scores_as_its_scorecards_do(
    indicators: Callable[..., pl.DataFrame], methodology: Methodology, catalogue: pl.DataFrame
):
    sites = [
        indicators(theoretical_efficiency={"value": 100.0 * number}, affordability={"value": 200.0 - 30 * number})
        for number in range(1, 4)
    ]
    rows = pl.concat([frame.with_columns(site_id=pl.lit(f"s{number}")) for number, frame in enumerate(sites)])

    stages = compute(Index.of(methodology), table_of(judge(rows, methodology)))

    scorecards = score(rows, methodology, catalogue)
    assert column(stages.aggregated, "site_id") == scorecards.composites["site_id"].to_list()
    assert column(stages.aggregated, COMPOSITE) == pytest.approx(scorecards.composites["score"].to_list(), abs=1e-12)
    for dimension in methodology.dimensions:
        of_dimension = scorecards.dimensions.filter(dimension=dimension.dimension)["score"].to_list()
        assert column(stages.aggregated, dimension.dimension) == pytest.approx(of_dimension, abs=1e-12)
    assert stages.basis == "goalposts"


def test_periods_are_not_units(indicators: Callable[..., pl.DataFrame], methodology: Methodology):
    quarter = indicators()
    year = quarter.with_columns(period=pl.lit("2023"))

    with pytest.raises(UndefinedIndex, match="expected one period, got 2023, 2023Q2"):
        table_of(judge(pl.concat([quarter, year]), methodology))
