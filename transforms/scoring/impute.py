"""Impute: put an estimate where a value is unknown. Not done by default; observed values never change."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from suanheng.transforms.scoring.normalise import Better
from suanheng.transforms.scoring.values import Values, extent

Method = Literal["none", "mean", "median"]
PanelMethod = Literal["latest", "constant", "linear"]

_ESTIMATES: Mapping[str, Callable[..., Values]] = {"mean": np.nanmean, "median": np.nanmedian}


@dataclass(frozen=True)
class Imputation:
    """How gaps are filled.

    Attributes:
        method: ``none`` leaves the gaps.
        by: ``column`` takes the estimate from other units, ``row`` from the unit's other indicators, ``category`` from
            those of its other indicators that have the same parent.
        groups: column of the table with the group of each unit; the estimate by column is then taken within the group.
    """

    method: Method = "none"
    by: Literal["column", "row", "category"] = "column"
    groups: str | None = None


def impute(values: Values, method: Method = "none", groups: Sequence[str] | None = None) -> Values:
    """Replace unknown values by the mean or median of the known ones.

    Args:
        values: one column.
        method: ``none`` leaves the gaps.
        groups: group of each unit; the estimate is then taken within the group. A group in which nothing is known
            keeps its gaps; one in which one value is known gets that value.
    """
    filled = values.copy()
    if method == "none":
        return filled
    members = np.asarray(groups if groups is not None else [""] * len(values))
    for group in np.unique(members):
        in_group = members == group
        filled[in_group] = _with_gaps_filled(values[in_group], _estimate(values[in_group], method, axis=0))
    return filled


def impute_rows(
    columns: Mapping[str, Values], better: Mapping[str, Better], method: Method, categories: Mapping[str, str]
) -> dict[str, Values]:
    """Replace unknown values of a unit by where the unit stands in its other indicators of the same category.

    Indicators have different units, so the estimate is taken of their min–max positions, oriented, and read back on
    the indicator's own scale.

    Args:
        columns: indicators by name, each as of the same units.
        better: direction of each.
        method: ``none`` leaves the gaps.
        categories: category of each. A unit of which nothing is known in a category keeps its gaps there.

    Raises:
        UndefinedScore: a column is constant or has fewer than two known values.
    """
    filled = dict(columns)
    if method == "none":
        return filled
    for category in sorted(set(categories.values())):
        names = [name for name in columns if categories[name] == category]
        ends = {name: _worst_and_best(columns[name], better[name]) for name in names}
        positions = [(columns[name] - ends[name][0]) / (ends[name][1] - ends[name][0]) for name in names]
        estimate = _estimate(np.stack(positions, axis=-1), method, axis=-1)
        for name in names:
            worst, best = ends[name]
            filled[name] = _with_gaps_filled(columns[name], worst + estimate * (best - worst))
    return filled


def _worst_and_best(values: Values, better: Better) -> tuple[Values, Values]:
    low, high = extent(values)
    return (low, high) if better == "higher" else (high, low)


def _estimate(values: Values, method: Method, axis: int) -> Values:
    with warnings.catch_warnings():
        # Where nothing is known the estimate is unknown too, which is what is wanted.
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.asarray(_ESTIMATES[method](values, axis=axis))


def _with_gaps_filled(values: Values, estimate: Values) -> Values:
    return np.where(np.isnan(values), estimate, values)


def impute_panel(
    panel: pl.DataFrame,
    unit: str,
    time: str,
    indicators: Sequence[str],
    method: PanelMethod = "latest",
    at_most: int | None = None,
) -> pl.DataFrame:
    """Fill gaps of a unit from its own other times; a unit that was never observed keeps its gaps.

    latest: the last value before the gap; a gap before the first value stays. constant: the same, and a gap before the
    first value gets the first. linear: on the straight line between the values around the gap; before the first and
    after the last as constant, so a single value fills all.

    Args:
        panel: one row per unit and time.
        unit: column that names the unit; years are not units.
        time: column of the time, sortable and numeric or a date.
        indicators: columns to fill.
        method: see above.
        at_most: times that a value may be carried forward with ``latest``; without it, any number.

    Returns:
        The panel, sorted by unit and time.
    """
    ordered = panel.sort(unit, time)
    columns = [pl.col(indicator).cast(pl.Float64).fill_nan(None) for indicator in indicators]
    filled = {
        "latest": lambda column: column.forward_fill(limit=at_most),
        "constant": lambda column: column.forward_fill().backward_fill(),
        "linear": lambda column: column.interpolate_by(time).forward_fill().backward_fill(),
    }[method]
    return ordered.with_columns([filled(column).over(unit) for column in columns])
