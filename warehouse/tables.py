"""Makes the tables that contracts describe, with the meaning of every column as its comment."""

from collections.abc import Mapping

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


def make_table(lake: Lake, stage: str, contract: Contract, there: Mapping[str, list[str]]) -> None:
    """Make the table of a contract where it is missing; add the columns a newer contract has.

    Args:
        lake: the warehouse, open to write.
        stage: stage of the table.
        contract: its contract.
        there: the columns that exist, as ``columns_of_tables`` tells them.
    """
    table = f'{stage}."{contract.name}"'
    known = there.get(f"{stage}.{contract.name}", [])
    missing = [name for name in contract.columns if name not in known]
    if not known:
        columns = ", ".join(f'"{name}" {sql_type(dtype)}' for name, dtype in contract.dtypes().items())
        lake.execute(f"CREATE TABLE {table} ({columns})")
        lake.execute(f"COMMENT ON TABLE {table} IS {quoted('One row is ' + contract.one_row_is + '.')}")
        begin_statistics(lake, table, next(iter(contract.columns)))
    else:
        for name in missing:
            lake.execute(f'ALTER TABLE {table} ADD COLUMN "{name}" {sql_type(contract.dtypes()[name])}')
    for name in missing:
        lake.execute(f'COMMENT ON COLUMN {table}."{name}" IS {quoted(_meaning(contract, name))}')


def begin_statistics(lake: Lake, table: str, column: str) -> None:
    """Let a table have held a row, which says nothing: then DuckLake knows that its columns may be null.

    Of a table that never held one it keeps no statistics, and asks the catalogue about every column in every query. And
    it takes a column that an added file lacks for one without nulls, and answers ``IS NULL`` and ``count`` by that.
    What statistics have once seen they keep.
    """
    lake.execute(f'INSERT INTO {table} ("{column}") VALUES (NULL)')
    lake.execute(f'DELETE FROM {table} WHERE "{column}" IS NULL')


def columns_of_tables(lake: Lake, catalogue: str = "lake") -> dict[str, list[str]]:
    """Columns of every table and view, in their order, by ``stage.table``."""
    query = (
        "SELECT table_schema || '.' || table_name AS name, list(column_name ORDER BY ordinal_position) AS columns "
        "FROM information_schema.columns WHERE table_catalog = ? GROUP BY ALL"
    )
    return dict(lake.frame(query, [catalogue]).iter_rows())


def no_rows(contract: Contract) -> str:
    """A SELECT with the columns of a contract and no rows.

    To plan a query of a table that never had a row costs DuckLake one question to the catalogue per column.
    """
    columns = ", ".join(f'NULL::{sql_type(dtype)} AS "{name}"' for name, dtype in contract.dtypes().items())
    return f"SELECT {columns} WHERE false"


def sql_type(dtype: pl.DataType) -> str:
    """DuckDB type of a Polars type."""
    if isinstance(dtype, pl.Decimal):
        return f"DECIMAL({dtype.precision},{dtype.scale})"
    if isinstance(dtype, pl.List):
        return f"{sql_type(pl.Series(dtype=dtype.inner).dtype)}[]"
    return _SQL_TYPES[dtype.base_type()]


def _meaning(contract: Contract, name: str) -> str:
    column = contract.columns[name]
    unit = (column.metadata or {}).get("unit")
    return f"{column.description or name}" + (f" [{unit}]" if unit else "")


def quoted(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"
