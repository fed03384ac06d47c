"""Where files of telemetry in place meet others: series with samples between those of another, or at their instants.

What was summed within one file, or one day of copied samples, holds only while nothing is between. An interleaved
series is taken from its samples instead, and of samples with the same key one counts, as in every dataset: first the
file whose path sorts last, then the first row of a file. What gives way to another file is kept, and counts again
where that file goes. Days of copied samples are among each other as they should be: each has been staged as a whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl

from suanheng.transforms.telemetry.survey import DATASET
from suanheng.warehouse.lake import Lake

_SERIES = "device_id, instance_id"

SUMMED_WITH = """
    CASE
        WHEN (site_id, file_id) IN (SELECT (site_id, file_id) FROM ops.files WHERE is_adopted) THEN file_id
        ELSE strftime(sampled_at_utc, '%Y-%m-%d')
    END
"""
"""What a sample is summed with: its file in place, or its day. By that its sums and boundary samples go."""

_ORDERED = f"""
    WITH boundary AS (
        SELECT {_SERIES}, sampled_at_utc, file_id, run, summed_samples_follow, summed_samples_precede
        FROM rollups.boundary_samples
        WHERE site_id = $site AND list_contains($summed, file_id)
    ),
    neighbours AS (
        SELECT
            *,
            lead(sampled_at_utc) OVER series AS next_at_utc,
            lead(file_id) OVER series AS next_file_id,
            lead(run) OVER series AS next_run,
            lead(summed_samples_precede) OVER series AS next_summed_samples_precede,
        FROM boundary
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
    """What overlaps in time with each other and with what has changed; from when until when.

    Attributes:
        adopted: files in place.
        days: days of copied samples.
        first: earliest instant.
        last: latest one.
    """

    adopted: list[str]
    days: list[str]
    first: datetime
    last: datetime

    @property
    def summed(self) -> list[str]:
        """By what its sums go."""
        return [*self.adopted, *self.days]


def find_interleaved(lake: Lake, site_id: str, files: Sequence[str], days: Sequence[date]) -> pl.DataFrame:
    """Find the interleaved series anew wherever files or days have come, gone or changed, and settle their keys.

    Args:
        lake: the warehouse, in a transaction.
        site_id: the site.
        files: those in place that are new, read anew, or count no longer.
        days: those that were staged anew, or are not any more.

    Returns:
        Rows that repeat the key of an earlier row of their own file, as they are in stage staged.
    """
    repeated = []
    for overlap in _overlaps(lake, site_id, files, days):
        _take_back(lake, site_id, overlap)
        if not overlap.adopted:
            continue
        within = {"site": site_id, "first": overlap.first, "last": overlap.last}
        interleaved = lake.frame(_ORDERED, {"site": site_id, "summed": overlap.summed})
        if interleaved.is_empty():
            continue
        lake.connection.register("interleaved", interleaved)
        lake.execute(
            "INSERT INTO rollups.interleaved_series "
            f"SELECT DISTINCT $site, {SUMMED_WITH} AS summed_with, {_SERIES} FROM staged.accelerator_samples "
            f"SEMI JOIN interleaved USING ({_SERIES}) WHERE site_id = $site "
            "AND sampled_at_utc >= $first AND sampled_at_utc <= $last AND list_contains($summed, summed_with)",
            {**within, "summed": overlap.summed},
        )
        repeated.append(_one_row_per_key(lake, within))
        lake.connection.unregister("interleaved")
    return pl.concat(repeated) if repeated else pl.DataFrame()


def _overlaps(lake: Lake, site_id: str, files: Sequence[str], days: Sequence[date]) -> list[Overlap]:
    """Groups of overlapping files in place and days, each with at least one that has changed."""
    query = """
        SELECT file_id, status = 'loaded' AS is_adopted, false AS is_day, first_at, last_at
        FROM ops.files
        WHERE site_id = $site AND is_adopted AND first_at IS NOT NULL
            AND (status = 'loaded' OR list_contains($files, file_id))
        UNION ALL
        SELECT day::VARCHAR, false, true, day::TIMESTAMP, day::TIMESTAMP + INTERVAL 1 DAY - INTERVAL 1 MICROSECOND
        FROM (
            SELECT day FROM ops.stagings WHERE site_id = $site AND dataset = $dataset AND day IS NOT NULL
            UNION
            SELECT unnest($days::DATE[])
        )
        ORDER BY first_at, last_at
    """
    groups: list[list[dict[str, Any]]] = []
    last = datetime.min
    found = lake.frame(query, {"site": site_id, "files": list(files), "days": list(days), "dataset": DATASET})
    changed = {*files, *map(str, days)}
    for file in found.iter_rows(named=True):
        if not groups or file["first_at"] > last:
            groups.append([])
        groups[-1].append(file)
        last = max(last, file["last_at"]) if len(groups[-1]) > 1 else file["last_at"]
    return [
        Overlap(
            [file["file_id"] for file in group if file["is_adopted"]],
            [file["file_id"] for file in group if file["is_day"]],
            min(file["first_at"] for file in group),
            max(file["last_at"] for file in group),
        )
        for group in groups
        if any(file["file_id"] in changed for file in group)
    ]


def _take_back(lake: Lake, site_id: str, overlap: Overlap) -> None:
    """What gave way to another file counts again, until it is known what gives way now."""
    within = {"site": site_id, "summed": overlap.summed, "first": overlap.first, "last": overlap.last}
    where = (
        "WHERE site_id = $site AND sampled_at_utc >= $first AND sampled_at_utc <= $last "
        f"AND list_contains($summed, {SUMMED_WITH})"
    )
    lake.execute(f"INSERT INTO staged.accelerator_samples BY NAME FROM rollups.superseded_samples {where}", within)
    lake.execute(f"DELETE FROM rollups.superseded_samples {where}", within)
    lake.execute(
        "DELETE FROM rollups.interleaved_series WHERE site_id = ? AND list_contains(?, file_id)",
        [site_id, overlap.summed],
    )


def _one_row_per_key(lake: Lake, within: dict[str, object]) -> pl.DataFrame:
    lake.execute(
        f"CREATE OR REPLACE TEMP TABLE giving_way AS FROM ({_STATED}) WHERE place_in_file > 1 OR precedence > 1",
        within,
    )
    lake.execute("DELETE FROM staged.accelerator_samples WHERE rowid IN (SELECT row_id FROM temp.giving_way)")
    lake.execute(
        "INSERT INTO rollups.superseded_samples BY NAME "
        "SELECT * EXCLUDE (row_id, place_in_file, precedence) FROM temp.giving_way WHERE place_in_file = 1"
    )
    repeated = lake.frame(
        "SELECT * EXCLUDE (row_id, place_in_file, precedence) FROM temp.giving_way WHERE place_in_file > 1"
    )
    lake.execute("DROP TABLE temp.giving_way")
    return repeated
