"""Series-hours of a quarter: file-hour sums as they are, and all else summed here, whichever file it came from."""

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from suanheng.config import fingerprints
from suanheng.transforms.telemetry import hourly_sums
from suanheng.transforms.telemetry.overlapping_files import SUMMED_WITH
from suanheng.transforms.telemetry.sample_arrays import (
    MEASURED,
    NAMES,
    Names,
    highest_of_models,
    in_order,
    named,
    samples_of_frame,
)
from suanheng.transforms.telemetry.survey_batch import SurveyInputs
from suanheng.warehouse.lake import Lake

ROWS_AT_ONCE = 2_000_000
"""Samples that are summed at once; of more, devices are divided into groups."""

SERIES_HOURS_AT_ONCE = 250_000
"""Series-hours of one span of a quarter; of more where a single hour holds more."""

_HOUR = timedelta(hours=1)

_UNKNOWN_W = 20_000.0
"""The most power a device of an unknown model can draw."""

_COLUMNS = ("row_number", "node_id", "device_id", "instance_id", "sku", "sampled_at_utc", *MEASURED)

_INTERLEAVED = """
    SELECT file_id, device_id, instance_id FROM rollups.interleaved_series
"""

_AT_BOUNDARIES = f"""
    SELECT {{columns}}, is_summed
    FROM rollups.boundary_samples ANTI JOIN ({_INTERLEAVED}) USING (file_id, device_id, instance_id)
    WHERE {{within}}
"""

# Only rows in place have no number, and without one their files need not be opened.
_OF_NO_DAY = """
    SELECT {columns}, false AS is_summed
    FROM staged.accelerator_samples
    WHERE {within} AND row_number IS NOT NULL AND file_id NOT IN (SELECT file_id FROM ops.files WHERE is_adopted)
"""
"""Samples that an older version copied: it did not stage them day by day, and a publication may rest on them."""

_INTERLEAVED_SAMPLES = f"""
    SELECT {{columns}}, false AS is_summed
    FROM (SELECT *, {SUMMED_WITH} AS summed_with FROM staged.accelerator_samples WHERE {{within}}) AS samples
    SEMI JOIN ({_INTERLEAVED}) AS interleaved ON
        interleaved.file_id = summed_with
        AND interleaved.device_id = samples.device_id
        AND interleaved.instance_id = samples.instance_id
"""

_WITHIN = """
    site_id = getvariable('site_id')
    AND sampled_at_utc < getvariable('end_utc') + INTERVAL 1 DAY
    AND sampled_at_utc + greatest(INTERVAL 2 DAY, to_microseconds((coalesce(interval_s, 0) * 1e6)::BIGINT))
        > getvariable('start_utc')
"""

_FILE_HOUR_SUMS = f"""
    SELECT device_id, instance_id, hour_start_utc, node_id, sku, {", ".join(hourly_sums.SUMS)}, evidence_rank
    FROM rollups.file_hour_sums
    ANTI JOIN ({_INTERLEAVED}) USING (file_id, device_id, instance_id)
    JOIN reference.evidence_classes USING (evidence_class)
    WHERE site_id = getvariable('site_id')
"""

_SERIES_HOURS = f"""
    SELECT * FROM ({_FILE_HOUR_SUMS} UNION ALL BY NAME FROM rollups.boundary_series_hour)
    WHERE hour_start_utc >= getvariable('span_start_utc') AND hour_start_utc < getvariable('span_end_utc')
"""

_HOURS = """
    SELECT hour_start_utc, count(*) AS series_hours
    FROM (
        SELECT hour_start_utc FROM rollups.file_hour_sums WHERE site_id = getvariable('site_id')
        UNION ALL
        SELECT hour_start_utc FROM rollups.boundary_series_hour
    )
    WHERE hour_start_utc >= getvariable('start_utc') AND hour_start_utc < getvariable('end_utc')
    GROUP BY hour_start_utc
    ORDER BY hour_start_utc
"""


def make_series_hours(lake: Lake) -> None:
    """Make ``rollups.series_hour``, one row per file, series and hour of a span; parts of an hour add up.

    It is a view, of the whole quarter until another of its ``spans`` is set: rows are many, and one recipe reads them.

    Args:
        lake: in the scratch database, with the variables of the quarter set.
    """
    origin_us = lake.value("SELECT epoch_us(getvariable('start_utc'))")
    lake.execute(f"CREATE OR REPLACE TABLE rollups.boundary_series_hour AS {_FILE_HOUR_SUMS} LIMIT 0")
    for hours in _hours_of_samples(lake, origin_us, highest_powers(lake)):
        lake.connection.register("hours", hours)
        lake.execute("INSERT INTO rollups.boundary_series_hour BY NAME FROM hours")
        lake.connection.unregister("hours")
    lake.execute(f"CREATE OR REPLACE VIEW rollups.series_hour AS {_SERIES_HOURS}")
    see_whole_quarter(lake)


