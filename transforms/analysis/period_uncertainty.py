"""How far the scores of a period can be trusted: what they and their ranks can be, and what that hangs on.

What is uncertain: the weights, the kind of mean, and every value, by how it was measured. Goalposts stay: they are what
a methodology promises not to move. Where nothing is known of a meter or a factor nothing is made up; see
``input_uncertainty_of``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from suanheng.transforms.analysis.index import Index, table_of
from suanheng.transforms.analysis.input_uncertainty import Choice, InputUncertainty
from suanheng.transforms.analysis.lineage import NotThere
from suanheng.transforms.analysis.measurement import COLUMNS, Range, coverage_of, estimates_of, of_meter_class, of_range
from suanheng.transforms.analysis.replicates import REPLICATES, intervals, replicate, win_probabilities
from suanheng.transforms.analysis.sensitivity import removals, sensitivity
from suanheng.transforms.scoring.aggregate import Aggregation, by_level
from suanheng.transforms.scoring.judge import judge
from suanheng.transforms.scoring.methodology import Methodology
from suanheng.transforms.scoring.values import UndefinedScore
from suanheng.warehouse.lake import Lake

WEIGHT_NOISE = 0.25
"""How far each weight may deviate, as a share of it, on both levels. Declared here: no weights are public."""

OTHER_MEANS = (Aggregation(), Aggregation("geometric", lowest=1))
"""Kinds of mean that a methodology could have chosen as well, on all levels, beside its own. Declared."""

METERED = (
    ("operational_carbon_intensity", "utility", 1),
    ("pue", "utility", 1),
    ("pue", "it", -1),
    ("wue", "it", -1),
    ("erf", "utility", -1),
    ("ref", "utility", -1),
)
"""Indicators that grow (1) or fall (-1) in proportion to the reading of one of a site's electricity meters."""

OPERATIONAL, LIFECYCLE = "operational_carbon_intensity", "lifecycle_carbon_intensity"


@dataclass(frozen=True)
class Measured:
    """What is known of the measurement beside what the warehouse holds.

    Attributes:
        meter_class: accuracy class of the sites' electricity meters, a key of ``measurement.METER_CLASSES``.
        grid_factor_range: how far the grid's emission factor may be off, as a share of it.
        rows: further rows as in ``measurement``; those of other sites and indicators are left out.
    """

    meter_class: str | None = None
    grid_factor_range: float | None = None
    rows: pl.DataFrame | None = None


@dataclass(frozen=True)
class Uncertainty:
    """What the scores of some sites in one period can be.

    Attributes:
        period: period.
        sites: the sites that are compared: ranks, victories and everything about ranking hold among them alone.
        input_uncertainty: what was varied.
        intervals: see ``uncertainty.intervals``.
        wins: see ``uncertainty.win_probabilities``.
        sobol: see ``sensitivity.sensitivity``, and ``of``: the site whose score is explained, or ``ranking``; ``None``
            if it was not asked for.
        unexplained: why a site or the ranking has no Sobol indices, by ``of``.
        removals: see ``sensitivity.removals``; ``None`` if it was not asked for.
    """

    period: str
    sites: list[str]
    input_uncertainty: InputUncertainty
    intervals: pl.DataFrame
    wins: pl.DataFrame
    sobol: pl.DataFrame | None
    unexplained: dict[str, str]
    removals: pl.DataFrame | None


@dataclass(frozen=True)
class Draws:
    """How often scores are drawn, and what else is asked.

    Attributes:
        replicates: how often the scores are drawn.
        seed: of the generator; the same one gives the same answer.
        with_sobol: whether to say what the scores and the ranking depend on.
        with_removals: whether to leave out each indicator in turn.
    """

    replicates: int = REPLICATES
    seed: int = 0
    with_sobol: bool = False
    with_removals: bool = False


