"""An index: any table of indicators made into one score, step by step, on any number of levels.

The steps are those of the OECD/JRC handbook (doi 10.1787/9789264043466-en) as COINr orders them: denominate, screen,
impute, treat, normalise, weigh and aggregate, rank. Scorecards take the short way, goalposts alone, and need none of
the others; an index serves the relative views beside them, and uncertainty and sensitivity analysis of both.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
import polars as pl

from suanheng.config.errors import SuanhengError
from suanheng.transforms.analysis.table_steps import (
    Imputation,
    Screening,
    Treatment,
    denominate,
    impute,
    impute_rows,
    screen,
    treat,
)
from suanheng.transforms.scoring.aggregate import Aggregation, Group, aggregate_levels, by_level
from suanheng.transforms.scoring.methodology import Methodology
from suanheng.transforms.scoring.normalise import Normalisation, Yardstick, normalise, rank
from suanheng.transforms.scoring.values import UndefinedScore, Values, as_values

COMPOSITE = "composite"
"""Name of the top of an index that is made from a methodology."""

UNTREATED = Treatment(winsorise_at_most=0, otherwise="none")

Columns: TypeAlias = Mapping[str, Values]
"""Indicators by name; each has the units along the first axis."""


class UndefinedIndex(SuanhengError):
    """Raised where a step is not defined on some indicators; names the step and every indicator.

    Args:
        step: what was being done.
        faults: what is not defined, one sentence each.
    """

    def __init__(self, step: str, faults: list[str]) -> None:
        super().__init__(f"cannot {step}:\n" + "\n".join(f"  - {fault}" for fault in faults))
        self.step = step
        self.faults = faults


@dataclass(frozen=True)
class Indicator:
    """One indicator of an index.

    Attributes:
        name: its column in the table.
        yardstick: direction and goalposts.
        denominator: column of the table with the size that it is divided by.
    """

    name: str
    yardstick: Yardstick = field(default_factory=Yardstick)
    denominator: str | None = None


@dataclass(frozen=True)
class Index:
    """How a table becomes a composite.

    Attributes:
        indicators: the indicators.
        groups: parents and the weights of their members, a member always before the group it belongs to; the last one
            is the index itself.
        unit: column of the table that names the unit.
        screening: which units are left out.
        imputation: how gaps are filled.
        treatment: how outliers are treated.
        normalisation: how columns become points.
        aggregation: how members become parents: one for all groups, or one by the name of each group.
    """

    indicators: tuple[Indicator, ...]
    groups: tuple[Group, ...]
    unit: str = "unit"
    screening: Screening = field(default_factory=Screening)
    imputation: Imputation = field(default_factory=Imputation)
    treatment: Treatment = UNTREATED
    normalisation: Normalisation = field(default_factory=Normalisation)
    aggregation: Aggregation | Mapping[str, Aggregation] = field(default_factory=Aggregation)

    def __post_init__(self) -> None:
        members = [member for group in self.groups for member in group.weights]
        known = {*self.names, *(group.name for group in self.groups)}
        faults = [
            *(f"{name} stands for {times} indicators or groups" for name, times in self._named().items() if times > 1),
            *(f"{name} has no aggregation" for name in self._without_aggregation()),
            *(f"{name} is a member of {members.count(name)} groups" for name in self.names if members.count(name) != 1),
            *(f"{name} is neither an indicator nor a group" for name in members if name not in known),
            *(f"{group.name} has no parent" for group in self.groups[:-1] if members.count(group.name) != 1),
        ]
        if faults:
            raise UndefinedIndex("make an index of these groups", faults)

    def _named(self) -> Counter[str]:
        return Counter([*self.names, *(group.name for group in self.groups)])

    def _without_aggregation(self) -> list[str]:
        stated = self.aggregation
        return [] if isinstance(stated, Aggregation) else [g.name for g in self.groups if g.name not in stated]

    @classmethod
    def of(cls, methodology: Methodology, unit: str = "site_id") -> "Index":
        """The index that scores as a methodology does where every indicator is scored."""
        indicators = tuple(
            Indicator(each.indicator, Yardstick(each.better, each.at_0.value, each.at_100.value))
            for each in methodology.indicators
        )
        dimensions = tuple(
            Group(each.dimension, {member.indicator: member.weight for member in each.indicators})
            for each in methodology.dimensions
        )
        top = Group(COMPOSITE, {each.dimension: each.weight for each in methodology.dimensions})
        groups = (*dimensions, top)
        aggregation = by_level(groups, (methodology.of_indicators, methodology.of_dimensions))
        return cls(indicators, groups, unit, aggregation=aggregation)

    @property
    def names(self) -> tuple[str, ...]:
        """The indicators' names, in order."""
        return tuple(indicator.name for indicator in self.indicators)

    @property
    def top(self) -> str:
        """Name of the index itself."""
        return self.groups[-1].name

    @property
    def is_relative(self) -> bool:
        """Whether scores depend on the other units present, so that adding one moves those of the others."""
        return (
            self.normalisation.is_relative
            or self.imputation.method != "none"
            or self.treatment != UNTREATED
            or any(self.how(group.name).is_relative for group in self.groups)
        )

    @property
    def basis(self) -> str:
        """Label of the scores: what they are relative to."""
        return "relative to the units present" if self.is_relative else "goalposts"

    def how(self, group: str) -> Aggregation:
        """How the members of a group are aggregated."""
        return self.aggregation if isinstance(self.aggregation, Aggregation) else self.aggregation[group]

    def reweighted(self, weights: Mapping[str, float]) -> "Index":
        """The same index with other weights of some names in their groups; a name of weight 0 is left out.

        Raises:
            UndefinedIndex: a name is not in the index, or nothing is left.
        """
        self._require(weights)
        groups = [
            Group(each.name, {name: weights.get(name, weight) or weight for name, weight in each.weights.items()})
            for each in self.groups
        ]
        return replace(self, groups=tuple(groups)).without(*(name for name, weight in weights.items() if weight == 0))

    def without(self, *names: str) -> "Index":
        """The same index without some indicators or groups, all that belongs to them, and groups left empty.

        Raises:
            UndefinedIndex: a name is not in the index, or nothing is left.
        """
        self._require(names)
        gone = set(names)
        for group in reversed(self.groups):
            gone |= set(group.weights) if group.name in gone else set()
        kept = []
        for group in self.groups:
            weights = {name: weight for name, weight in group.weights.items() if name not in gone}
            if group.name not in gone and weights:
                kept.append(Group(group.name, weights))
            else:
                gone.add(group.name)
        if self.top in gone:
            raise UndefinedIndex(f"leave out {', '.join(names)}", ["nothing would be left of the index"])
        indicators = tuple(each for each in self.indicators if each.name not in gone)
        return replace(self, groups=tuple(kept), indicators=indicators)

    def _require(self, names: Iterable[str]) -> None:
        if unknown := [f"{name} is neither an indicator nor a group" for name in names if not self._named()[name]]:
            raise UndefinedIndex("change the index", unknown)


