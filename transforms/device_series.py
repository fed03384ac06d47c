"""Series-hours of a quarter: settled sums as they are, and everything else summed here, whichever file it came from."""

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl

from suanheng.schemas import suspicion
from suanheng.transforms import sample_rows, series_hours, survey
from suanheng.transforms.sample_rows import MEASURED, SampleRows
from suanheng.transforms.survey import Grounds
from suanheng.warehouse.lake import Lake

ROWS_AT_ONCE = 2_000_000
"""Loose samples that are summed at once; of more, devices are divided into groups."""

_UNKNOWN_W = 20_000.0
"""The most power a device of an unknown model can draw."""

_COLUMNS = ("row_number", "node_id", "device_id", "instance_id", "sku", "sampled_at_utc", *MEASURED)

_LOOSE = f"""
    WITH adopted AS (
        SELECT file_id FROM ops.files WHERE site_id = getvariable('site_id') AND is_adopted
    ),
    tangled AS (
        SELECT file_id, device_id, instance_id
        FROM rollups.tangled_series
        WHERE site_id = getvariable('site_id')
    ),
    near AS (
        SELECT {", ".join(_COLUMNS)}, file_id, evidence_class, is_settled
        FROM rollups.loose_samples ANTI JOIN tangled USING (file_id, device_id, instance_id)
        WHERE {{within}}
        UNION ALL
        SELECT {", ".join(_COLUMNS)}, file_id, evidence_class, false
        FROM staged.accelerator_samples ANTI JOIN adopted USING (file_id)
        WHERE {{within}}
        UNION ALL
        SELECT {", ".join(_COLUMNS)}, file_id, evidence_class, false
        FROM staged.accelerator_samples SEMI JOIN tangled USING (file_id, device_id, instance_id)
        WHERE {{within}} AND file_id IN (FROM adopted)
    )
    SELECT near.*, evidence_rank FROM near JOIN reference.evidence_classes USING (evidence_class)
"""

_WITHIN = """
    site_id = getvariable('site_id')
    AND sampled_at_utc < getvariable('end_utc') + INTERVAL 1 DAY
    AND sampled_at_utc + greatest(INTERVAL 2 DAY, to_microseconds((coalesce(interval_s, 0) * 1e6)::BIGINT))
        > getvariable('start_utc')
"""

_SETTLED = f"""
    SELECT device_id, instance_id, hour_start_utc, node_id, sku, {", ".join(series_hours.SUMS)}, evidence_rank
    FROM rollups.settled_series_hour
    ANTI JOIN (
        SELECT file_id, device_id, instance_id FROM rollups.tangled_series WHERE site_id = getvariable('site_id')
    ) USING (file_id, device_id, instance_id)
    JOIN reference.evidence_classes USING (evidence_class)
    WHERE site_id = getvariable('site_id')
        AND hour_start_utc >= getvariable('start_utc') AND hour_start_utc < getvariable('end_utc')
"""


def make_series_hours(lake: Lake) -> None:
    """Make ``rollups.series_hour``, one row per file, series and hour of the quarter; parts of an hour add up.

    Args:
        lake: on the bench, with the variables of the quarter set.
    """
    origin_us = lake.value("SELECT epoch_us(getvariable('start_utc'))")
    lake.execute(f"CREATE OR REPLACE TABLE rollups.series_hour AS {_SETTLED}")
    for hours in _loose_hours(lake, origin_us, highest_powers(lake)):
        lake.connection.register("hours", hours)
        lake.execute(
            "INSERT INTO rollups.series_hour BY NAME FROM hours "
            "WHERE hour_start_utc >= getvariable('start_utc') AND hour_start_utc < getvariable('end_utc')"
        )
        lake.connection.unregister("hours")


def _loose_hours(lake: Lake, origin_us: int, highest_w: dict[str, float]) -> Iterator[pl.DataFrame]:
    loose = _LOOSE.format(within=_WITHIN)
    groups = -(-lake.value(f"SELECT count(*) FROM ({loose})") // ROWS_AT_ONCE)
    for group in range(groups):
        found = lake.frame(f"SELECT * FROM ({loose}) WHERE hash(device_id) % ? = ?", [groups, group])
        rows, _ = SampleRows.of_frame(found).in_order()
        series = rows.series
        samples = rows.samples(series, highest_w, _UNKNOWN_W)
        yield rows.named(series_hours.sums(samples, ~rows.is_settled, origin_us), origin_us)


def highest_powers(lake: Lake) -> dict[str, float]:
    """The most power one device of a model can draw, in W, by SKU: 1.2 times its thermal design power."""
    query = "SELECT sku, 1.2 * max(tdp_w) FROM reference.accelerators WHERE is_usable AND tdp_w > 0 GROUP BY sku"
    return dict(lake.frame(query).iter_rows())


def grounds(lake: Lake, site_id: str, at: datetime) -> Grounds:
    """What a survey of a site's samples rests on besides the file.

    Args:
        lake: the warehouse.
        site_id: the site.
        at: an instant in the file (UTC); hours begin there as they do at the site.
    """
    zone = lake.value("SELECT time_zone FROM reference.sites WHERE site_id = ?", [site_id]) or "UTC"
    offset = ZoneInfo(zone).utcoffset(at) or timedelta()
    origin_us = -(offset // timedelta(microseconds=1)) % series_hours.HOUR_US
    return Grounds(highest_powers(lake), _UNKNOWN_W, origin_us)


def grounds_hash(lake: Lake) -> str:
    """Hash of what decides the outcome of a survey besides file, contract and site."""
    powers = repr(sorted(highest_powers(lake).items()))
    return hashlib.sha256(f"{powers} {survey_code()}".encode()).hexdigest()


@cache
def survey_code() -> str:
    """Hash of the code that surveys."""
    digest = hashlib.sha256()
    for module in (series_hours, sample_rows, survey, suspicion):
        digest.update(Path(str(module.__file__)).read_bytes())
    return digest.hexdigest()
