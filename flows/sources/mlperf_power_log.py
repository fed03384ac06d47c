"""Logs of the power analyser in an MLPerf submission (spl.txt): key,value pairs, all channels together first."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from suanheng.flows.sources.reading.mlperf import place
from suanheng.flows.sources.reading.text import chunks, lines
from suanheng.schemas.checking.records import Chunk, Unreadable, UnreadableFile

CHANNELS = 6
_TOTALS = ("Time", "Watts", "Volts", "Amps", "PF", "Mark")
_LABELS = (*_TOTALS, *(f"Ch{number} Watts" for number in range(1, CHANNELS + 1)), "meter_id")
_CHANNEL = re.compile(r"Ch\d+")


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Chunk]:
    """Read the readings of an analyser; a row is counted as its line.

    Args:
        path: ``<system>/<benchmark>/<scenario>/performance/…/spl.txt``.
        options: ``meter_id``, by default the system's folder: one analyser measures all benchmarks of a system, and
            benchmarks that share a run repeat its log; ``encoding``.

    Raises:
        UnreadableFile: the first line is no reading, or nothing names the meter.
    """
    meter_id = options.get("meter_id") or place(path).system
    if meter_id is None:
        raise UnreadableFile(
            f"Nothing names the meter of {path.name}",
            expected="<system>/<benchmark>/<scenario>/performance/… as path, or option meter_id",
            got=str(path),
            do='Add options = { meter_id = "…" } to the [[source]] in sources.toml.',
        )
    yield from chunks(_records(path, lines(path, options), str(meter_id)), _LABELS)


def _records(path: Path, numbered: Iterator[tuple[int, str]], meter_id: str) -> Iterator[tuple[Any, ...] | Unreadable]:
    for number, line in numbered:
        if number == 1 and not line.startswith("Time,"):
            raise UnreadableFile(
                f"{path.name} is not a log of a power analyser",
                expected="lines like Time,07-12-2024 07:18:53.356,Watts,2366.2,…",
                got=line[:200] or "an empty line",
                do="Bind the file to the format it is in.",
            )
        if not line.strip():
            continue
        pairs = _pairs(line.split(","))
        if pairs is None or "Time" not in pairs or "Watts" not in pairs:
            yield Unreadable(
                number, "key_value_pairs", "the line does not consist of Time, Watts and their values", line
            )
        else:
            yield number, *map(pairs.get, _LABELS[:-1]), meter_id


def _pairs(tokens: list[str]) -> dict[str, str] | None:
    """Keys with their values, those of a channel under e.g. ``Ch1 Watts``; ``None`` if a value is missing."""
    pairs: dict[str, str] = {}
    channel = ""
    position = 0
    while position < len(tokens):
        if _CHANNEL.fullmatch(tokens[position]):
            channel = tokens[position] + " "
            position += 1
            continue
        key = channel + tokens[position]
        if position + 1 == len(tokens) or key in pairs:
            return None
        pairs[key] = tokens[position + 1]
        position += 2
    return pairs