def uncertainty(
    lake: Lake,
    methodology: Methodology,
    period: str,
    sites: Sequence[str] = (),
    measured: Measured | None = None,
    draws: Draws = Draws(),
) -> Uncertainty:
    """Vary everything that is uncertain about the scores of a period. Nothing is written.

    Args:
        lake: the warehouse.
        methodology: how to score.
        period: period.
        sites: the sites to compare; all that have the period where none is named.
        measured: what is known of the measurement.
        draws: how often scores are drawn, and what else is asked.

    Raises:
        NotThere: a site has no indicators in the period, or none has.
        UndefinedScore, UndefinedIndex: what is said of the measurement does not fit.
    """
    indicators = lake.frame('SELECT * FROM indicators."all" WHERE period = ?', [period])
    there = sorted(indicators["site_id"].unique())
    if missing := [site for site in sites if site not in there] or ([] if there else ["any site"]):
        raise NotThere(f"There are no indicators of {', '.join(missing)} in {period}. See which: suanheng status")
    compared = sorted(set(sites)) or there
    judged = judge(indicators.filter(pl.col("site_id").is_in(compared)), methodology)
    embodied = lake.frame("SELECT reference_id, low_kgco2e, default_kgco2e, high_kgco2e FROM reference.embodied_carbon")
    index, table = Index.of(methodology), table_of(judged)
    input_uncertainty = input_uncertainty_of(judged, methodology, measured or Measured(), embodied)
    drawn = replicate(index, table, input_uncertainty, draws.replicates, draws.seed)
    sobol, unexplained = (
        _sobol(index, table, input_uncertainty, compared, draws.seed) if draws.with_sobol else (None, {})
    )
    removed = removals(index, table).with_columns(pl.col(pl.Float64).fill_nan(None)) if draws.with_removals else None
    return Uncertainty(
        period=period,
        sites=compared,
        input_uncertainty=input_uncertainty,
        intervals=intervals(drawn),
        wins=win_probabilities(drawn),
        sobol=sobol,
        unexplained=unexplained,
        removals=removed,
    )


def input_uncertainty_of(
    judged: pl.DataFrame, methodology: Methodology, measured: Measured, embodied: pl.DataFrame
) -> InputUncertainty:
    """What is uncertain about the scores of one period.

    Weights by ``WEIGHT_NOISE``; the methodology's means or ``OTHER_MEANS``; what coverage leaves open, and what is
    withheld, between the goalposts; estimates; embodied carbon within the range that its facts state; and, where it is
    said, the electricity meters by their class and the grid's factor within its range. Sites with the same factor err
    together.

    Args:
        judged: rows of ``judge`` of one period.
        methodology: how they were judged.
        measured: what is known of the measurement.
        embodied: ``reference.embodied_carbon``: reference_id, low_kgco2e, default_kgco2e, high_kgco2e.
    """
    index = Index.of(methodology)
    means = [index.aggregation]
    means += [other for how in OTHER_MEANS if (other := by_level(index.groups, (how, how))) not in means]
    rows = [coverage_of(judged), estimates_of(judged), *_embodied_ranges(judged, embodied)]
    if measured.meter_class is not None:
        rows += _meters(judged, measured.meter_class)
    if measured.grid_factor_range is not None:
        rows += _grid_factors(judged, measured.grid_factor_range)
    if measured.rows is not None:
        known = judged.select("indicator", unit="site_id").unique()
        rows.append(measured.rows.join(known, on=["unit", "indicator"], how="semi").select(list(COLUMNS)))
    return InputUncertainty((Choice("aggregation", tuple(means)),), {1: WEIGHT_NOISE, 2: WEIGHT_NOISE}, pl.concat(rows))


def _scored_values(judged: pl.DataFrame, indicator: str) -> dict[str, dict[str, Any]]:
    """Rows of an indicator that counts, by site."""
    rows = judged.filter(pl.col("is_scored"), indicator=indicator)
    return {row["site_id"]: row for row in rows.iter_rows(named=True)}


