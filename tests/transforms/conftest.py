"""A warehouse in memory: empty staged tables, the packaged reference facts, one site with its months and periods."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import polars as pl
import pytest

import suanheng.config
import suanheng.transforms
from suanheng.schemas.checking.records import Chunk, check
from suanheng.schemas.contract import Contract
from suanheng.schemas.staged import DATASETS
from suanheng.schemas.tables.ops import FILES, STAGINGS
from suanheng.schemas.tables.reference import REFERENCE
from suanheng.schemas.tables.spine import SITE_MONTHS, SITE_PERIODS, SITES
from suanheng.schemas.tables.surveyed import SURVEYED
from suanheng.transforms.definitions.recipes import recipes, tables_read
from suanheng.transforms.scoring.methodology import CarbonChoices
from suanheng.transforms.telemetry.quarter_sums import make_series_hours
from suanheng.warehouse.lake import Lake
from suanheng.warehouse.tables import sql_type
from tests.transforms.scored_indicators import catalogue, indicators, methodology  # noqa: F401 - fixtures

RECIPES = Path(suanheng.transforms.__file__).parent
FACTS = Path(next(iter(suanheng.config.__path__))) / "reference"
SITE = "site-a"
MONTHS = [date(year, month, 1) for year in (2022, 2023, 2024) for month in range(1, 13)] + [date(2025, 1, 1)]


class Warehouse:
    """DuckDB in memory with the schemas of the lake. Local times of the site are UTC+8 unless it says otherwise."""

    def __init__(self) -> None:
        self.connection = duckdb.connect()
        self.connection.execute("SET TimeZone = 'UTC'")
        for schema in ("staged", "reference", "rollups", "indicators", "ops"):
            self.connection.execute(f"CREATE SCHEMA {schema}")
        self.make_contract("ops", FILES)
        self.make_contract("ops", STAGINGS)
        for contract in SURVEYED.values():
            self.make_contract("rollups", contract)
        self._row_number = 0

    def make(self, table: str, columns: Mapping[str, str]) -> None:
        """Make an empty table, e.g. ``make("rollups.compute_month", {"site_id": "VARCHAR", ...})``."""
        described = ", ".join(f'"{name}" {dtype}' for name, dtype in columns.items())
        self.connection.execute(f"CREATE TABLE {table} ({described})")

    def make_contract(self, stage: str, contract: Contract) -> None:
        """Make the empty table of a contract."""
        self.make(f'{stage}."{contract.name}"', {name: sql_type(dtype) for name, dtype in contract.dtypes().items()})

    def insert(self, table: str, *rows: Mapping[str, Any]) -> None:
        """Append rows to any table; columns that are left out are null."""
        frame = pl.DataFrame(rows, infer_schema_length=None, strict=False)
        self.connection.register("incoming", frame)
        self.connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM incoming")
        self.connection.unregister("incoming")

    def stage(self, dataset: str, *rows: Mapping[str, Any]) -> None:
        """Append staged rows; provenance and contract defaults are filled in, evidence is ``measured``."""
        defaults = {
            name: column.default for name, column in DATASETS[dataset].columns.items() if column.default is not None
        }
        provenance = {"site_id": SITE, "file_id": "0" * 64, "evidence_class": "measured"}
        numbered = enumerate(rows, start=self._row_number + 1)
        self._row_number += len(rows)
        self.insert(
            f"staged.{dataset}", *({**provenance, "row_number": number, **defaults, **row} for number, row in numbered)
        )

    def add_site(self, site_id: str, **columns: Any) -> None:
        """Add a site in Hebei, UTC+8, with months from 2022 to January 2025; ``columns`` override those defaults."""
        site = {
            "site_id": site_id,
            "name_zh": "测试中心",
            "name_en": "Test centre",
            "operator": "Operator",
            "time_zone": "Asia/Shanghai",
            "region_code": "CN-HE",
            "country": "CN",
            "commissioned_on": date(2022, 1, 1),
            "rack_units": 1000.0,
            "size_class": "large",
            "is_new": True,
            "is_hub_node": False,
            **columns,
        }
        self.insert("reference.sites", site)
        zone = ZoneInfo(site["time_zone"])
        months = [_month(site_id, start, end, zone) for start, end in itertools.pairwise(MONTHS)]
        self.insert("reference.site_months", *months)
        self.insert("reference.site_periods", *_periods(site_id))

    def run(self, recipe: str, **scope: Any) -> pl.DataFrame:
        """Answer a recipe, e.g. ``rollups/device_hour.sql``; ``site_id``, ``start``, ``end`` (exclusive) limit it."""
        self._prepare(recipe, **scope)
        return self.connection.execute(_query(recipe)).pl()

    def _prepare(self, recipe: str, **scope: Any) -> None:
        """Bind the variables of a scope and, for the recipe that reads them, make the views and sum the samples."""
        self._bind(**scope)
        self._make_views(RECIPES / recipe)
        reads = tables_read(RECIPES / recipe, _query(recipe))
        if "rollups.series_hour" in reads:
            make_series_hours(Lake(self.connection, data_path=""))
        if "rollups.overbooked_span" in reads:
            self.build("rollups/overbooked_span.sql", **scope)

    def _make_views(self, recipe: Path) -> None:
        """Make the rollups that are views and that a recipe rests on, the innermost first."""
        made_by = {made.table: made for made in recipes("rollups") if made.is_view}
        for table in tables_read(recipe, recipe.read_text(encoding="utf-8")) & made_by.keys():
            self._make_views(made_by[table].path)
            self.connection.execute(f"CREATE OR REPLACE VIEW {table} AS\n{made_by[table].query}")

    def _bind(self, site_id: str = SITE, start: date = MONTHS[0], end: date = MONTHS[-1], **variables: Any) -> None:
        zone_name, *_ = self.connection.execute(
            "SELECT time_zone FROM reference.sites WHERE site_id = ?", [site_id]
        ).fetchone() or ("UTC",)
        zone = ZoneInfo(zone_name)
        bound = {
            "site_id": site_id,
            "period_start": start,
            "period_end": end,
            "start_utc": _utc(start, zone),
            "end_utc": _utc(end, zone),
            "as_of": date(2026, 1, 1),
            **CarbonChoices(grid_factor_at_most_years_old=3).variables,
            **variables,
        }
        for name, value in bound.items():
            self.connection.execute(f"SET VARIABLE {name} = ?", [value])

    def execute(self, statement: str, parameters: list[Any] | None = None) -> pl.DataFrame:
        """Run any statement; the answer as a frame."""
        return self.connection.execute(statement, parameters).pl()

    def build(self, *recipes: str, **scope: Any) -> None:
        """Run recipes in the order given and keep each answer as its table, e.g. ``rollups.device_hour``."""
        for recipe in recipes:
            self._prepare(recipe, **scope)
            stage, name = Path(recipe).parts[0], Path(recipe).stem
            self.connection.execute(f"CREATE OR REPLACE TABLE {stage}.{name} AS\n{_query(recipe)}")


def _query(recipe: str) -> str:
    return (RECIPES / recipe).read_text(encoding="utf-8")


def _utc(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC).replace(tzinfo=None)


def _month(site_id: str, start: date, end: date, zone: ZoneInfo) -> dict[str, Any]:
    start_utc, end_utc = _utc(start, zone), _utc(end, zone)
    return {
        "site_id": site_id,
        "month_start": start,
        "month_end": end,
        "start_utc": start_utc,
        "end_utc": end_utc,
        "hours": (end_utc - start_utc).total_seconds() / 3600,
    }


def _periods(site_id: str) -> list[dict[str, Any]]:
    periods = []
    for length, kind, name in (
        (1, "month", lambda day: f"{day:%Y-%m}"),
        (3, "quarter", lambda day: f"{day.year}Q{(day.month + 2) // 3}"),
        (12, "year", lambda day: f"{day.year}"),
    ):
        for index in range(0, len(MONTHS) - 1, length):
            periods.append(
                {
                    "site_id": site_id,
                    "period": name(MONTHS[index]),
                    "period_kind": kind,
                    "period_start": MONTHS[index],
                    "period_end": MONTHS[index + length],
                    "closing_month": MONTHS[index + length - 1],
                }
            )
    return periods


@pytest.fixture(scope="session")
def reference_facts() -> dict[str, pl.DataFrame]:
    """The packaged reference facts, typed by their contracts."""
    facts = {}
    for name, contract in REFERENCE.items():
        path = FACTS / f"{name}.csv"
        if path.exists():
            rows = pl.read_csv(path, infer_schema=False).with_row_index("row_number", offset=2)
            facts[name] = check(Chunk(rows), contract, time_zone="UTC").accepted.drop("row_number")
    return facts


@pytest.fixture
def warehouse(reference_facts: dict[str, pl.DataFrame]) -> Iterator[Warehouse]:
    """An empty warehouse with the packaged reference facts and the site ``site-a``."""
    warehouse = Warehouse()
    for contract in DATASETS.values():
        warehouse.make_contract("staged", contract)
    for contract in (*REFERENCE.values(), SITES, SITE_MONTHS, SITE_PERIODS):
        warehouse.make_contract("reference", contract)
    for name, rows in reference_facts.items():
        warehouse.connection.register("facts", rows)
        warehouse.connection.execute(f"INSERT INTO reference.{name} BY NAME SELECT * FROM facts")
        warehouse.connection.unregister("facts")
    warehouse.add_site(SITE)
    yield warehouse
    warehouse.connection.close()


@pytest.fixture
def run(warehouse: Warehouse) -> Callable[..., pl.DataFrame]:
    """``run(recipe_path, site_id=…, start=…, end=…)`` answers a recipe over the warehouse."""
    return warehouse.run


ENERGY_ROLLUPS = tuple(
    f"rollups/{name}.sql"
    for name in (
        *("device_hour", "activity_month", "meter_hour", "meter_month", "bill_day", "account_month", "claim_overlap"),
        *("claim_month", "energy_month"),
        *("capacity_month", "grid_factor_month", "fuel_carbon_month", "embodied_carbon_month", "carbon_month"),
    )
)


@pytest.fixture
def build_energy(warehouse: Warehouse) -> Callable[..., None]:
    """``build_energy()`` builds every rollup of energy, capacity and carbon from the staged tables."""
    return lambda **scope: warehouse.build(*ENERGY_ROLLUPS, **scope)
