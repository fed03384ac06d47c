"""Corrections as data: known errors in what a source delivers, each with a guard that ends it once it is mended."""

import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from suanheng.config.errors import BadSettings

PACKAGED = Path(__file__).parent / "corrections"


@dataclass(frozen=True)
class Correction:
    """One entry of a file of corrections; ``config/corrections/schema.json`` says what each key means.

    Attributes:
        correction_id: its name.
        dataset: dataset whose rows it corrects.
        action: ``drop``, ``override``, ``scale`` or ``flag``.
        column: column that is wrong.
        definition: the whole entry, days as text.
        file: the file it stands in.
    """

    correction_id: str
    dataset: str
    action: str
    column: str
    definition: dict[str, Any]
    file: str

    @property
    def sites(self) -> list[str] | None:
        """Sites it is limited to; ``None`` for all."""
        stated = self.definition["match"].get("site")
        return [stated] if isinstance(stated, str) else stated

    def concerns(self, site_id: str) -> bool:
        """Whether it may match rows of a site."""
        return self.sites is None or site_id in self.sites


def read_corrections(own: Path, root: Path) -> list[Correction]:
    """Corrections of the package, then those of a workspace, in the order in which they are tried.

    Args:
        own: folder of the workspace's corrections; may be missing.
        root: folder of the workspace, from which its files are named.

    Raises:
        BadSettings: an entry breaks the schema, would be applied twice, or two entries have one name.
    """
    found = [
        correction
        for folder, shown_from in ((PACKAGED, PACKAGED.parents[1]), (own, root))
        for path in sorted(folder.glob("*.yaml"))
        for correction in _read(path, path.relative_to(shown_from).as_posix())
    ]
    counts = Counter(correction.correction_id for correction in found)
    if twice := sorted(name for name, times in counts.items() if times > 1):
        files = sorted({correction.file for correction in found if correction.correction_id in twice})
        raise BadSettings(f"Correction {', '.join(twice)} is there twice, in {', '.join(files)}. Rename one.")
    return found


def _read(path: Path, shown: str) -> Iterator[Correction]:
    try:
        entries = _days_as_text(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadSettings(f"{path} is not a YAML file: {error}. Repair the line it names.") from None
    faults = list(_schema_faults(entries)) or [fault for entry in entries or [] for fault in _faults(entry)]
    if faults:
        raise BadSettings(f"{path} holds corrections that cannot be used:\n" + "\n".join(f"  - {f}" for f in faults))
    for entry in entries or []:
        yield Correction(entry["id"], entry["dataset"], entry["action"], entry["column"], entry, shown)


def _days_as_text(node: Any) -> Any:
    """YAML makes a date of 2023-02-01; a value of a correction is compared as text until its column is known."""
    if isinstance(node, date | datetime):
        return node.isoformat()
    if isinstance(node, dict):
        return {key: _days_as_text(value) for key, value in node.items()}
    return [_days_as_text(value) for value in node] if isinstance(node, list) else node


def _schema_faults(entries: Any) -> Iterator[str]:
    schema = json.loads((PACKAGED / "schema.json").read_text(encoding="utf-8"))
    for error in jsonschema.Draft202012Validator(schema).iter_errors(entries if entries is not None else []):
        where = list(error.absolute_path)
        named = _name_of(entries, where)
        yield f"{named}{'.'.join(map(str, where[1:]))}: {error.message}".replace(" : ", " ")


def _name_of(entries: Any, where: Sequence[Any]) -> str:
    if not where:
        return "the file"
    entry = entries[where[0]]
    name = entry.get("id") if isinstance(entry, dict) else None
    return f"entry {where[0] + 1}" + (f" ({name})" if name else "") + (", " if len(where) > 1 else "")


def _faults(entry: dict[str, Any]) -> Iterator[str]:
    needed = {"override": "value", "scale": "factor"}.get(entry["action"])
    for key in ("value", "factor"):
        if key == needed and key not in entry:
            yield f"{entry['id']}: {entry['action']} needs {key}. Add it."
        elif key != needed and key in entry:
            yield f"{entry['id']}: {entry['action']} knows no {key}. Remove it."
    if "evidence" in entry and needed is None:
        yield f"{entry['id']}: {entry['action']} changes no value, so it cannot change the evidence. Remove it."
    for place, day in (("date", entry["date"]), *((key, entry["match"].get(key)) for key in ("from", "to"))):
        if day is not None and not _is_day(day):
            yield f"{entry['id']}: {place} is {day}, which is no day of the calendar"
    first, end = entry["match"].get("from"), entry["match"].get("to")
    if first and end and first >= end:
        yield f"{entry['id']}: match.from {first} is not before match.to {end}, the day after the last one"
    if entry["action"] == "scale" and "factor" in entry:
        yield from _scaled_twice(entry)


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _scaled_twice(entry: dict[str, Any]) -> Iterator[str]:
    """A source that mends itself gives the scaled value, and that must not meet the guard again."""
    expect, factor = entry["expect"], entry["factor"]
    if isinstance(expect, dict):
        low, high = expect.get("at_least", -math.inf), expect.get("at_most", math.inf)
    elif isinstance(expect, int | float) and not isinstance(expect, bool):
        low = high = expect
    else:
        yield f"{entry['id']}: scale needs a number or a range as expect, not {expect!r}"
        return
    scaled_low, scaled_high = sorted((low * factor, high * factor))
    if scaled_low <= high and low <= scaled_high:
        yield (
            f"{entry['id']}: a value that was scaled by {factor:g} could still meet expect, so it would be scaled "
            "again once the source is mended. State both at_least and at_most, so narrow that no scaled value fits"
        )
