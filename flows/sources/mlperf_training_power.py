"""Power logs of the nodes in an MLPerf training submission (power/result_0/node_0.txt)."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from suanheng.flows.sources.reading.files import bare_name
from suanheng.flows.sources.reading.json_items import cell, instant_text
from suanheng.flows.sources.reading.mlperf import MARK, messages, system_of
from suanheng.flows.sources.reading.text import chunks
from suanheng.schemas.checking.records import Chunk, Unreadable, UnreadableFile

_LABELS = ("time", "power_reading", "conversion_eff", "meter_id")


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Chunk]:
    """Read the readings of a node; a row is counted as its line.

    ``conversion_eff``, which the log states once before its readings, is repeated in each.

    Args:
        path: ``…/results/<system>/<benchmark>/power/<run>/node_0.txt``.
        options: ``meter_id``, by default the system's folder and the name of the file; ``encoding``.

    Raises:
        UnreadableFile: no line is a reading of power, or nothing names the meter.
    """
    system = system_of(path)
    meter_id = options.get("meter_id") or (f"{system}/{bare_name(path).removesuffix('.txt')}" if system else None)
    if meter_id is None:
        raise UnreadableFile(
            f"Nothing names the meter of {path.name}",
            expected="…/results/<system>/<benchmark>/power/<run>/… as path, or option meter_id",
            got=str(path),
            do='Add options = { meter_id = "…" } to the [[source]] in sources.toml.',
        )
    yield from chunks(_records(path, options, str(meter_id)), _LABELS)


def _records(path: Path, options: Mapping[str, Any], meter_id: str) -> Iterator[tuple[Any, ...] | Unreadable]:
    efficiency, found = None, False
    for message in messages(path, options):
        if isinstance(message, Unreadable):
            yield message
            continue
        number, _, said = message
        if said["key"] == "conversion_eff":
            efficiency = cell(said.get("value"))
        elif said["key"] == "power_reading":
            found = True
            yield number, instant_text(said["time_ms"], per_second=1000), cell(said.get("value")), efficiency, meter_id
    if not found:
        raise UnreadableFile(
            f"{path.name} is no power log of MLPerf training",
            expected=f"lines with {MARK} and the key power_reading",
            got="none",
            do="Bind power/*/node_*.txt; logs of switches (sw_*.txt) hold an estimate and no reading.",
        )