@dataclass(frozen=True)
class Stages:
    """What each step made of a table; one row per included unit, unknown numbers are null.

    Attributes:
        screening: one row per unit of the table: see ``screen``.
        denominated: indicators divided by their sizes.
        imputed: with gaps filled.
        treated: with outliers treated.
        treatments: one row per indicator: indicator, treatment, raised, lowered.
        normalised: in points.
        aggregated: scores of all groups.
        ranks: ranks of all groups, 1 is best, of unrounded scores.
        basis: what the scores are relative to.
    """

    screening: pl.DataFrame
    denominated: pl.DataFrame
    imputed: pl.DataFrame
    treated: pl.DataFrame
    treatments: pl.DataFrame
    normalised: pl.DataFrame
    aggregated: pl.DataFrame
    ranks: pl.DataFrame
    basis: str


def compute(index: Index, table: pl.DataFrame) -> Stages:
    """Make an index of a table and show every step.

    Args:
        index: how.
        table: one row per unit: its name, its indicators, and the sizes and groups that the index names.

    Raises:
        UndefinedIndex: a column is missing, or a step is not defined on an indicator.
    """
    screening, included = screened(index, table)
    denominated = denominated_columns(index, included)
    imputed = imputed_columns(index, included, denominated)
    treatments = _on_each(index, imputed, "treat", lambda name, values: treat(values, index.treatment))
    treated = {name: treatments[name].values for name in index.names}
    normalised = normalised_columns(index, treated)
    aggregated = aggregated_columns(index, normalised)
    units = included[index.unit]
    return Stages(
        screening=screening,
        denominated=_frame(units, denominated),
        imputed=_frame(units, imputed),
        treated=_frame(units, treated),
        treatments=pl.DataFrame(
            {
                "indicator": list(index.names),
                "treatment": [str(treatments[name].treatment) for name in index.names],
                "raised": [int(treatments[name].raised) for name in index.names],
                "lowered": [int(treatments[name].lowered) for name in index.names],
            }
        ),
        normalised=_frame(units, normalised),
        aggregated=_frame(units, aggregated),
        ranks=_frame(units, {name: rank(scores) for name, scores in aggregated.items()}).with_columns(
            pl.col(list(aggregated)).cast(pl.Int64)
        ),
        basis=index.basis,
    )


