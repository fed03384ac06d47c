"""The scratch database: recipes run here, in memory, and only their results go to the warehouse.

A recipe names its tables ``stage.table``. In the scratch database these names mean: reference facts and the smaller
datasets of one site as tables in memory, the larger ones as views of the warehouse, and the rollups of the quarter that
is being built.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import cache
from typing import Any

import polars as pl

from suanheng.schemas.contract import Contract
from suanheng.schemas.formats import landed, raw_tables
from suanheng.schemas.staged import DATASETS
from suanheng.schemas.tables.facts import MONTHLY_FACTS, PERIOD_FACTS
from suanheng.schemas.tables.ops import FILES, STAGINGS
from suanheng.schemas.tables.reference import REFERENCE
from suanheng.schemas.tables.spine import SPINE
from suanheng.schemas.tables.surveyed import BOUNDARY_SAMPLES, FILE_HOUR_SUMS, INTERLEAVED_SERIES
from suanheng.transforms.definitions.recipes import Recipe, recipes
from suanheng.transforms.scoring.methodology import CarbonChoices
from suanheng.transforms.telemetry.quarter_sums import make_series_hours, see_whole_quarter, spans
from suanheng.warehouse.engine import memory_given_back
from suanheng.warehouse.lake import Lake
from suanheng.warehouse.tables import columns_of_tables, no_rows, quoted, sql_type

EMPTY_SCOPE = {
    "site_id": "",
    "period_start": date.min,
    "period_end": date.min,
    "start_utc": datetime.min,
    "end_utc": datetime.min,
    "as_of": date.min,
    **CarbonChoices().variables,
}
"""Variables of a scope that holds nothing: with them a recipe states its columns."""

_FACTS = {"monthly_facts": MONTHLY_FACTS, "period_facts": PERIOD_FACTS}


class ScratchDatabase:
    """A place in memory beside the warehouse, on the same connection.

    Args:
        lake: the warehouse.
        name: the catalogue it is; several connections to one warehouse need one each.
    """

    def __init__(self, lake: Lake, name: str = "bench") -> None:
        self._lake, self.name = lake, name
        self._site_id: str | None = None
        lake.execute(f"ATTACH IF NOT EXISTS ':memory:' AS {name}")
        for stage in ("raw", "staged", "reference", "rollups", "indicators", "ops"):
            lake.execute(f"CREATE SCHEMA IF NOT EXISTS {name}.{stage}")
        self._there = columns_of_tables(lake)
        for contract in (FILE_HOUR_SUMS, BOUNDARY_SAMPLES):
            rows = self._of_today("rollups", contract)
            lake.execute(f"CREATE OR REPLACE VIEW {name}.rollups.{contract.name} AS {rows}")
        self._lay_out("")
        self.refresh()

    def refresh(self, tables: Mapping[str, Contract] | None = None) -> None:
        """Put reference facts and periods in the scratch database as they are now; a site is put in anew as well.

        Args:
            tables: only these; all that a recipe reads where none are named.
        """
        with self._lake.at_one_time():
            for table, contract in (tables or _facts_read()).items():
                rows = self._of_today("reference", contract)
                self._lake.execute(f'CREATE OR REPLACE TABLE {self.name}.reference."{table}" AS {rows}')
        self._site_id = None

    def _of_today(self, stage: str, contract: Contract) -> str:
        """A table of the warehouse in the columns of today's contract.

        A snapshot may be older than a column or a table: the column is then what the contract says of an empty cell,
        and the table is empty. So a publication can be computed again by a version that knows more than its own.
        """
        known = self._there.get(f"{stage}.{contract.name}", [])
        if not known:
            return no_rows(contract)
        columns = ", ".join(
            f'"{name}"' if name in known else f'{_of_an_empty_cell(contract, name)} AS "{name}"'
            for name in contract.columns
        )
        return f"SELECT {columns} FROM {self._lake.place(f'{stage}.{contract.name}')}"

    def lay_out(self, site_id: str) -> None:
        """Put the smaller datasets of a site in the scratch database, and what the ledger says of its files."""
        if site_id != self._site_id:
            self._lay_out(site_id)

    def _lay_out(self, site_id: str) -> None:
        for stage, contract in (("ops", FILES), ("ops", STAGINGS), ("rollups", INTERLEAVED_SERIES)):
            self._put_of_site(f"{stage}.{contract.name}", self._of_today(stage, contract), site_id)
        filled = self._filled(site_id)
        for contract in _raw_tables_read():
            rows = self._of_today("raw", contract) if f"raw.{contract.name}" in filled else no_rows(contract)
            self._lake.execute(f"CREATE OR REPLACE VIEW {self.name}.raw.{contract.name} AS {rows}")
        for dataset, contract in DATASETS.items():
            rows = self._of_today("staged", contract) if f"staged.{dataset}" in filled else no_rows(contract)
            if contract.is_large:
                self._lake.execute(f"CREATE OR REPLACE VIEW {self.name}.staged.{dataset} AS {rows}")
            else:
                self._put_of_site(f"staged.{dataset}", rows, site_id, or_of_others=contract.is_seen_by_all_sites)
        self._site_id = site_id

    def _put_of_site(self, table: str, rows: str, site_id: str, or_of_others: bool = False) -> None:
        self._lake.execute(
            f"CREATE OR REPLACE TABLE {self.name}.{table} AS FROM ({rows}) WHERE site_id = ? OR ?",
            [site_id, or_of_others],
        )

    def _filled(self, site_id: str) -> set[str]:
        """Tables of which a site's recipes may see rows, as the ledger says."""
        query = (
            "SELECT 'raw.' || raw_table FROM ops.files WHERE site_id = $site "
            "UNION SELECT 'staged.' || dataset FROM ops.stagings WHERE site_id = $site OR dataset IN $of_all_sites"
        )
        of_all_sites = [dataset for dataset, contract in DATASETS.items() if contract.is_seen_by_all_sites]
        rows = self._lake.frame(query, {"site": site_id, "of_all_sites": of_all_sites})
        return set(rows.to_series())

    def make(self, rollups: Iterable[Recipe], indicators: Iterable[Recipe], variables: Mapping[str, Any]) -> None:
        """Run the recipes of a scope: each rollup becomes a table or a view, the indicators the two tables of facts."""
        lake = self._lake
        lake.set_variables(variables)
        with lake.naming_tables_of(self.name):
            make_series_hours(lake)
            for recipe in rollups:
                if "in spans" in recipe.header:
                    self._make_in_spans(recipe)
                else:
                    kind = "VIEW" if recipe.is_view else "TABLE"
                    lake.execute(f"CREATE OR REPLACE {kind} {recipe.table} AS {recipe.query}")
            for table, contract in _FACTS.items():
                columns = ", ".join(f"{name} {sql_type(dtype)}" for name, dtype in contract.dtypes().items())
                lake.execute(f"CREATE OR REPLACE TABLE indicators.{table} ({columns})")
            for recipe in indicators:
                lake.execute(
                    f"INSERT INTO indicators.{facts_table(recipe)} BY NAME "
                    f"SELECT '{recipe.name}' AS indicator, * FROM (\n{recipe.query}\n)"
                )

    def _make_in_spans(self, recipe: Recipe) -> None:
        """Make a rollup of many rows span by span, so that no more memory is needed for a quarter than for a span."""
        lake, (first, *others) = self._lake, spans(self._lake)
        lake.set_variables(first)
        lake.execute(f"CREATE OR REPLACE TABLE {recipe.table} AS {recipe.query}")
        for span in others:
            # In memory too, rows are compressed by a checkpoint, to a tenth.
            lake.execute(f"CHECKPOINT {self.name}")
            lake.set_variables(span)
            with memory_given_back(lake.connection):
                lake.execute(f"INSERT INTO {recipe.table} BY NAME {recipe.query}")
        see_whole_quarter(lake)

    def fill(
        self,
        rollups: Sequence[Recipe],
        indicators: Sequence[Recipe],
        scopes: Sequence[Mapping[str, Any]],
        fill: Recipe,
    ) -> pl.DataFrame:
        """Rows of ``indicators.all`` for the periods that close in the last scope, all computed here.

        Args:
            rollups: recipes of the rollups, in build order.
            indicators: recipes of the indicators.
            scopes: variables of the scopes whose facts the windows reach back to, in the order of time.
            fill: the recipe that joins the facts to the spine.
        """
        lake = self._lake
        lake.execute(f"DROP TABLE IF EXISTS {self.name}.gathered_facts")
        for variables in scopes:
            self.make(rollups, indicators, variables)
            lake.execute(
                f"CREATE TABLE IF NOT EXISTS {self.name}.gathered_facts AS "
                f"FROM {self.name}.indicators.monthly_facts LIMIT 0"
            )
            lake.execute(f"INSERT INTO {self.name}.gathered_facts FROM {self.name}.indicators.monthly_facts")
        lake.execute(f"CREATE OR REPLACE TABLE {self.name}.indicators.monthly_facts AS FROM {self.name}.gathered_facts")
        with lake.naming_tables_of(self.name):
            return lake.frame(fill.query)


def _raw_tables_read() -> list[Contract]:
    return [landed(form) for table, form in raw_tables().items() if f"raw.{table}" in _tables_read()]


def _facts_read() -> dict[str, Contract]:
    facts = {**REFERENCE, **SPINE}
    return {table: contract for table, contract in facts.items() if f"reference.{table}" in _tables_read()}


@cache
def _tables_read() -> frozenset[str]:
    """Tables that recipes right of staged read in a scratch database."""
    return frozenset(
        table for stage in ("rollups", "indicators") for recipe in recipes(stage) for table in recipe.reads
    )


def _of_an_empty_cell(contract: Contract, name: str) -> str:
    default = contract.columns[name].default
    return f"{'NULL' if default is None else quoted(str(default))}::{sql_type(contract.dtypes()[name])}"


def facts_table(recipe: Recipe) -> str:
    """Where the facts of an indicator go: those of months apart from those of whole periods."""
    return "period_facts" if "period" in recipe.header["grain"].split(", ") else "monthly_facts"
