"""Whether a methodology fits the indicators it is to score."""

from collections.abc import Iterable, Iterator

import polars as pl

from suanheng.config.errors import SuanhengError
from suanheng.transforms.scoring.methodology import Methodology


class MethodologyMismatch(SuanhengError):
    """Raised when a methodology cannot be applied to the indicators there are; names every reason.

    Args:
        methodology: name of the methodology.
        faults: what does not fit, one sentence each.
    """

    def __init__(self, methodology: str, faults: list[str]) -> None:
        super().__init__(f"{methodology} cannot score these indicators:\n" + "\n".join(f"  - {f}" for f in faults))
        self.faults = faults


def require_fit(indicators: pl.DataFrame, methodology: Methodology, catalogue: pl.DataFrame) -> None:
    """Refuse to score with goalposts in another unit, or with rows that are not there exactly once.

    Raises:
        MethodologyMismatch: an indicator of the methodology is not in the catalogue, has another unit or direction
            there, or has no row or several in a site and period.
    """
    faults = [*_catalogue_faults(methodology, catalogue), *_row_faults(indicators, methodology)]
    if faults:
        raise MethodologyMismatch(methodology.methodology, faults)


def _catalogue_faults(methodology: Methodology, catalogue: pl.DataFrame) -> Iterator[str]:
    known = {row["indicator"]: row for row in catalogue.iter_rows(named=True)}
    scored = [indicator.indicator for indicator in methodology.indicators]
    for name in (*scored, *methodology.supplementary):
        if name not in known:
            yield f"{name} is not in the catalogue of indicators: expected a recipe; add one or leave the indicator out"
    for indicator in methodology.indicators:
        entry = known.get(indicator.indicator, {})
        for trait, stated in (("unit", indicator.unit), ("better", indicator.better)):
            if trait in entry and entry[trait] != stated:
                yield f"{indicator.indicator}: {trait} is {stated} in the methodology, {entry[trait]} in the catalogue"


def unnamed_indicators(methodologies: Iterable[Methodology], catalogue: pl.DataFrame) -> list[str]:
    """Indicators of the catalogue that no methodology scores or names as supplementary, in alphabetical order."""
    named = {
        name
        for methodology in methodologies
        for name in (*(indicator.indicator for indicator in methodology.indicators), *methodology.supplementary)
    }
    return sorted(set(catalogue["indicator"]) - named)


def _row_faults(indicators: pl.DataFrame, methodology: Methodology) -> Iterator[str]:
    scored = pl.DataFrame({"indicator": [indicator.indicator for indicator in methodology.indicators]})
    key = ["site_id", "period", "indicator"]
    expected = indicators.select("site_id", "period").unique().join(scored, how="cross")
    counted = expected.join(indicators.group_by(key).agg(rows=pl.len()), on=key, how="left").fill_null(0)
    for row in counted.filter(pl.col("rows") != 1).sort(key).iter_rows(named=True):
        yield f"{row['site_id']} {row['period']}: expected one row of {row['indicator']}, got {row['rows']}"
