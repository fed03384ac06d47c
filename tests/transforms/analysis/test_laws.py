"""Laws of scoring that hold for every table: of indices on two levels and of scorecards."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from suanheng.transforms.analysis.index import Index, Indicator, compute
from suanheng.transforms.scoring.aggregate import Aggregation, Group
from suanheng.transforms.scoring.methodology import Methodology
from suanheng.transforms.scoring.normalise import Normalisation, Yardstick
from suanheng.transforms.scoring.scorecard import Scorecards, score

NAMES = ("a", "b", "c", "d", "e")
GOALPOSTS = {"a": (0, 10), "b": (10, 0), "c": (-5, 5), "d": (3, 7), "e": (100, -100)}
GROUPS = (
    Group("left", {"a": 1, "b": 2}),
    Group("right", {"c": 1, "d": 1, "e": 3}),
    Group("top", {"left": 2, "right": 1}),
)
HOW = st.sampled_from(
    [
        Aggregation(),
        Aggregation("geometric", lowest=1),
        Aggregation("harmonic", lowest=1),
        Aggregation("generalised", lowest=1, exponent=-3),
        Aggregation("generalised", lowest=1, exponent=0.5),
        Aggregation(minimum_availability=0.5),
    ]
)
VALUE = st.one_of(st.none(), st.integers(-120, 120).map(lambda tenths: tenths / 10))
TABLES = st.lists(st.tuples(*[VALUE] * len(NAMES)), min_size=1, max_size=8).map(
    lambda rows: pl.DataFrame(
        [(f"s{number}", *row) for number, row in enumerate(rows)],
        schema={"unit": pl.String, **dict.fromkeys(NAMES, pl.Float64)},
        orient="row",
    )
)
FULL_TABLES = TABLES.map(lambda table: table.fill_null(0.0))


def index(how: Aggregation, goalposts: dict = GOALPOSTS, groups: tuple = GROUPS, names: tuple = NAMES) -> Index:
    def yardstick(name: str) -> Yardstick:
        at_0, at_100 = goalposts[name]
        return Yardstick("higher" if at_100 > at_0 else "lower", at_0, at_100)

    return Index(tuple(Indicator(name, yardstick(name)) for name in names), groups, aggregation=how)


def scores(of: Index, table: pl.DataFrame) -> dict[str, float | None]:
    aggregated = compute(of, table).aggregated
    return dict(zip(aggregated["unit"], aggregated["top"], strict=True))


@given(table=TABLES, how=HOW, seed=st.integers(0, 1000))
def test_the_order_of_sites_and_indicators_changes_not_even_the_last_digit(table: pl.DataFrame, how, seed: int):
    shuffle = np.random.default_rng(seed).permutation
    names = tuple(shuffle(NAMES).tolist())
    groups = tuple(
        Group(group.name, {name: group.weights[name] for name in shuffle(list(group.weights))}) for group in GROUPS
    )
    shuffled = table.select("unit", *names)[shuffle(table.height).tolist()]

    assert scores(index(how, groups=groups, names=names), shuffled) == scores(index(how), table)


@given(table=FULL_TABLES, how=HOW, method=st.sampled_from(["min_max", "rank", "percentile"]), seed=st.integers(0, 1000))
def test_the_order_of_sites_changes_no_relative_view(table: pl.DataFrame, how, method: str, seed: int):
    assume(all(table[name].n_unique() > 1 for name in NAMES))
    relative = replace(index(how), normalisation=Normalisation(method))
    shuffled = table[np.random.default_rng(seed).permutation(table.height).tolist()]

    assert scores(relative, shuffled) == pytest.approx(scores(relative, table))


@given(table=TABLES, how=HOW, name=st.sampled_from(NAMES), factor=st.sampled_from([1e-3, 1e3, 3.6, 1 / 3.6]))
def test_another_unit_of_an_indicator_and_its_goalposts_changes_no_score(table: pl.DataFrame, how, name, factor: float):
    at_0, at_100 = GOALPOSTS[name]
    goalposts = {**GOALPOSTS, name: (at_0 * factor, at_100 * factor)}
    scaled = table.with_columns(pl.col(name) * factor)

    assert scores(index(how, goalposts), scaled) == pytest.approx(scores(index(how), table))


@given(table=TABLES, how=HOW)
def test_scores_lie_between_0_and_100_on_every_level(table: pl.DataFrame, how):
    stages = compute(index(how), table)

    for frame in (stages.normalised, stages.aggregated):
        values = frame.drop("unit").unpivot()["value"].drop_nulls()
        assert values.is_between(0, 100 + 1e-12).all()


@given(table=FULL_TABLES)
def test_harmonic_at_most_geometric_at_most_arithmetic_on_two_levels(table: pl.DataFrame):
    harmonic, geometric, arithmetic = (
        scores(index(Aggregation(method, lowest=1)), table) for method in ("harmonic", "geometric", "arithmetic")
    )

    for unit in table["unit"]:
        assert harmonic[unit] <= geometric[unit] + 1e-9
        assert geometric[unit] <= arithmetic[unit] + 1e-9


@given(table=FULL_TABLES, how=HOW, name=st.sampled_from(NAMES), step=st.floats(0, 20))
def test_a_better_value_never_lowers_a_score(table: pl.DataFrame, how, name: str, step: float):
    at_0, at_100 = GOALPOSTS[name]
    better = table.with_columns(pl.col(name) + (step if at_100 > at_0 else -step))

    before, after = scores(index(how), table), scores(index(how), better)

    assert all(after[unit] >= before[unit] - 1e-9 for unit in before)


@given(table=TABLES, newcomers=TABLES, how=HOW)
def test_goalposts_are_frozen_a_newcomer_moves_no_score(table: pl.DataFrame, newcomers: pl.DataFrame, how):
    together = pl.concat([table, newcomers.with_columns(unit=pl.format("new {}", "unit"))])

    alone, beside = scores(index(how), table), scores(index(how), together)

    assert {unit: beside[unit] for unit in alone} == alone
    assert compute(index(how), together).basis == "goalposts"


def test_a_newcomer_moves_relative_scores_and_the_label_says_so():
    relative = replace(index(Aggregation()), normalisation=Normalisation("percentile"))
    row = {"unit": "s", **dict.fromkeys(NAMES, 1.0)}
    table = pl.DataFrame([{**row, "unit": f"s{n}", "a": float(n), "b": n, "c": n, "d": n, "e": n} for n in range(3)])
    newcomer = table.tail(1).with_columns(unit=pl.lit("new"), a=pl.lit(9.0), d=pl.lit(9, dtype=pl.Int64))

    alone = compute(relative, table)
    beside = compute(relative, pl.concat([table, newcomer]))

    assert alone.basis == beside.basis == "relative to the units present"
    assert alone.aggregated["top"].to_list() != beside.aggregated["top"].head(3).to_list()


SHARE = st.integers(0, 1000).map(lambda thousandths: thousandths / 1000)
SCORED = ("compatibility", "resource_utilisation", "demand_fulfilment", "ecosystem_openness")
SITES = st.lists(st.fixed_dictionaries(dict.fromkeys(SCORED, SHARE)), min_size=2, max_size=4)
IN_ONE_TEST = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)

Indicators = Callable[..., pl.DataFrame]


@pytest.fixture
def scored(methodology: Methodology, catalogue: pl.DataFrame) -> Callable[[pl.DataFrame], Scorecards]:
    return lambda rows: score(rows, methodology, catalogue)


def of(indicators: Indicators, site: str, values: dict[str, float]) -> pl.DataFrame:
    return indicators(**{name: {"value": value} for name, value in values.items()}).with_columns(site_id=pl.lit(site))


@IN_ONE_TEST
@given(sites=SITES)
def test_adding_a_site_moves_no_scorecard(indicators: Indicators, scored, sites: list[dict]):
    rows = [of(indicators, f"s{number}", values) for number, values in enumerate(sites)]

    together = scored(pl.concat(rows))

    first = scored(rows[0])
    assert together.composites.filter(site_id="s0").equals(first.composites)
    assert together.dimensions.filter(site_id="s0").equals(first.dimensions)


@IN_ONE_TEST
@given(sites=SITES)
def test_adding_a_quarter_moves_no_scorecard(indicators: Indicators, scored, sites: list[dict]):
    rows = [
        of(indicators, "s", values).with_columns(
            period=pl.lit(f"202{number}Q2"),
            period_start=pl.lit(date(2020 + number, 4, 1)),
            period_end=pl.lit(date(2020 + number, 7, 1)),
        )
        for number, values in enumerate(sites)
    ]

    together = scored(pl.concat(rows[::-1]))

    assert together.composites.filter(period="2020Q2").equals(scored(rows[0]).composites)


@IN_ONE_TEST
@given(sites=SITES, coverages=st.tuples(SHARE, SHARE))
def test_more_coverage_never_widens_a_scorecards_interval(
    indicators: Indicators, scored, sites: list, coverages: tuple
):
    less, more = (
        scored(
            of(indicators, "s", sites[0]).with_columns(
                coverage=pl.when(indicator="resource_utilisation").then(pl.lit(coverage)).otherwise("coverage")
            )
        ).composites
        for coverage in sorted(coverages)
    )

    assert less["score_low"].item() <= more["score_low"].item() + 1e-9
    assert more["score_high"].item() <= less["score_high"].item() + 1e-9
