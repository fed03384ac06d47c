"""A methodology: the versioned file that says how a centre is scored."""

import hashlib
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from suanheng.config.errors import BadSettings, Fault
from suanheng.transforms.scoring.aggregate import Aggregation
from suanheng.transforms.scoring.grade import Band
from suanheng.transforms.scoring.laws import FOLDER, check
from suanheng.transforms.scoring.normalise import Better


class InvalidMethodology(BadSettings):
    """Raised when a methodology file breaks its schema or one of its laws; names every fault.

    Args:
        path: the file.
        faults: what is wrong: file, line, place, expected, got, and what to do.
    """

    def __init__(self, path: Path, faults: list[Fault]) -> None:
        super().__init__(f"{path} is not a methodology that can be used:", faults)


@dataclass(frozen=True)
class Goalpost:
    """A value of an indicator that maps to 0 or to 100 points.

    Attributes:
        value: in the unit of the indicator.
        origin: published, declared or standard.
        source: where it comes from, or why it was chosen.
    """

    value: float
    origin: str
    source: str


@dataclass(frozen=True)
class ScoredIndicator:
    """An indicator that counts in the score.

    Attributes:
        indicator: its name, as in ``reference.indicators``.
        name_zh: title in Chinese.
        name_en: title in English.
        origin: whether its name is published or declared.
        better: direction that is better.
        unit: unit of its values and goalposts.
        weight: weight within the dimension.
        minimum_coverage: coverage from which it is scored.
        at_0: goalpost of 0 points.
        at_100: goalpost of 100 points.
    """

    indicator: str
    name_zh: str
    name_en: str
    origin: str
    better: Better
    unit: str
    weight: float
    minimum_coverage: float
    at_0: Goalpost
    at_100: Goalpost


@dataclass(frozen=True)
class Dimension:
    """A group of indicators.

    Attributes:
        dimension: its name.
        name_zh: title in Chinese.
        name_en: title in English.
        origin: whether its name is published or declared.
        weight: weight in the composite.
        indicators: its indicators, in order.
    """

    dimension: str
    name_zh: str
    name_en: str
    origin: str
    weight: float
    indicators: tuple[ScoredIndicator, ...]


@dataclass(frozen=True)
class CarbonChoices:
    """What a methodology chooses where standards of carbon leave a choice.

    Attributes:
        grid_factor_at_most_years_old: years by which a factor may be older than the electricity it is used for; with 0
            only the factor of the same year counts.
        grid_factor_evidence: evidence of a figure that rests on an older factor.
        certificate_matching: over which time claims of green power are set against what was used.
    """

    grid_factor_at_most_years_old: int = 0
    grid_factor_evidence: str = "estimated"
    certificate_matching: str = "annual"

    @property
    def variables(self) -> dict[str, Any]:
        """The choices as recipes read them with ``getvariable``."""
        return asdict(self)


@dataclass(frozen=True)
class Methodology:
    """How a centre is scored.

    Attributes:
        methodology: name of the methodology and of its file.
        version: its version.
        name_zh: title in Chinese.
        name_en: title in English.
        origin_note: what is published and what is declared.
        of_indicators: aggregation from indicators to dimensions.
        of_dimensions: aggregation from dimensions to the composite.
        grades: bands from the best to the one that begins at 0.
        dimensions: the dimensions, in order.
        supplementary: indicators reported beside the score, in order.
        carbon: which grid factors count, and how claims of green power are matched.
        hash: SHA-256 of the file.
    """

    methodology: str
    version: int
    name_zh: str
    name_en: str
    origin_note: str
    of_indicators: Aggregation
    of_dimensions: Aggregation
    grades: tuple[Band, ...]
    dimensions: tuple[Dimension, ...]
    supplementary: tuple[str, ...]
    carbon: CarbonChoices
    hash: str

    @property
    def indicators(self) -> tuple[ScoredIndicator, ...]:
        """All scored indicators, in order."""
        return tuple(indicator for dimension in self.dimensions for indicator in dimension.indicators)


def load(methodology: str | Path) -> Methodology:
    """Read a methodology and hold it to its schema and laws.

    Args:
        methodology: name of a shipped one, e.g. ``hqc-2024``, or the path of a YAML file.

    Raises:
        BadSettings: there is no such methodology; the message names those there are.
        InvalidMethodology: the file breaks its schema or one of its laws.
    """
    path = find(methodology)
    return _held(path, path.read_bytes())


@cache
def _held(path: Path, content: bytes) -> Methodology:
    """A methodology held to its schema and laws, once for each content."""
    document, faults = check(path, content)
    if faults:
        raise InvalidMethodology(path, faults)
    return _build(document, hashlib.sha256(content).hexdigest())


def shipped() -> list[Methodology]:
    """The methodologies that ship, by name."""
    return [load(path) for path in sorted(Path(str(FOLDER)).glob("*.yaml"))]


def find(methodology: str | Path) -> Path:
    """File of a methodology, by its name or path.

    Raises:
        BadSettings: there is no such methodology; the message names those there are.
    """
    for candidate in (Path(methodology), Path(str(FOLDER / f"{methodology}.yaml"))):
        if candidate.is_file():
            return candidate
    there = sorted(Path(str(FOLDER)).glob("*.yaml"))
    raise BadSettings(
        f"There is no methodology {methodology}. Expected the path of a YAML file or one of: "
        + ", ".join(path.stem for path in there)
    )


def _build(document: dict[str, Any], digest: str) -> Methodology:
    aggregation = document["aggregation"]
    return Methodology(
        methodology=document["methodology"],
        version=document["version"],
        name_zh=document["name"]["zh"],
        name_en=document["name"]["en"],
        origin_note=document["origin_note"],
        of_indicators=Aggregation(**aggregation["indicators"]),
        of_dimensions=Aggregation(**aggregation["dimensions"]),
        grades=tuple(Band(band["grade"], band["from"]) for band in document["grades"]),
        dimensions=tuple(_dimension(dimension) for dimension in document["dimensions"]),
        supplementary=tuple(document["supplementary"]),
        carbon=_carbon_choices(document),
        hash=digest,
    )


def _carbon_choices(document: dict[str, Any]) -> CarbonChoices:
    stated = document.get("grid_factor", {})
    return CarbonChoices(
        grid_factor_at_most_years_old=stated.get("at_most_years_old", 0),
        grid_factor_evidence=stated.get("evidence", CarbonChoices.grid_factor_evidence),
        certificate_matching=document.get("certificate_matching", CarbonChoices.certificate_matching),
    )


def _dimension(entry: dict[str, Any]) -> Dimension:
    return Dimension(
        dimension=entry["dimension"],
        name_zh=entry["name"]["zh"],
        name_en=entry["name"]["en"],
        origin=entry["origin"],
        weight=entry["weight"],
        indicators=tuple(_indicator(indicator) for indicator in entry["indicators"]),
    )


def _indicator(entry: dict[str, Any]) -> ScoredIndicator:
    return ScoredIndicator(
        indicator=entry["indicator"],
        name_zh=entry["name"]["zh"],
        name_en=entry["name"]["en"],
        origin=entry["origin"],
        better=entry["better"],
        unit=entry["unit"],
        weight=entry["weight"],
        minimum_coverage=entry["minimum_coverage"],
        at_0=Goalpost(**entry["goalposts"]["at_0"]),
        at_100=Goalpost(**entry["goalposts"]["at_100"]),
    )
