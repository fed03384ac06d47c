"""Where files of telemetry in place meet: series whose samples are between those of another file, or at their instants.

What was summed within one file holds only while nothing is between. An interleaved series is taken from its samples
instead, and of samples with the same key one counts, as in every dataset: first the file whose path sorts last, then
the first row of a file. What gives way to another file is kept, and counts again where that file goes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from suanheng.schemas.formats import raw_tables
from suanheng.transforms.telemetry.survey import DATASET
from suanheng.warehouse.lake import Lake

_SERIES = "device_id, instance_id"

_ORDERED = f"""
    WITH boundary AS (
        SELECT {_SERIES}, sampled_at_utc, file_id, run, summed_samples_follow, summed_samples_precede
        FROM rollups.boundary_samples
        WHERE site_id = $site AND list_contains($adopted, file_id)
    ),
    copied AS (
        SELECT {_SERIES}, sampled_at_utc, file_id, NULL AS run, false, false
        FROM staged.accelerator_samples
        SEMI JOIN (SELECT DISTINCT {_SERIES} FROM boundary) USING ({_SERIES})
        WHERE site_id = $site AND row_number IS NOT NULL AND NOT list_contains($adopted, file_id)
            AND sampled_at_utc >= $first AND sampled_at_utc <= $last
    ),
    neighbours AS (
        SELECT
            *,
            lead(sampled_at_utc) OVER series AS next_at_utc,
            lead(file_id) OVER series AS next_file_id,
            lead(run) OVER series AS next_run,
            lead(summed_samples_precede) OVER series AS next_summed_samples_precede,
        FROM (FROM boundary UNION ALL FROM copied)
        WINDOW series AS (
            PARTITION BY {_SERIES} ORDER BY sampled_at_utc, summed_samples_precede, summed_samples_follow, file_id, run
        )
    )
    SELECT DISTINCT {_SERIES}
    FROM neighbours
    WHERE next_at_utc = sampled_at_utc
        OR summed_samples_follow IS DISTINCT FROM coalesce(next_summed_samples_precede, false)
        OR (summed_samples_follow AND (next_file_id <> file_id OR next_run IS DISTINCT FROM run))
"""

_STATED = f"""
    SELECT
        samples.* EXCLUDE (row_number),
        samples.rowid AS row_id,
        coalesce(row_number, file_row_number + 1) AS row_number,
        row_number() OVER (
            PARTITION BY {_SERIES}, sampled_at_utc, file_id ORDER BY coalesce(row_number, file_row_number + 1)
        ) AS place_in_file,
        dense_rank() OVER (PARTITION BY {_SERIES}, sampled_at_utc ORDER BY path DESC, file_id DESC) AS precedence
    FROM staged.accelerator_samples AS samples
    JOIN (SELECT file_id, min(path) AS path FROM ops.files WHERE site_id = $site AND status = 'loaded' GROUP BY ALL)
        USING (file_id)
    SEMI JOIN interleaved USING ({_SERIES})
    WHERE site_id = $site AND sampled_at_utc >= $first AND sampled_at_utc <= $last
"""


@dataclass(frozen=True)
class Overlap:
    """Adopted files of a site that overlap in time with each other and with what has changed; from when until when."""

    adopted: list[str]
    first: datetime
    last: datetime


def find_interleaved(lake: Lake, site_id: str, changed: Sequence[str]) -> pl.DataFrame:
    """Find the interleaved series anew wherever files have come, gone or changed, and settle their keys.

    Args:
        lake: the warehouse, in a transaction, with all other samples of the site staged.
        site_id: the site.
        changed: files that are new, read anew, or count no longer.

    Returns:
        Rows that repeat the key of an earlier row of their own file, as they are in stage staged.
    """
    repeated = []
    for overlap in _overlaps(lake, site_id, changed):
        _take_back(lake, site_id, overlap)
        within = {"site": site_id, "first": overlap.first, "last": overlap.last}
        interleaved = lake.frame(_ORDERED, {**within, "adopted": overlap.adopted})
        if interleaved.is_empty():
            continue
        lake.connection.register("interleaved", interleaved)
        lake.execute(
            "INSERT INTO rollups.interleaved_series "
            f"SELECT DISTINCT $site, file_id, {_SERIES} FROM staged.accelerator_samples SEMI JOIN interleaved "
            f"USING ({_SERIES}) WHERE site_id = $site AND list_contains($adopted, file_id)",
            {"site": site_id, "adopted": overlap.adopted},
        )
        repeated.append(_one_row_per_key(lake, within, overlap.adopted))
        lake.connection.unregister("interleaved")
    return pl.concat(repeated) if repeated else pl.DataFrame()


def _overlaps(lake: Lake, site_id: str, changed: Sequence[str]) -> list[Overlap]:
    """Groups of overlapping files, each with at least one that has changed and one that is adopted."""
    query = (
        "SELECT file_id, is_adopted AND status = 'loaded' AS is_adopted, first_at, last_at "
        "FROM ops.files WHERE site_id = ? AND first_at IS NOT NULL AND list_contains(?, raw_table) "
        "AND (status = 'loaded' OR list_contains(?, file_id)) ORDER BY first_at, last_at"
    )
    tables = [table for table, form in raw_tables().items() if DATASET in form.feeds]
    groups: list[list[dict[str, Any]]] = []
    last = datetime.min
    for file in lake.frame(query, [site_id, tables, list(changed)]).iter_rows(named=True):
        if not groups or file["first_at"] > last:
            groups.append([])
        groups[-1].append(file)
        last = max(last, file["last_at"]) if len(groups[-1]) > 1 else file["last_at"]
    return [
        Overlap(
            [file["file_id"] for file in group if file["is_adopted"]],
            min(file["first_at"] for file in group),
            max(file["last_at"] for file in group),
        )
        for group in groups
        if any(file["is_adopted"] for file in group) and any(file["file_id"] in changed for file in group)
    ]


def _take_back(lake: Lake, site_id: str, overlap: Overlap) -> None:
    """What gave way to another file counts again, until it is known what gives way now."""
    place = [site_id, overlap.adopted]
    where = "WHERE site_id = ? AND list_contains(?, file_id)"
    lake.execute(f"INSERT INTO staged.accelerator_samples BY NAME FROM rollups.superseded_samples {where}", place)
    for table in ("superseded_samples", "interleaved_series"):
        lake.execute(f"DELETE FROM rollups.{table} {where}", place)


def _one_row_per_key(lake: Lake, within: dict[str, object], adopted: list[str]) -> pl.DataFrame:
    lake.execute(
        f"CREATE OR REPLACE TEMP TABLE giving_way AS FROM ({_STATED}) WHERE place_in_file > 1 OR precedence > 1",
        within,
    )
    lake.execute("DELETE FROM staged.accelerator_samples WHERE rowid IN (SELECT row_id FROM temp.giving_way)")
    lake.execute(
        "INSERT INTO rollups.superseded_samples BY NAME "
        "SELECT * EXCLUDE (row_id, place_in_file, precedence) FROM temp.giving_way "
        "WHERE place_in_file = 1 AND list_contains(?, file_id)",
        [adopted],
    )
    repeated = lake.frame(
        "SELECT * EXCLUDE (row_id, place_in_file, precedence) FROM temp.giving_way WHERE place_in_file > 1"
    )
    lake.execute("DROP TABLE temp.giving_way")
    return repeated