def see_whole_quarter(lake: Lake) -> None:
    """Let ``rollups.series_hour`` show all hours of the quarter."""
    lake.execute("SET VARIABLE span_start_utc = getvariable('start_utc')")
    lake.execute("SET VARIABLE span_end_utc = getvariable('end_utc')")


def spans(lake: Lake) -> list[dict[str, datetime]]:
    """Divide the hours of a quarter that hold samples: variables of spans with few enough series-hours to sum at once.

    There is always one span.

    Args:
        lake: in the scratch database, after ``make_series_hours``.
    """
    hours = lake.frame(_HOURS).rows()
    if not hours:
        return [{}]
    starts: list[datetime] = []
    held = SERIES_HOURS_AT_ONCE
    for hour, of_hour in hours:
        if held + of_hour > SERIES_HOURS_AT_ONCE:
            starts.append(hour)
            held = 0
        held += of_hour
    ends = [*starts[1:], hours[-1][0] + _HOUR]
    return [{"span_start_utc": start, "span_end_utc": end} for start, end in zip(starts, ends, strict=True)]


def _hours_of_samples(lake: Lake, origin_us: int, highest_w: dict[str, float]) -> Iterator[pl.DataFrame]:
    columns = ", ".join((*_COLUMNS, "evidence_class"))
    near = " UNION ALL ".join(part.format(columns=columns, within=_WITHIN) for part in _not_summed(lake))
    lake.execute(
        "CREATE OR REPLACE TEMP TABLE near AS "
        f"SELECT near.*, evidence_rank FROM ({near}) AS near JOIN reference.evidence_classes USING (evidence_class)"
    )
    groups = -(-lake.value("SELECT count(*) FROM near") // ROWS_AT_ONCE)
    for group in range(groups):
        found = lake.frame("SELECT * FROM near WHERE hash(device_id) % ? = ? ORDER BY row_number", [groups, group])
        names = {name: Names(found[name].drop_nulls().unique().to_list()) for name in NAMES}
        samples = samples_of_frame(found, names)
        order, _ = in_order(samples, np.ones(len(found), np.bool_))
        is_summed = found["is_summed"].to_numpy()[order.rows]
        order = order._replace(counts=~is_summed)
        hours = hourly_sums.sums(samples, order, highest_of_models(names, highest_w, _UNKNOWN_W), origin_us)
        yield named(hours, names, origin_us)
    lake.execute("DROP TABLE near")


def _not_summed(lake: Lake) -> list[str]:
    """Where samples are that no file or day has summed; all are scanned only where some are interleaved."""
    is_interleaved = lake.value(f"SELECT count(*) FROM ({_INTERLEAVED})") > 0
    is_by_day = lake.value(
        "SELECT count(*) FROM ops.stagings "
        "WHERE site_id = getvariable('site_id') AND dataset = 'accelerator_samples' AND day IS NOT NULL"
    )
    return [
        _AT_BOUNDARIES,
        *([] if is_by_day else [_OF_NO_DAY]),
        *([_INTERLEAVED_SAMPLES] if is_interleaved else []),
    ]


def highest_powers(lake: Lake) -> dict[str, float]:
    """The most power one device of a model can draw, in W, by SKU: 1.2 times its thermal design power."""
    query = "SELECT sku, 1.2 * max(tdp_w) FROM reference.accelerators WHERE is_usable AND tdp_w > 0 GROUP BY sku"
    return dict(lake.frame(query).iter_rows())


def survey_inputs(lake: Lake, site_id: str, at: datetime) -> SurveyInputs:
    """What a survey of a site's samples rests on besides the file.

    Args:
        lake: the warehouse.
        site_id: the site.
        at: an instant in the file (UTC); hours begin there as they do at the site.
    """
    return SurveyInputs(highest_powers(lake), _UNKNOWN_W, hours_begin_us(time_zone(lake, site_id), at))


def time_zone(lake: Lake, site_id: str) -> ZoneInfo:
    """Zone of a site's calendar; UTC where nobody says."""
    return ZoneInfo(lake.value("SELECT time_zone FROM reference.sites WHERE site_id = ?", [site_id]) or "UTC")


def hours_begin_us(zone: ZoneInfo, at: datetime) -> int:
    """Where in an hour of UTC the hours of a zone begin, around an instant (UTC)."""
    offset = zone.utcoffset(at) or timedelta()
    return -(offset // timedelta(microseconds=1)) % hourly_sums.HOUR_US


def survey_inputs_hash(lake: Lake) -> str:
    """Hash of what decides the outcome of a survey besides file, contract and site."""
    powers = repr(sorted(highest_powers(lake).items()))
    return hashlib.sha256(f"{powers} {survey_code()}".encode()).hexdigest()


def survey_code() -> str:
    """Hash of the code that surveys."""
    return fingerprints.installed().hash_of("telemetry", "contracts")
