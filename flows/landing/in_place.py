"""Ingests a large Parquet file of accelerator samples in place: surveyed in one pass, adopted, never copied."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from suanheng.config.errors import SuanhengError
from suanheng.schemas.checking.records import Checked, Chunk, check
from suanheng.schemas.formats import template
from suanheng.schemas.staged import DATASETS
from suanheng.schemas.tables.ops import RECORDS
from suanheng.schemas.tables.surveyed import BOUNDARY_SAMPLES, FILE_HOUR_SUMS, SURVEYED
from suanheng.transforms.definitions import corrections
from suanheng.transforms.staging import stage
from suanheng.transforms.telemetry.quarter_sums import survey_inputs
from suanheng.transforms.telemetry.survey import DATASET, first_instant, is_adoptable, parts, rows_of, survey
from suanheng.transforms.telemetry.survey_batch import MARKS, Survey
from suanheng.warehouse.adoption import adopt, take_out
from suanheng.warehouse.engine import memory_given_back
from suanheng.warehouse.lake import Lake

RAW_TABLE = f"template_{DATASET}"
STAGED_TABLE = f"staged.{DATASET}"

LARGE_ROWS = 200_000
"""Rows from which a file is ingested in place; fewer are copied, which keeps small files together."""

MOST_READ_OTHERWISE = 200_000
"""Rows that the gate may read otherwise than they are; a file with more is read row by row."""

Surveyor = Callable[[Lake, Path, str], Survey]
"""Surveys all parts of a file of a site, wherever."""


class NotSurveyed(SuanhengError):
    """Raised by a surveyor that cannot survey at present; nothing is said of the file."""


@dataclass(frozen=True)
class Taken:
    """What was ingested.

    Attributes:
        accepted: rows that keep the contract.
        rejected: records that do not.
        first_at: earliest instant.
        last_at: latest one.
    """

    accepted: int
    rejected: int
    first_at: datetime | None
    last_at: datetime | None


@dataclass(frozen=True)
class Placed:
    """A file, and whose it is."""

    path: Path
    site_id: str
    file_id: str
    evidence_class: str


def is_candidate(lake: Lake, table: str, path: Path, site_id: str) -> bool:
    """Whether a file is large, and can be read as it is: nothing is to be translated, repaired or corrected."""
    return (
        table == RAW_TABLE
        and path.suffix == ".parquet"
        and is_adoptable(path)
        and rows_of(path) >= LARGE_ROWS
        and not corrections.concerning(corrections.in_force(lake), site_id, DATASET)
    )


def survey_whole(lake: Lake, path: Path, site_id: str) -> Survey:
    """Survey all parts of a file here, on as many threads as the warehouse has."""
    return survey(parts(path), survey_inputs(lake, site_id, first_instant(path)), threads(lake))


def threads(lake: Lake) -> int:
    """Threads that the warehouse has."""
    return int(lake.value("SELECT current_setting('threads')"))


def ingest(lake: Lake, file: Placed, found: Survey) -> Taken | None:
    """Make the rows of a surveyed file rows of stage staged, but for those that break the contract or repeat a key.

    Args:
        lake: the warehouse, in a transaction.
        file: the file.
        found: its survey.

    Returns:
        What was ingested, or nothing where the file must be read row by row after all.
    """
    contract = template(DATASET).contract
    checked = check(Chunk(found.suspected), contract, time_zone="UTC")
    if checked.accepted.height > MOST_READ_OTHERWISE:
        return None
    place = {"site_id": file.site_id, "file_id": file.file_id, "evidence_class": file.evidence_class}
    adopt(lake, STAGED_TABLE, file.path, {**place, **_defaults(file.path)})
    out = [found.suspected["row_number"], found.duplicates["row_number"]]
    take_out(lake, STAGED_TABLE, file.site_id, file.file_id, pl.concat(out))
    named = {name: pl.lit(value) for name, value in place.items()}
    lake.insert(STAGED_TABLE, checked.accepted.with_columns(**named))
    lake.insert("rollups.file_hour_sums", found.hours.with_columns(**named).select(list(FILE_HOUR_SUMS.columns)))
    boundary = pl.concat([found.boundary, _as_boundary(checked.accepted)], how="diagonal").with_columns(**named)
    # Next comes the survey of another file, which DuckDB has no part in.
    with memory_given_back(lake.connection):
        lake.insert("rollups.boundary_samples", boundary.select(list(BOUNDARY_SAMPLES.columns)))
    _quarantine(lake, checked, found.duplicates.with_columns(**named), file)
    instants = [found.first_at, found.last_at, *checked.accepted["sampled_at_utc"]]
    stated = [instant for instant in instants if instant]
    rejected = checked.rejected.height
    return Taken(found.rows - rejected, rejected, min(stated, default=None), max(stated, default=None))


def forget(lake: Lake, site_id: str, file_ids: list[str]) -> None:
    """Remove what was ingested of files: those of them that were adopted count no longer."""
    adopted = "SELECT file_id FROM ops.files WHERE site_id = ? AND is_adopted AND list_contains(?, file_id)"
    if going := lake.frame(adopted, [site_id, file_ids]).to_series().to_list():
        for table in (STAGED_TABLE, *(f"rollups.{name}" for name in SURVEYED)):
            lake.execute(f"DELETE FROM {table} WHERE site_id = ? AND list_contains(?, file_id)", [site_id, going])
        lake.execute(
            "DELETE FROM quarantine.records "
            "WHERE stage = 'staged' AND table_name = ? AND site_id = ? AND list_contains(?, file_id)",
            [DATASET, site_id, going],
        )


def _defaults(path: Path) -> dict[str, object]:
    """What the contract says of columns that the file does not have."""
    there = pl.read_parquet_schema(path)
    defaults = {name: column.default for name, column in template(DATASET).contract.columns.items()}
    return {name: value for name, value in defaults.items() if value is not None and name not in there}


def _as_boundary(rows: pl.DataFrame) -> pl.DataFrame:
    marks = {name: pl.lit(False) for name in MARKS if name != "run"}
    return rows.with_columns(run=pl.col("row_number"), **marks)


def _quarantine(lake: Lake, checked: Checked, duplicates: pl.DataFrame, file: Placed) -> None:
    rejected = checked.rejected.with_columns(
        stage=pl.lit("raw"),
        site_id=pl.lit(file.site_id),
        file_id=pl.lit(file.file_id),
        table_name=pl.lit(RAW_TABLE),
        staged_day=pl.lit(None, pl.Date),
        run_id=pl.lit(lake.run_id),
    )
    lake.insert("quarantine.records", rejected.select(list(RECORDS.columns)))
    records = stage.repeated_keys(duplicates, DATASETS[DATASET]).with_columns(staged_day=pl.lit(None, pl.Date))
    stage.quarantine(lake, records, file.site_id, DATASET)
