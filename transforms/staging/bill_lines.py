"""Which lines of a site's bills count beside each other: corrections, readings after estimates, overlaps.

All of it depends on the lines alone, not on when their files came.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from operator import itemgetter
from typing import Any

import polars as pl

Line = dict[str, Any]

OVERLAP = "overlapping_service_period"

WHOLE_DAY = "total"
"""Tariff period of a line that does not distinguish the parts of the day; it overlaps each of them."""

_start, _end = itemgetter("service_start"), itemgetter("service_end")


def credits_as_adjustments(lines: pl.DataFrame) -> pl.DataFrame:
    """Call consumption below zero an adjustment: a credit note takes off, it reads nothing and replaces no reading."""
    quantity = pl.when(pl.col("commodity") == "water").then("water_m3").otherwise("energy_kwh")
    is_credit = (pl.col("line_type") == "consumption") & (quantity < 0)
    return lines.with_columns(line_type=pl.when(is_credit).then(pl.lit("adjustment")).otherwise("line_type"))


def latest_issues(lines: pl.DataFrame) -> pl.DataFrame:
    """Leave out what a higher revision replaces.

    A higher revision of an invoice replaces its lines of the same kind, whatever their dates; a higher revision of the
    consumption from one day on replaces it under whatever invoice; and a reversal (冲红) takes back the consumption of
    a lower revision that begins on the same day.
    """
    series = ("meter_id", "commodity", "tariff_period")
    revision, line_type = pl.col("revision"), pl.col("line_type")
    is_of_consumption = line_type.is_in(["consumption", "reversal"])
    issued = revision.max().over("invoice_id", "line_type", *series)
    stated = revision.filter(is_of_consumption).max().over("service_start", *series)
    return lines.filter(
        (pl.col("invoice_id").is_null() | (revision == issued)) & ((line_type != "consumption") | (revision == stated))
    )


def without_overlaps(lines: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Let each day of a meter be read once.

    Consumption counts in this order: readings before estimates, higher before lower revisions, then by path and row.
    A line that shares days with one that counts already gives way to it: superseded where it is an estimate and
    readings cover all its days, else refused. Adjustments and all that is not consumption add up and never overlap.

    Returns:
        The lines that count, and those refused, with the columns ``wrong_value`` (the service period) and
        ``what_is_wrong``, which names both rows.
    """
    numbered = lines.with_row_index("line")
    consumption = numbered.filter(line_type="consumption").sort(
        "is_estimated", pl.col("revision").neg(), "path", "file_id", "row_number"
    )
    counted: dict[tuple[str, str], dict[str, list[Line]]] = defaultdict(lambda: defaultdict(list))
    superseded: list[int] = []
    refused: dict[int, str] = {}
    for line in consumption.iter_rows(named=True):
        of_meter = counted[line["meter_id"], line["commodity"]]
        rivals = list(_rivals(line, of_meter))
        if not rivals:
            kept = of_meter[line["tariff_period"]]
            kept.insert(bisect_left(kept, line["service_start"], key=_start), line)
        elif line["is_estimated"] and _are_readings_throughout(rivals, line):
            superseded.append(line["line"])
        else:
            refused[line["line"]] = _message(line, rivals)
    reasons = pl.DataFrame(list(refused.items()), {"line": pl.UInt32, "what_is_wrong": pl.String}, orient="row")
    period = pl.format("{} to {}", "service_start", pl.col("service_end").dt.offset_by("-1d"))
    return (
        numbered.filter(~pl.col("line").is_in([*superseded, *refused])).drop("line"),
        numbered.join(reasons, on="line", maintain_order="left").with_columns(wrong_value=period).drop("line"),
    )


def _rivals(line: Line, of_meter: dict[str, list[Line]]) -> Iterator[Line]:
    """Lines that count and share days with a line. Those of one tariff period do not share days with each other."""
    for tariff_period, kept in of_meter.items():
        if line["tariff_period"] == tariff_period or WHOLE_DAY in (line["tariff_period"], tariff_period):
            first = bisect_right(kept, line["service_start"], key=_end)
            yield from kept[first : bisect_left(kept, line["service_end"], key=_start)]


def _are_readings_throughout(rivals: list[Line], line: Line) -> bool:
    read = set().union(*map(_days, rivals))
    return not any(rival["is_estimated"] for rival in rivals) and _days(line) <= read


def _days(line: Line) -> set[int]:
    return set(range(line["service_start"].toordinal(), line["service_end"].toordinal()))


def _message(line: Line, rivals: list[Line]) -> str:
    return (
        f"{_place(line)} overlaps {' and '.join(map(_place, rivals))} of the same meter, which counts: leave out one, "
        "give a correction the same invoice_id and a higher revision, or call what comes on top an adjustment"
    )


def _place(line: Line) -> str:
    last = line["service_end"] - timedelta(days=1)
    return f"row {line['row_number']} of {line['path']} ({line['service_start']} to {last})"
