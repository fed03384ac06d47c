"""Makes every table and view of the warehouse, before a run or a publication writes to it."""

from collections.abc import Iterable, Mapping, Sequence

from suanheng.schemas.contract import Contract
from suanheng.schemas.formats import landed, raw_tables
from suanheng.schemas.staged import DATASETS
from suanheng.schemas.tables.corrections import IN_FORCE
from suanheng.schemas.tables.facts import MONTHLY_FACTS, PERIOD_FACTS
from suanheng.schemas.tables.indicators import INDICATORS
from suanheng.schemas.tables.ops import OPS, QUARANTINE
from suanheng.schemas.tables.publications import PUBLISHING
from suanheng.schemas.tables.reference import REFERENCE
from suanheng.schemas.tables.scorecards import SCORECARDS
from suanheng.schemas.tables.spine import SPINE
from suanheng.schemas.tables.surveyed import SURVEYED
from suanheng.transforms.building import build
from suanheng.transforms.definitions.catalogue import indicator_views
from suanheng.warehouse.lake import Lake
from suanheng.warehouse.migrations import pending
from suanheng.warehouse.tables import columns_of_tables, finish_tables, make_stages, make_table, meaning_of, migrate


def make_tables(lake: Lake) -> None:
    """Make every table and view that is not there yet, and the columns that newer contracts have.

    What an older version named otherwise is renamed first.

    Raises:
        NewerWarehouse: a newer version has renamed what is in the warehouse.
    """
    contracts = tables_of_contracts()
    first_columns = {table: meaning_of(contract, next(iter(contract.columns))) for table, contract in contracts.items()}

    def make() -> None:
        make_stages(lake)
        migrate(lake, contracts)
        there = columns_of_tables(lake)
        incomplete = _incomplete(contracts, there)
        views = [statement for view, statement in indicator_views().items() if view not in there]
        if incomplete or views:
            with lake.transaction("tables"):
                for table in incomplete:
                    make_table(lake, table, contracts[table], there.get(table, ()))
                for statement in views:
                    lake.execute(statement)
        finish_tables(lake, first_columns | build.first_columns_of_rollups())
        if not build.has_all_rollups(lake):
            build.make_rollup_tables(lake, build.empty_rollups(lake))

    lake.unit("tables", make)


def has_all_tables(lake: Lake) -> bool:
    """Whether every table, column and view is there, under the name of this version."""
    there = columns_of_tables(lake)
    is_complete = not _incomplete(tables_of_contracts(), there) and indicator_views().keys() <= there.keys()
    return is_complete and not pending(lake.connection) and build.has_all_rollups(lake)


def _incomplete(contracts: Mapping[str, Contract], there: Mapping[str, Sequence[str]]) -> list[str]:
    return [table for table in contracts if not contracts[table].columns.keys() <= set(there.get(table, ()))]


def tables_of_contracts() -> dict[str, Contract]:
    """Contracts of all tables but the rollups, whose recipes state their columns, by ``stage.table``."""
    stages: dict[str, Iterable[Contract]] = {
        "raw": [landed(form) for form in raw_tables().values()],
        "staged": DATASETS.values(),
        "reference": [*REFERENCE.values(), *SPINE.values(), IN_FORCE],
        "rollups": SURVEYED.values(),
        "indicators": [INDICATORS, MONTHLY_FACTS, PERIOD_FACTS],
        "scorecards": [*SCORECARDS.values(), *PUBLISHING.values()],
        "ops": OPS.values(),
        "quarantine": QUARANTINE.values(),
    }
    return {f"{stage}.{contract.name}": contract for stage, contracts in stages.items() for contract in contracts}