def _value(site_id: str, indicator: str, value: float) -> pl.DataFrame:
    return pl.DataFrame({"unit": [site_id], "indicator": [indicator], "value": [value]})


def _meters(judged: pl.DataFrame, meter_class: str) -> list[pl.DataFrame]:
    rows = [
        of_meter_class(_value(site_id, indicator, row["value"]), meter_class, f"meter/{site_id}/{meter}", power)
        for indicator, meter, power in METERED
        for site_id, row in _scored_values(judged, indicator).items()
    ]
    return rows + _as_part_of_lifecycle(judged, rows)


def _grid_factors(judged: pl.DataFrame, share: float) -> list[pl.DataFrame]:
    rows = [
        of_range(
            _value(site_id, OPERATIONAL, row["value"]),
            Range(1.0, 1.0 - share, 1.0 + share),
            cause="factor range",
            source=" ".join(sorted(fact for fact in row["reference_rows"] if fact.startswith("grid_emission_factors/")))
            or f"grid_emission_factors/{site_id}",
        )
        for site_id, row in _scored_values(judged, OPERATIONAL).items()
    ]
    return rows + _as_part_of_lifecycle(judged, rows)


def _as_part_of_lifecycle(judged: pl.DataFrame, rows: list[pl.DataFrame]) -> list[pl.DataFrame]:
    """What moves operational carbon moves life-cycle carbon by as much: the one is a summand of the other."""
    operational, lifecycle = _scored_values(judged, OPERATIONAL), _scored_values(judged, LIFECYCLE)
    embodied = {site: lifecycle[site]["value"] - operational[site]["value"] for site in lifecycle.keys() & operational}
    return [
        each.with_columns(
            indicator=pl.lit(LIFECYCLE),
            low=pl.col("low") + embodied[each["unit"].item()],
            high=pl.col("high") + embodied[each["unit"].item()],
        )
        for each in rows
        if each["indicator"].item() == OPERATIONAL and each["unit"].item() in embodied
    ]


def _embodied_ranges(judged: pl.DataFrame, embodied: pl.DataFrame) -> list[pl.DataFrame]:
    """The embodied part of life-cycle carbon, as far down and up as any of the facts it was computed with reaches.

    How much each fact weighs is not known here, so they err together and the range is the widest of theirs.
    """
    ranges = {
        fact: (low / default, high / default)
        for fact, low, default, high in embodied.iter_rows()
        if low and default and high
    }
    operational = _scored_values(judged, OPERATIONAL)
    rows = []
    for site_id, row in _scored_values(judged, LIFECYCLE).items():
        used = [ranges[fact] for fact in row["reference_rows"] if fact in ranges]
        if not used or site_id not in operational:
            continue
        part = row["value"] - operational[site_id]["value"]
        low, high = min(least for least, _ in used), max(most for _, most in used)
        ends = {"low": row["value"] + (low - 1) * part, "high": row["value"] + (high - 1) * part}
        stated = {"cause": "specification range", "source": f"embodied_carbon/{site_id}", "kind": "triangular"}
        rows.append(pl.DataFrame([{"unit": site_id, "indicator": LIFECYCLE, **stated, **ends}], schema=COLUMNS))
    return rows


def _sobol(
    index: Index, table: pl.DataFrame, input_uncertainty: InputUncertainty, sites: Sequence[str], seed: int
) -> tuple[pl.DataFrame, dict[str, str]]:
    found, unexplained = [], {}
    for of in (["ranking"] if len(sites) > 1 else []) + list(sites):
        try:
            indices = sensitivity(index, table, input_uncertainty, unit=None if of == "ranking" else of, seed=seed)
        except UndefinedScore as error:
            unexplained[of] = str(error)
        else:
            found.append(indices.select(pl.lit(of).alias("of"), pl.all()))
    return (pl.concat(found) if found else pl.DataFrame()), unexplained
