"""The way of a file into the warehouse, without the warehouse: reader, gate, feed, gate, recipe."""

from collections.abc import Callable, Mapping
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

import suanheng.config
import suanheng.transforms
from suanheng.schemas.checking.records import Checked, Chunk, check
from suanheng.schemas.columns import EVIDENCE_CLASSES
from suanheng.schemas.formats import landed, raw_tables
from suanheng.schemas.staged import DATASETS
from suanheng.schemas.tables.ops import FILES, STAGINGS
from suanheng.schemas.tables.reference import REFERENCE
from suanheng.schemas.tables.surveyed import SURVEYED
from suanheng.transforms.definitions.recipes import feeds, tables_read
from suanheng.transforms.telemetry.quarter_sums import make_series_hours
from suanheng.warehouse.lake import Lake
from suanheng.warehouse.tables import sql_type

RECIPES = Path(suanheng.transforms.__file__).parent
FACTS = Path(next(iter(suanheng.config.__path__))) / "reference"
FILE_ID = "0" * 64


@pytest.fixture
def samples() -> Path:
    """Folder of the tiny look-alikes."""
    return Path(__file__).parents[2] / "data"


@pytest.fixture
def gated() -> Callable[..., tuple[pl.DataFrame, pl.DataFrame]]:
    """Reader and raw gate: ``gated(format, path, options, time_zone, site_id)`` -> accepted, rejected.

    The accepted frame carries the provenance columns, as a landed raw table does.
    """

    def run(
        format: str,
        path: Path,
        options: Mapping[str, Any] | None = None,
        time_zone: str | None = None,
        site_id: str = "site-a",
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        contract = import_module(f"suanheng.schemas.raw.{format}").CONTRACT
        read = import_module(f"suanheng.flows.sources.{format}").read
        checked = [check(chunk, contract, time_zone) for chunk in read(path, options or {})]
        checked = checked or [check(Chunk(pl.DataFrame(schema={"row_number": pl.Int64})), contract, time_zone)]
        accepted = pl.concat([part.accepted for part in checked]).with_columns(
            site_id=pl.lit(site_id), file_id=pl.lit(FILE_ID), evidence_class=pl.lit("measured")
        )
        return accepted, pl.concat([part.rejected for part in checked])

    return run


@pytest.fixture
def feed() -> Callable[[str, str, pl.DataFrame], pl.DataFrame]:
    """The feed's SQL over a raw table: ``feed(format, dataset, frame)`` -> staged columns as they come out.

    Tables of other formats that the feed reads besides are empty.
    """

    def run(format: str, dataset: str, frame: pl.DataFrame) -> pl.DataFrame:
        (recipe,) = [feed for feed in feeds(dataset) if f"raw.{format}" in feed.reads]
        others = {
            table: pl.DataFrame(schema=landed(raw_tables()[table.removeprefix("raw.")]).dtypes())
            for table in recipe.reads
            if table.startswith("raw.")
        }
        return _select(recipe.path, {**others, f"raw.{format}": frame, **_facts_read_by(recipe.path)})

    return run


@pytest.fixture
def staged() -> Callable[[str, pl.DataFrame], Checked]:
    """The staged gate: ``staged(dataset, fed frame)`` -> accepted (all columns of the contract) and rejected."""

    def run(dataset: str, fed: pl.DataFrame) -> Checked:
        contract = DATASETS[dataset]
        numbered = fed.with_row_index("ordinal", offset=1).rename({"row_number": "source_row"})
        checked = check(Chunk(numbered.rename({"ordinal": "row_number"})), contract)
        source_rows = numbered.select(pl.col("ordinal").cast(pl.Int64).alias("row_number"), "source_row")
        restored = (
            checked.accepted.join(source_rows, on="row_number", maintain_order="left")
            .drop("row_number")
            .rename({"source_row": "row_number"})
        )
        return Checked(restored.select(list(contract.columns)), checked.rejected)

    return run


@pytest.fixture
def rolled() -> Callable[..., pl.DataFrame]:
    """A recipe over given tables: ``rolled("rollups/run_energy", {"staged.workload_runs": frame}, ...)``.

    The reference tables of sites, months and evidence classes are made for one site and the scope.
    """

    def run(
        recipe: str,
        tables: Mapping[str, pl.DataFrame],
        period_start: date,
        period_end: date,
        time_zone: str = "UTC",
        site_id: str = "site-a",
    ) -> pl.DataFrame:
        reference = {
            "reference.sites": pl.DataFrame({"site_id": [site_id], "time_zone": [time_zone]}),
            "reference.site_months": _months(site_id, period_start, period_end, time_zone),
            "reference.evidence_classes": pl.DataFrame(
                {"evidence_class": EVIDENCE_CLASSES, "evidence_rank": range(1, len(EVIDENCE_CLASSES) + 1)}
            ),
        }
        if "staged.accelerator_samples" in tables:
            reference["reference.accelerators"] = _fact("accelerators")
        months = reference["reference.site_months"]
        variables = {
            "site_id": site_id,
            "period_start": period_start,
            "period_end": period_end,
            "start_utc": months["start_utc"].min(),
            "end_utc": months["end_utc"].max(),
        }
        return _select(RECIPES / f"{recipe}.sql", {**reference, **tables}, variables)

    return run


def _facts_read_by(recipe: Path) -> dict[str, pl.DataFrame]:
    """The packaged reference tables that a feed names."""
    names = {
        table.removeprefix("reference.")
        for table in tables_read(recipe, recipe.read_text(encoding="utf-8"))
        if table.startswith("reference.")
    }
    return {f"reference.{name}": _fact(name) for name in names}


def _fact(name: str) -> pl.DataFrame:
    rows = pl.read_csv(FACTS / f"{name}.csv", infer_schema=False).with_row_index("row_number", offset=2)
    return check(Chunk(rows), REFERENCE[name], "UTC").accepted


def _select(
    recipe: Path, tables: Mapping[str, pl.DataFrame], variables: Mapping[str, Any] | None = None
) -> pl.DataFrame:
    with duckdb.connect() as connection:
        for name, frame in tables.items():
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {name.split('.')[0]}")
            connection.register("given", frame.to_arrow())
            connection.execute(f"CREATE TABLE {name} AS FROM given")
            connection.unregister("given")
        for name, value in (variables or {}).items():
            connection.execute(f"SET VARIABLE {name} = ?", [value])
        if "staged.accelerator_samples" in tables and variables:
            _sum_samples(connection)
        return connection.sql(recipe.read_text(encoding="utf-8")).pl()


def _sum_samples(connection: duckdb.DuckDBPyConnection) -> None:
    """What the build does before its recipes; no file is in place here."""
    for stage in ("rollups", "ops"):
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {stage}")
    ledger = {"ops.files": FILES, "ops.stagings": STAGINGS}
    for table, contract in {**{f"rollups.{name}": table for name, table in SURVEYED.items()}, **ledger}.items():
        columns = ", ".join(f'"{name}" {sql_type(dtype)}' for name, dtype in contract.dtypes().items())
        connection.execute(f"CREATE TABLE {table} ({columns})")
    make_series_hours(Lake(connection, data_path=""))


def _months(site_id: str, period_start: date, period_end: date, time_zone: str) -> pl.DataFrame:
    starts = pl.DataFrame(
        {"month_start": pl.date_range(period_start, period_end, "1mo", closed="left", eager=True)}
    ).with_columns(month_end=pl.col("month_start").dt.offset_by("1mo"))

    def in_utc(day: str) -> pl.Expr:
        local = pl.col(day).cast(pl.Datetime("us")).dt.replace_time_zone(time_zone)
        return local.dt.convert_time_zone("UTC").dt.replace_time_zone(None)

    return starts.with_columns(
        site_id=pl.lit(site_id), start_utc=in_utc("month_start"), end_utc=in_utc("month_end")
    ).with_columns(hours=(pl.col("end_utc") - pl.col("start_utc")).dt.total_hours().cast(pl.Decimal(38, 9)))