def screened(index: Index, table: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The judgement on every unit, and the table of those that stay.

    Raises:
        UndefinedIndex: a column is missing, a unit appears twice, or no unit is left.
    """
    sizes = {each.denominator for each in index.indicators if each.denominator}
    named = [index.unit, *index.names, *sorted(sizes), *([index.imputation.groups] if index.imputation.groups else [])]
    faults = [f"the table has no column {name}" for name in named if name not in table.columns]
    if not faults and table[index.unit].is_duplicated().any():
        twice = table.filter(pl.col(index.unit).is_duplicated())[index.unit].unique(maintain_order=True).to_list()
        faults = [f"{unit} has more than one row; take one period at a time" for unit in twice]
    if faults:
        raise UndefinedIndex("read the table", faults)
    judgement = screen(table, index.unit, index.names, index.screening)
    included = table.filter(judgement["is_included"])
    if included.is_empty():
        raise UndefinedIndex("screen the units", ["no unit is left; lower the limits or complete the data"])
    return judgement, included


def denominated_columns(index: Index, table: pl.DataFrame) -> dict[str, Values]:
    """Indicators divided by their sizes; those without a size as they are."""
    sizes = {each.name: each.denominator for each in index.indicators}
    raw = {name: as_values(table[name].cast(pl.Float64)) for name in index.names}

    def divided(name: str, values: Values) -> Values:
        size = sizes[name]
        if np.isinf(values).any():
            raise UndefinedScore("infinite value", "it has no place among others; correct it or make it unknown")
        return denominate(values, as_values(table[size].cast(pl.Float64))) if size else values

    return _on_each(index, raw, "denominate", divided)


def imputed_columns(index: Index, table: pl.DataFrame, columns: Columns) -> dict[str, Values]:
    """Indicators with their gaps filled."""
    how = index.imputation
    if how.method == "none":
        return dict(columns)
    if how.by == "column":
        groups = table[how.groups].to_list() if how.groups else None
        return _on_each(index, columns, "impute", lambda name, values: impute(values, how.method, groups))
    parents = {member: group.name for group in index.groups for member in group.weights}
    categories = {name: parents[name] if how.by == "category" else "" for name in index.names}
    better = {each.name: each.yardstick.better for each in index.indicators}
    try:
        return impute_rows(columns, better, how.method, categories)
    except UndefinedScore as error:
        raise UndefinedIndex("impute by row", [str(error)]) from error


def treated_columns(index: Index, columns: Columns) -> dict[str, Values]:
    """Indicators with their outliers treated."""
    if index.treatment == UNTREATED:
        return dict(columns)
    return _on_each(index, columns, "treat", lambda name, values: treat(values, index.treatment).values)


def normalised_columns(index: Index, columns: Columns) -> dict[str, Values]:
    """Indicators in points."""
    yardsticks = {each.name: each.yardstick for each in index.indicators}
    return _on_each(
        index,
        columns,
        f"normalise by {index.normalisation.method}",
        lambda name, values: normalise(values, index.normalisation, yardsticks[name]),
    )


def aggregated_columns(
    index: Index, columns: Columns, weights: Mapping[str, Values] | None = None
) -> dict[str, Values]:
    """Scores of all groups; see ``aggregate_levels``."""
    try:
        return aggregate_levels(columns, index.groups, index.aggregation, weights)
    except UndefinedScore as error:
        raise UndefinedIndex("aggregate", [str(error)]) from error


def _on_each(index: Index, columns: Columns, doing: str, step: Callable[[str, Values], Any]) -> dict[str, Any]:
    """A step on every indicator; what is not defined is collected and refused together."""
    done, faults = {}, []
    for name in index.names:
        try:
            done[name] = step(name, columns[name])
        except UndefinedScore as error:
            faults.append(f"{name}: {error}")
    if faults:
        raise UndefinedIndex(doing, faults)
    return done


def _frame(units: pl.Series, columns: Columns) -> pl.DataFrame:
    """Columns beside their units; what is unknown becomes null."""
    numbers = [pl.Series(name, values).fill_nan(None) for name, values in columns.items()]
    return pl.DataFrame([units, *numbers])


def table_of(judged: pl.DataFrame) -> pl.DataFrame:
    """The table of one period: a row per site, a column per indicator; an indicator that is not scored is null.

    Args:
        judged: rows of ``judge`` of one period.

    Raises:
        UndefinedIndex: the rows are of several periods.
    """
    if judged["period"].n_unique() > 1:
        periods = ", ".join(judged["period"].unique().sort())
        raise UndefinedIndex("make a table", [f"expected one period, got {periods}; units are sites, not periods"])
    scored = judged.with_columns(value=pl.when("is_scored").then("value"))
    return scored.pivot(on="indicator", index="site_id", values="value").sort("site_id")
