"""A methodology: the versioned file that says how a centre is scored."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from suanheng.transforms.scoring.aggregate import Method
from suanheng.transforms.scoring.grade import Band
from suanheng.transforms.scoring.normalise import Better

FOLDER = files("suanheng.config") / "methodology"

_ROUNDING = 1e-9


class InvalidMethodology(ValueError):  # noqa: N818
    """Raised when a methodology file breaks its schema or one of its laws; names every fault.

    Args:
        path: the file.
        faults: what is wrong, one sentence each.
    """

    def __init__(self, path: Path, faults: list[str]) -> None:
        super().__init__(f"{path} is not a methodology that can be used:\n" + "\n".join(f"  - {f}" for f in faults))
        self.faults = faults


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
class Aggregation:
    """How the scores of one level become the score of the next.

    Attributes:
        method: kind of mean.
        lowest: scores are moved from 0..100 onto ``lowest``..100 for the mean and back.
    """

    method: Method
    lowest: float = 0.0


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
        FileNotFoundError: there is no such methodology; the message names those there are.
        InvalidMethodology: the file breaks its schema or one of its laws.
    """
    path = find(methodology)
    content = path.read_bytes()
    try:
        document = yaml.safe_load(content)
    except yaml.YAMLError as error:
        raise InvalidMethodology(path, [f"not YAML: {error}"]) from error
    faults = list(_schema_faults(document)) or list(_law_faults(document, path))
    if faults:
        raise InvalidMethodology(path, faults)
    return _build(document, hashlib.sha256(content).hexdigest())


def find(methodology: str | Path) -> Path:
    """File of a methodology, by its name or path.

    Raises:
        FileNotFoundError: there is no such methodology; the message names those there are.
    """
    for candidate in (Path(methodology), Path(str(FOLDER / f"{methodology}.yaml"))):
        if candidate.is_file():
            return candidate
    shipped = sorted(Path(str(FOLDER)).glob("*.yaml"))
    raise FileNotFoundError(
        f"There is no methodology {methodology}. Expected the path of a YAML file or one of: "
        + ", ".join(path.stem for path in shipped)
    )


def _schema_faults(document: Any) -> Iterator[str]:
    schema = json.loads((FOLDER / "schema.json").read_text(encoding="utf-8"))
    for error in jsonschema.Draft202012Validator(schema).iter_errors(document):
        yield f"{error.json_path}: {error.message}"


def _law_faults(document: dict[str, Any], path: Path) -> Iterator[str]:
    dimensions = document["dimensions"]
    indicators = [indicator for dimension in dimensions for indicator in dimension["indicators"]]
    if path.stem != document["methodology"]:
        yield f"methodology: the file is named {path.stem}, but calls itself {document['methodology']}"
    yield from _sum_faults("dimensions", dimensions, document["weights_sum_to"])
    for dimension in dimensions:
        yield from _sum_faults(dimension["dimension"], dimension["indicators"], dimension["weights_sum_to"])
    for indicator in indicators:
        yield from _goalpost_faults(indicator)
    yield from _repeated("dimension", [dimension["dimension"] for dimension in dimensions])
    yield from _repeated("indicator", [i["indicator"] for i in indicators] + document["supplementary"])
    yield from _repeated("grade", [band["grade"] for band in document["grades"]])
    yield from _band_faults([band["from"] for band in document["grades"]])


def _sum_faults(where: str, members: list[dict[str, Any]], stated: float) -> Iterator[str]:
    total = sum(member["weight"] for member in members)
    if abs(total - stated) > _ROUNDING:
        yield f"{where}: the weights sum to {total:g}, but weights_sum_to says {stated:g}"


def _goalpost_faults(indicator: dict[str, Any]) -> Iterator[str]:
    at_0, at_100 = (indicator["goalposts"][post]["value"] for post in ("at_0", "at_100"))
    if at_0 == at_100:
        yield f"{indicator['indicator']}: 0 and 100 points are both at {at_0:g}"
    elif (at_100 > at_0) != (indicator["better"] == "higher"):
        better = indicator["better"]
        yield f"{indicator['indicator']}: {better} is better, but 100 points are at {at_100:g} and 0 at {at_0:g}"


def _repeated(kind: str, names: list[str]) -> Iterator[str]:
    for name, times in Counter(names).items():
        if times > 1:
            yield f"{kind} {name} is named {times} times"


def _band_faults(lowest_scores: list[float]) -> Iterator[str]:
    if lowest_scores != sorted(set(lowest_scores), reverse=True) or lowest_scores[-1] != 0:
        yield f"grades: give them from the best to the one that begins at 0, but they begin at {lowest_scores}"


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
        hash=digest,
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
