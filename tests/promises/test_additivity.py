"""Promise 6: three months summed are the quarter, exactly, for every indicator (ratio of sums)."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import suanheng.transforms
from suanheng.schemas.tables.facts import MONTHLY_FACTS, PERIOD_FACTS
from suanheng.schemas.tables.reference import EVIDENCE
from suanheng.schemas.tables.spine import CATALOGUE, SITE_MONTHS, SITE_PERIODS
from suanheng.transforms.building.periods import add_months
from suanheng.transforms.definitions.catalogue import catalogue
from suanheng.transforms.scoring.methodology import load
from suanheng.warehouse.tables import sql_type

FILL = (Path(suanheng.transforms.__file__).parent / "indicators" / "all.sql").read_text(encoding="utf-8")
MONTHS = [date(2023, month, 1) for month in range(1, 13)]

# Up to fifteen digits before the point and nine behind it: sums of these are not exact in floating point.
AMOUNT = st.integers(-(10**24), 10**24).map(lambda units: Decimal(units).scaleb(-9))
KNOWN_OR_NOT = st.one_of(st.none(), st.tuples(AMOUNT, AMOUNT))


def summed(amounts: list[Decimal | None]) -> Decimal | None:
    """Sum of what is known; unknown where nothing is."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if known else None


def test_additivity_of_every_indicator_over_months_quarters_and_the_year(built_once) -> None:
    sums = {}
    for kind, indicator, period, numerator, denominator in built_once.ask(
        'SELECT period_kind, indicator, period, numerator, denominator FROM indicators."all" '
        "WHERE indicator IN (SELECT DISTINCT indicator FROM indicators.monthly_facts)"
    ).iter_rows():
        sums.setdefault((kind, indicator), {})[period] = (numerator, denominator)
    indicators = {indicator for _, indicator in sums}

    for indicator in indicators:
        months, quarters, years = (sums[kind, indicator] for kind in ("month", "quarter", "year"))
        for part in (0, 1):
            of_months = [months[f"2023-{month:02}"][part] for month in range(1, 7)]
            of_quarters = [quarters["2023Q1"][part], quarters["2023Q2"][part]]
            assert of_quarters == [summed(of_months[:3]), summed(of_months[3:])], indicator
            assert years["2023"][part] == summed(of_quarters), indicator
    assert len(indicators) >= 30


@pytest.mark.parametrize("indicator", [scored.indicator for scored in load("hqc-2024").indicators])
def test_each_scored_indicator_agrees_over_months_quarters_and_the_year_through_sums(built_once, indicator) -> None:
    """All twelve have facts in every month, and what a quarter or the year says follows from its months alone."""
    rows = built_once.ask(
        "SELECT period, numerator, denominator, window_numerator, window_denominator, value "
        'FROM indicators."all" WHERE indicator = ?',
        indicator,
    )
    said = {period: figures for period, *figures in rows.iter_rows()}
    months = [f"2023-{month:02}" for month in range(1, 7)]
    assert all(said[month][0] is not None and said[month][1] > 0 for month in months)
    for period, parts in (("2023Q1", months[:3]), ("2023Q2", months[3:]), ("2023", months)):
        numerator, denominator = (sum((said[month][part] for month in parts), Decimal(0)) for part in (0, 1))
        assert said[period][:2] == [numerator, denominator], period
        # A trailing year looks back beyond its period: to the end of March it holds January to March as well.
        seen = [month for month in months if month <= parts[-1]] if _is_trailing(indicator) else parts
        assert said[period][2:4] == [sum((said[month][part] for month in seen), Decimal(0)) for part in (0, 1)], period
        assert said[period][4] == float(said[period][2]) / float(said[period][3]), period


def _is_trailing(indicator: str) -> bool:
    return any(
        entry["indicator"] == indicator and entry["window"] == "trailing year" for entry in catalogue().to_dicts()
    )


