"""Makes the tables that contracts describe, with the meaning of every column as its comment."""

import polars as pl
from suanheng.schemas.contract import Contract
from suanheng.warehouse.lake import Lake

STAGES = ("raw", "staged", "rollups", "indicators", "scorecards", "quarantine", "reference", "ops")

_SQL_TYPES = {
    pl.String: "VARCHAR",
    pl.Float64: "DOUBLE",
    pl.Int64: "BIGINT",
    pl.Int32: "INTEGER",
    pl.Boolean: "BOOLEAN",
    pl.Date: "DATE",
    pl.Datetime: "TIMESTAMP",
}


def make_stages(lake: Lake) -> None:
    """Make the schemas, one per stage."""
    for stage in STAGES:
        lake.execute(f"CREATE SCHEMA IF NOT EXISTS {stage}")


def make_table(lake: Lake, stage: str, contract: Contract) -> None:
    """Make the table of a contract where it is missing; add the columns a newer contract has."""
    table = f'{stage}."{contract.name}"'
    there = columns_of(lake, stage, contract.name)
    if not there:
        columns = ", ".join(f'"{name}" {sql_type(dtype)}' for name, dtype in contract.dtypes().items())
        lake.execute(f"CREATE TABLE {table} ({columns})")
        lake.execute(f"COMMENT ON TABLE {table} IS {_literal('One row is ' + contract.one_row_is + '.')}")
        missing = list(contract.columns)
    else:
        missing = [name for name in contract.columns if name not in there]
        for name in missing:
            lake.execute(f'ALTER TABLE {table} ADD COLUMN "{name}" {sql_type(contract.dtypes()[name])}')
    for name in missing:
        lake.execute(f'COMMENT ON COLUMN {table}."{name}" IS {_literal(_meaning(contract, name))}')


def columns_of(lake: Lake, stage: str, table: str) -> list[str]:
    """Columns of a table in their order; none where the table does not exist."""
    query = (
        "SELECT column_name FROM information_schema.columns "
        "WHERE table_catalog = 'lake' AND table_schema = ? AND table_name = ? ORDER BY ordinal_position"
    )
    return lake.frame(query, [stage, table])["column_name"].to_list()


def sql_type(dtype: pl.DataType) -> str:
    """DuckDB type of a Polars type."""
    if isinstance(dtype, pl.Decimal):
        return f"DECIMAL({dtype.precision},{dtype.scale})"
    if isinstance(dtype, pl.List):
        return f"{sql_type(dtype.inner)}[]"
    return _SQL_TYPES[dtype.base_type()]


def _meaning(contract: Contract, name: str) -> str:
    column = contract.columns[name]
    unit = (column.metadata or {}).get("unit")
    return f"{column.description or name}" + (f" [{unit}]" if unit else "")


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
