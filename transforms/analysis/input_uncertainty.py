"""Input uncertainty: what about an index is uncertain, declared.

Alternatives to its choices, noise on its weights, and rows of what its measured values can be (see ``measurement``).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import polars as pl

from suanheng.transforms.analysis.index import Columns, Index
from suanheng.transforms.analysis.measurement import COLUMNS, KINDS
from suanheng.transforms.analysis.table_steps import Imputation, Treatment
from suanheng.transforms.scoring.aggregate import Aggregation, heights
from suanheng.transforms.scoring.normalise import Normalisation

Part = Literal["imputation", "treatment", "normalisation", "aggregation", "groups"]

WEIGHTS = "weights"
"""Name of the factor of all noise on weights."""

_TYPES: Mapping[Part, tuple[type, ...]] = {
    "imputation": (Imputation,),
    "treatment": (Treatment,),
    "normalisation": (Normalisation,),
    "aggregation": (Aggregation, Mapping),
    "groups": (tuple,),
}

_ROUNDING = 1e-9


@dataclass(frozen=True)
class Choice:
    """One choice of an index that could have been made otherwise, each alternative being equally likely.

    Attributes:
        part: the part of the index that is chosen; ``groups`` chooses among whole sets of weights.
        alternatives: what it can be, the present choice included.
    """

    part: Part
    alternatives: tuple[Any, ...]


@dataclass(frozen=True)
class InputUncertainty:
    """Everything about an index that is uncertain.

    Attributes:
        choices: choices that could have been made otherwise.
        weight_noise: how far the weights of a level may deviate, as a share of each: 1 is the level of the indicators,
            2 that of the groups right above, and so on. Deviations are uniform and independent.
        measurement: what the values can be: rows as in ``measurement``. Several rows of one value add up.
    """

    choices: tuple[Choice, ...] = ()
    weight_noise: Mapping[int, float] = field(default_factory=dict)
    measurement: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=COLUMNS))


def faults(input_uncertainty: InputUncertainty, index: Index, units: Sequence[str], columns: Columns) -> Iterator[str]:
    """Why an input uncertainty does not fit an index and the values of its table, one sentence each."""
    yield from _choice_faults(input_uncertainty)
    yield from _noise_faults(input_uncertainty, index)
    yield from _measurement_faults(input_uncertainty.measurement, units, columns)


def _choice_faults(input_uncertainty: InputUncertainty) -> Iterator[str]:
    parts = [choice.part for choice in input_uncertainty.choices]
    for choice in input_uncertainty.choices:
        if len(choice.alternatives) < 2:
            yield f"{choice.part}: expected two alternatives or more, got {len(choice.alternatives)}"
        for alternative in choice.alternatives:
            if not isinstance(alternative, _TYPES[choice.part]):
                wanted = " or ".join(each.__name__ for each in _TYPES[choice.part])
                yield f"{choice.part}: expected alternatives of type {wanted}, got {alternative!r}"
    for part in sorted(set(parts)):
        if parts.count(part) > 1:
            yield f"{part}: expected one choice with all alternatives, got {parts.count(part)}"


def _noise_faults(input_uncertainty: InputUncertainty, index: Index) -> Iterator[str]:
    top = heights(index.groups)[index.top]
    for level, share in input_uncertainty.weight_noise.items():
        if not 1 <= level < top:
            yield f"weight noise: expected a level from 1 to {top - 1}, got {level}"
        if not 0 < share < 1:
            yield f"weight noise of level {level}: expected a share between 0 and 1, got {share:g}"


def _measurement_faults(measurement: pl.DataFrame, units: Sequence[str], columns: Columns) -> Iterator[str]:
    if missing := [name for name in COLUMNS if name not in measurement.columns]:
        yield f"measurement: expected the columns {', '.join(COLUMNS)}, but {', '.join(missing)} is missing"
        return
    rows = {unit: number for number, unit in enumerate(units)}
    for row in measurement.iter_rows(named=True):
        where = f"measurement: {row['unit']} {row['indicator']} {row['source']}"
        if row["unit"] not in rows or row["indicator"] not in columns:
            yield f"{where}: expected a unit and an indicator of the table"
        else:
            value = float(columns[row["indicator"]][rows[row["unit"]]])
            yield from (f"{where}: {fault}" for fault in _row_faults(row, value))
    yield from _repeated(measurement)


def _row_faults(row: Mapping[str, Any], value: float) -> Iterator[str]:
    if row["kind"] not in KINDS:
        yield f"expected one of {', '.join(KINDS)}, got {row['kind']}"
    if row["low"] is None or row["high"] is None or not np.isfinite([row["low"], row["high"]]).all():
        yield f"expected finite ends, got {row['low']} and {row['high']}"
        return
    low, high = sorted((row["low"], row["high"]))
    slack = _ROUNDING * max(abs(low), abs(high))
    if not np.isnan(value) and not low - slack <= value <= high + slack:
        yield f"expected ends around the value {value:g}, got {low:g} and {high:g}"


def _repeated(measurement: pl.DataFrame) -> Iterator[str]:
    key = ["unit", "indicator", "source"]
    for unit, indicator, source, rows in measurement.group_by(key, maintain_order=True).len().iter_rows():
        if rows > 1:
            yield f"measurement: {unit} {indicator} {source}: expected one row, got {rows}"
    causes = measurement.group_by("source", maintain_order=True).agg(pl.col("cause").unique().sort())
    for source, named in causes.iter_rows():
        if len(named) > 1:
            yield f"measurement: source {source}: expected one cause, got {', '.join(named)}"
