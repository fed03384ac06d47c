"""Laws of a methodology: what its file must hold beyond being YAML, and how a breach is stated."""

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeAlias

import jsonschema
import yaml

from suanheng.config.errors import Fault

FOLDER = files("suanheng.config") / "methodology"

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Ten times faster where PyYAML was built with libyaml."""

_ROUNDING = 1e-9
_PUBLISHED_SCHEMA = "config/methodology/schema.json describes every key"

Place: TypeAlias = tuple[str | int, ...]
"""Keys and positions from the top of a file to what is meant."""


@dataclass(frozen=True)
class _Breach:
    place: Place
    expected: str
    got: str
    do: str


def check(path: Path, content: bytes) -> tuple[dict[str, Any], list[Fault]]:
    """Hold the content of a methodology file to its schema and laws.

    Args:
        path: the file; its stem must be the methodology's name.
        content: what it holds.

    Returns:
        The document, and its faults in the order of the file; one that breaks the schema is not held to the laws.
    """
    try:
        root = yaml.compose(content, Loader=_LOADER)
        document = yaml.load(content, Loader=_LOADER)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        line = getattr(getattr(error, "problem_mark", None), "line", 0) + 1
        reason = " ".join(str(getattr(error, "problem", None) or error).split())
        return {}, [Fault(path.name, line, "the file", "YAML", f"not YAML: {reason}", "mend the syntax")]
    breaches = (
        list(_syntax_breaches(root)) or list(_schema_breaches(document)) or list(_law_breaches(document, path.stem))
    )
    faults = [
        Fault(path.name, _line(root, breach.place), _shown(breach.place), breach.expected, breach.got, breach.do)
        for breach in breaches
    ]
    return document, sorted(faults, key=lambda fault: fault.line or 0)


def _line(root: yaml.Node | None, place: Place) -> int:
    """Line of a place, or of the last part of the way there that exists."""
    node = root
    for step in place:
        below = _below(node, step)
        if below is None:
            break
        node = below
    return node.start_mark.line + 1 if node is not None else 1


def _below(node: yaml.Node | None, step: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if str(key.value) == step), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step]
    return None


def _shown(place: Place) -> str:
    shown = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).lstrip(".")
    return shown or "the file"


def _syntax_breaches(node: yaml.Node | None, place: Place = (), inside: tuple[int, ...] = ()) -> Iterator[_Breach]:
    """What YAML readers let pass in silence: of equal keys they keep the last, and an alias may contain itself."""
    if id(node) in inside:
        yield _Breach(place, "values that end", "an alias that contains itself", "write it out")
        return
    inside = (*inside, id(node))
    if isinstance(node, yaml.MappingNode):
        for key, times in Counter(key.value for key, _ in node.value).items():
            if times > 1:
                yield _Breach((*place, key), "every key once", f"{key} {times} times", "keep one")
        for key, value in node.value:
            yield from _syntax_breaches(value, (*place, key.value), inside)
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            yield from _syntax_breaches(value, (*place, position), inside)


def _schema_breaches(document: Any) -> Iterator[_Breach]:
    schema: dict[str, Any] = json.loads((FOLDER / "schema.json").read_text(encoding="utf-8"))
    for error in jsonschema.Draft202012Validator(schema).iter_errors(document):
        part = error.schema if isinstance(error.schema, dict) else {}
        yield _Breach(
            tuple(error.absolute_path),
            _expected(error, part) + (f" ({part['description']})" if "description" in part else ""),
            error.message if error.validator in {"required", "additionalProperties"} else _told(error.instance),
            _PUBLISHED_SCHEMA,
        )


def _expected(error: jsonschema.ValidationError, part: Mapping[str, Any]) -> str:
    wanted = error.validator_value
    return {
        "type": f"a value of type {wanted}",
        "enum": f"one of {_told(wanted)}",
        "not": f"anything but {_told(wanted)}",
        "pattern": f"text like {wanted}",
        "minimum": f"at least {wanted}",
        "maximum": f"at most {wanted}",
        "exclusiveMinimum": f"more than {wanted}",
        "exclusiveMaximum": f"less than {wanted}",
        "minItems": f"at least {wanted} entries",
        "minLength": "some text",
        "uniqueItems": "every entry once",
        "required": f"the keys {_told(wanted)}",
        "additionalProperties": f"no keys but {', '.join(part.get('properties', {}))}",
    }.get(str(error.validator), str(error.validator))


def _told(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_told(each) for each in value)
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "…"


def _law_breaches(document: dict[str, Any], stem: str) -> Iterator[_Breach]:
    if stem != document["methodology"]:
        yield _Breach(("methodology",), stem, document["methodology"], "name the file and the methodology alike")
    if infinite := list(_not_finite(document)):
        yield from infinite
        return
    dimensions = document["dimensions"]
    yield from _sum_breaches(("dimensions",), dimensions, document["weights_sum_to"])
    for number, dimension in enumerate(dimensions):
        place = ("dimensions", number)
        yield from _sum_breaches((*place, "indicators"), dimension["indicators"], dimension["weights_sum_to"])
        for position, indicator in enumerate(dimension["indicators"]):
            yield from _goalpost_breaches((*place, "indicators", position, "goalposts"), indicator)
    yield from _repeated(("dimensions",), "dimension", [dimension["dimension"] for dimension in dimensions])
    indicators = [indicator["indicator"] for dimension in dimensions for indicator in dimension["indicators"]]
    yield from _repeated(("supplementary",), "indicator", indicators + document["supplementary"])
    yield from _repeated(("grades",), "grade", [band["grade"] for band in document["grades"]])
    yield from _band_breaches([band["from"] for band in document["grades"]])


def _not_finite(value: Any, place: Place = ()) -> Iterator[_Breach]:
    """YAML knows .inf and .nan, and JSON Schema takes them for numbers."""
    if isinstance(value, float) and not math.isfinite(value):
        yield _Breach(place, "a finite number", str(value), "state a number")
    elif isinstance(value, dict):
        for key, below in value.items():
            yield from _not_finite(below, (*place, key))
    elif isinstance(value, list):
        for position, below in enumerate(value):
            yield from _not_finite(below, (*place, position))


def _sum_breaches(place: Place, members: Sequence[Mapping[str, Any]], stated: float) -> Iterator[_Breach]:
    total = math.fsum(member["weight"] for member in members)
    if abs(total - stated) > _ROUNDING * stated:
        yield _Breach(
            place, f"weights that sum to {stated:g}", f"a sum of {total:g}", "change a weight or weights_sum_to"
        )


def _goalpost_breaches(place: Place, indicator: Mapping[str, Any]) -> Iterator[_Breach]:
    at_0, at_100 = (indicator["goalposts"][post]["value"] for post in ("at_0", "at_100"))
    name, better = indicator["indicator"], indicator["better"]
    if at_0 == at_100:
        yield _Breach(place, f"two goalposts for {name}", f"0 and 100 points both at {at_0:g}", "set them apart")
    elif (at_100 > at_0) != (better == "higher"):
        yield _Breach(
            place,
            f"goalposts of {name} for which {better} is better",
            f"100 points at {at_100:g} and 0 at {at_0:g}",
            "swap the goalposts or change better",
        )


def _repeated(place: Place, kind: str, names: Iterable[str]) -> Iterator[_Breach]:
    for name, times in Counter(names).items():
        if times > 1:
            yield _Breach(place, f"every {kind} once", f"{name} {times} times", "keep one")


def _band_breaches(lowest_scores: Sequence[float]) -> Iterator[_Breach]:
    if list(lowest_scores) != sorted(set(lowest_scores), reverse=True) or lowest_scores[-1] != 0:
        yield _Breach(
            ("grades",),
            "bands from the best to the one that begins at 0",
            f"bands that begin at {', '.join(f'{lowest:g}' for lowest in lowest_scores)}",
            "order them, and let the last begin at 0",
        )
