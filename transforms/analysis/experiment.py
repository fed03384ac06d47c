"""Experiment: an index of a table that can be drawn, with everything that is uncertain about it.

Each uncertain thing is a factor: a choice, the weights, a cause of measurement. A replicate draws every factor anew.
A draw is made of numbers between 0 and 1, so that chance enters in one place, can be seeded, and can come from a
design of sensitivity analysis as well as from a generator.

Replicates that agree in their choices are computed together, as one more axis of every array.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl

from suanheng.transforms.analysis.index import (
    Columns,
    Index,
    UndefinedIndex,
    aggregated_columns,
    denominated_columns,
    imputed_columns,
    normalised_columns,
    screened,
    treated_columns,
)
from suanheng.transforms.analysis.input_uncertainty import WEIGHTS, InputUncertainty, faults
from suanheng.transforms.analysis.measurement import quantile
from suanheng.transforms.scoring.aggregate import heights
from suanheng.transforms.scoring.values import Values

_BATCH = 1_000
"""Replicates computed at once: a column of 50 units then fits a processor's cache."""


@dataclass(frozen=True)
class Factor:
    """One uncertain thing.

    Attributes:
        name: the part that is chosen, ``weights``, or a cause of measurement.
        size: how many numbers between 0 and 1 a draw of it takes.
    """

    name: str
    size: int


class Experiment:
    """An index of a table that is ready to be drawn.

    Args:
        index: the index.
        table: one row per unit, as for ``index.compute``.
        input_uncertainty: what is uncertain.

    Raises:
        UndefinedIndex: the input uncertainty does not fit the index or the table.
    """

    def __init__(self, index: Index, table: pl.DataFrame, input_uncertainty: InputUncertainty) -> None:
        _, self._table = screened(index, table)
        self._index, self._doubt = index, input_uncertainty
        self._denominated = denominated_columns(index, self._table)
        if found := list(faults(input_uncertainty, index, self.units, self._denominated)):
            raise UndefinedIndex("vary the index", found)
        # Numbers of a draw belong to names in alphabetical order: the order of tables and rows changes no replicate.
        self._sources = input_uncertainty.measurement.select("cause", "source").unique().sort("cause", "source")
        levels = heights(index.groups)
        self._noise = {
            name: input_uncertainty.weight_noise[levels[name]]
            for name in sorted(name for group in index.groups for name in group.weights)
            if levels[name] in input_uncertainty.weight_noise
        }

    @property
    def units(self) -> list[str]:
        """The units, in the order of every result."""
        return self._table[self._index.unit].to_list()

    @cached_property
    def factors(self) -> tuple[Factor, ...]:
        """What is drawn, in the order of a draw's numbers."""
        causes = self._sources.group_by("cause", maintain_order=True).len()
        return (
            *(Factor(choice.part, 1) for choice in self._doubt.choices),
            *([Factor(WEIGHTS, len(self._noise))] if self._noise else []),
            *(Factor(cause, count) for cause, count in causes.iter_rows()),
        )

    @property
    def dimensions(self) -> int:
        """How many numbers a draw of everything takes."""
        return sum(factor.size for factor in self.factors)

    def nominal(self) -> Values:
        """Scores with the choices, weights and values as stated, one per unit."""
        normalised = self._normalised(self._index, self._denominated)
        return aggregated_columns(self._index, normalised)[self._index.top]

    def run(self, draws: Values) -> Values:
        """Scores of replicates.

        Args:
            draws: replicates × dimensions, numbers from 0 to below 1.

        Returns:
            units × replicates; NaN where a unit has no score.

        Raises:
            UndefinedIndex: some combination of choices is not defined on the table; it is named.
        """
        choices = self._doubt.choices
        alternatives = np.array([len(choice.alternatives) for choice in choices], dtype=np.int64)
        codes = (draws[:, : len(choices)] * alternatives).astype(np.int64)
        scores = np.empty((len(self.units), len(draws)))
        for code in np.unique(codes, axis=0):
            here = np.flatnonzero((codes == code).all(axis=1))
            chosen = {c.part: c.alternatives[number] for c, number in zip(choices, code, strict=True)}
            try:
                index = replace(self._index, **chosen)
                for batch, result in self._together(index, draws[here, len(choices) :]):
                    scores[:, here[batch]] = result
            except UndefinedIndex as error:
                made = ", ".join(f"{part} {choice}" for part, choice in chosen.items()) or "the values drawn"
                raise UndefinedIndex(f"{error.step} with {made}", error.faults) from error
        return scores

    def _together(self, index: Index, draws: Values) -> Iterator[tuple[slice, Values]]:
        """Replicates that agree in all choices, in batches."""
        as_stated = None
        if self._sources.is_empty():
            as_stated = self._normalised(index, {name: v[:, np.newaxis] for name, v in self._denominated.items()})
        for start in range(0, len(draws), _BATCH):
            batch = draws[start : start + _BATCH]
            normalised = as_stated or self._normalised(index, self._measured(batch[:, len(self._noise) :]))
            weights = self._weights(index, batch[:, : len(self._noise)])
            yield slice(start, start + len(batch)), aggregated_columns(index, normalised, weights)[index.top]

    def _normalised(self, index: Index, denominated: Columns) -> Columns:
        imputed = imputed_columns(index, self._table, denominated)
        return normalised_columns(index, treated_columns(index, imputed))

    def _measured(self, draws: Values) -> Columns:
        """Columns as they may have been, units × replicates: what each source adds to a value adds up."""
        columns = {name: np.repeat(v[:, np.newaxis], len(draws), axis=1) for name, v in self._denominated.items()}
        drawn = {source: draws[:, number] for number, source in enumerate(self._sources["source"])}
        rows = {unit: number for number, unit in enumerate(self.units)}
        for row in self._doubt.measurement.sort("unit", "indicator", "source").iter_rows(named=True):
            unit, name = rows[row["unit"]], row["indicator"]
            value = float(self._denominated[name][unit])
            value_drawn = quantile(row["kind"], value, row["low"], row["high"], drawn[row["source"]])
            columns[name][unit] = value_drawn if np.isnan(value) else columns[name][unit] + (value_drawn - value)
        return columns

    def _weights(self, index: Index, draws: Values) -> Mapping[str, Values]:
        stated = {name: weight for group in index.groups for name, weight in group.weights.items()}
        return {
            name: stated[name] * (1 + share * (2 * draws[:, number] - 1))
            for number, (name, share) in enumerate(self._noise.items())
            if name in stated
        }