def test_p10_every_value_is_the_sum_of_its_months_over_the_sum_of_its_months(built_once) -> None:
    """Means of means would give another value wherever months weigh unlike; the quotient of sums is the direct one."""
    rows = built_once.ask(
        'SELECT indicator, window_start, window_end, value, window_numerator, window_denominator FROM indicators."all" '
        "WHERE value IS NOT NULL AND indicator IN (SELECT indicator FROM indicators.monthly_facts)"
    )
    facts = built_once.ask("SELECT indicator, month_start, numerator, denominator FROM indicators.monthly_facts")
    for indicator, start, end, value, numerator, denominator in rows.iter_rows():
        in_window = (
            (pl.col("indicator") == indicator) & (pl.col("month_start") >= start) & (pl.col("month_start") < end)
        )
        months = facts.filter(in_window)
        assert numerator == summed(months["numerator"].to_list()), (indicator, start, end)
        assert denominator == summed(months["denominator"].to_list()), (indicator, start, end)
        assert value == float(numerator) / float(denominator), (indicator, start, end)
    lengths = rows.select("indicator", months=(pl.col("window_end") - pl.col("window_start")).dt.total_days() // 28)
    assert lengths["indicator"].n_unique() >= 25
    assert {1, 3} <= set(lengths["months"])


def test_p10_a_ratio_of_sums_is_not_the_mean_of_ratios(fill) -> None:
    # 1/10 in a small month and 900/1000 in a large one, by hand: 901/1010 = 0.892, where the mean of both is 0.5.
    for month, numerator, denominator in ((MONTHS[0], 1, 10), (MONTHS[1], 900, 1000)):
        fill.execute(
            "INSERT INTO indicators.monthly_facts (site_id, indicator, month_start, numerator, denominator) "
            "VALUES ('a', 'pue', ?, ?, ?)",
            [month, Decimal(numerator), Decimal(denominator)],
        )
    rows = fill.execute(FILL).pl()
    quarter = rows.filter(period_kind="quarter", period_start=MONTHS[0]).row(0, named=True)
    year = rows.filter(period_kind="year").row(0, named=True)
    assert quarter["value"] == year["value"] == pytest.approx(901 / 1010, rel=1e-15)


@pytest.fixture
def fill() -> Iterator[duckdb.DuckDBPyConnection]:
    """The tables that the fill reads: one site, the year 2023, one indicator; no facts yet."""
    connection = duckdb.connect()
    for stage in ("reference", "indicators"):
        connection.execute(f"CREATE SCHEMA {stage}")
    for stage, contract in (
        ("indicators", MONTHLY_FACTS),
        ("indicators", PERIOD_FACTS),
        ("reference", SITE_MONTHS),
        ("reference", SITE_PERIODS),
        ("reference", CATALOGUE),
        ("reference", EVIDENCE),
    ):
        columns = ", ".join(f'"{name}" {sql_type(dtype)}' for name, dtype in contract.dtypes().items())
        connection.execute(f"CREATE TABLE {stage}.{contract.name} ({columns})")
    connection.execute(
        "INSERT INTO reference.indicators BY NAME SELECT 'pue' AS indicator, 'period' AS \"window\", 'no bill' AS gap"
    )
    for month in MONTHS:
        connection.execute("INSERT INTO reference.site_months (site_id, month_start) VALUES ('a', ?)", [month])
    for kind, length in (("month", 1), ("quarter", 3), ("year", 12)):
        for start in MONTHS[::length]:
            connection.execute(
                "INSERT INTO reference.site_periods VALUES ('a', ?, ?, ?, ?, ?)",
                [f"{kind} {start}", kind, start, add_months(start, length), add_months(start, length - 1)],
            )
    for name, value in (
        ("site_id", "a"),
        ("period_start", MONTHS[0]),
        ("period_end", date(2024, 1, 1)),
        ("as_of", date(2024, 1, 1)),
    ):
        connection.execute(f"SET VARIABLE {name} = ?", [value])
    yield connection
    connection.close()


def test_additivity_of_any_monthly_facts(fill) -> None:
    @settings(max_examples=40, deadline=None)
    @given(facts=st.lists(KNOWN_OR_NOT, min_size=12, max_size=12), order=st.permutations(range(12)))
    def holds(facts: list[tuple[Decimal, Decimal] | None], order: list[int]) -> None:
        fill.execute("DELETE FROM indicators.monthly_facts")
        for index in order:
            numerator, denominator = facts[index] or (None, None)
            fill.execute(
                "INSERT INTO indicators.monthly_facts (site_id, indicator, month_start, numerator, denominator) "
                "VALUES ('a', 'pue', ?, ?, ?)",
                [MONTHS[index], numerator, denominator],
            )

        rows = fill.execute(FILL).pl()

        for length, kind in ((1, "month"), (3, "quarter"), (12, "year")):
            filled = rows.filter(pl.col("period_kind") == kind).sort("period_start")
            for part, column in enumerate(("numerator", "denominator")):
                expected = [
                    summed([fact and fact[part] for fact in facts[start : start + length]])
                    for start in range(0, 12, length)
                ]
                assert filled[column].to_list() == expected

    holds()
