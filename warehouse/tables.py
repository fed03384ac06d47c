"""Makes the tables that contracts describe, with the meaning of every column as its comment."""

from collections.abc import Collection, Mapping
from importlib.metadata import version

import polars as pl

from suanheng.schemas.contract import Contract
from suanheng.schemas.tables.ops import MIGRATED
from suanheng.warehouse.lake import Lake
from suanheng.warehouse.migrations import pending, quoted_name, renaming

LEDGER = "ops"
_ENTERED = f"{LEDGER}.{MIGRATED.name}"
_INLINING = "data_inlining_row_limit"

MOST_ROWS_IN_CATALOGUE = 10
"""Rows of the ledger up to which one insert writes no file."""

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
    """Make the schemas, one per stage, where they are missing.

    The few rows that a run adds to its ledger stay in the catalogue: a file for each would pile up night after night.
    """
    query = "SELECT schema_name FROM information_schema.schemata WHERE catalog_name = 'lake'"
    there = lake.frame(query).to_series().to_list()
    if missing := [stage for stage in STAGES if stage not in there]:
        with lake.transaction("stages"):
            for stage in missing:
                lake.execute(f"CREATE SCHEMA {stage}")
    # Apart from the schemas: whoever made those may have been interrupted, or older than this.
    query = "SELECT count(*) FROM ducklake_options('lake') WHERE option_name = ? AND scope_entry = ?"
    if not lake.value(query, [_INLINING, LEDGER]):
        lake.execute(f"CALL lake.set_option('{_INLINING}', ?, schema => '{LEDGER}')", [MOST_ROWS_IN_CATALOGUE])


def migrate(lake: Lake, contracts: Mapping[str, Contract]) -> None:
    """Rename what this version calls otherwise than the warehouse does, all in one transaction, and enter it.

    What is there says from then on what its contract says of it now, too. Of a new warehouse it is only entered that
    there was nothing to rename.

    Args:
        lake: the warehouse, open to write, with its stages.
        contracts: of all tables, by ``stage.table``.

    Raises:
        NewerWarehouse: a newer version has renamed what is in it.
    """
    waiting = pending(lake.connection)
    if not waiting:
        return
    there = columns_of_tables(lake)
    entries = [(migration.name, version("suanheng"), lake.run_id) for migration in waiting]
    with lake.transaction(f"names of {version('suanheng')}"):
        if statements := [statement for migration in waiting for statement in renaming(migration, there)]:
            for statement in statements:
                lake.execute(statement)
            _renew_comments(lake, contracts)
        if _ENTERED not in there:
            make_table(lake, _ENTERED, MIGRATED, ())
        lake.insert(_ENTERED, pl.DataFrame(entries, schema=MIGRATED.dtypes(), orient="row"))


def _renew_comments(lake: Lake, contracts: Mapping[str, Contract]) -> None:
    """Let tables and columns say what their contracts say now. What says nothing yet is not finished, and is left."""
    of_tables = "SELECT schema_name || '.' || table_name, comment FROM duckdb_tables() WHERE database_name = 'lake'"
    of_columns = of_tables.replace(", comment", ", column_name, comment").replace("duckdb_tables", "duckdb_columns")
    said = {(table, None): comment for table, comment in lake.frame(of_tables).iter_rows()}
    said |= {(table, name): comment for table, name, comment in lake.frame(of_columns).iter_rows()}
    for (table, name), comment in said.items():
        contract = contracts.get(table)
        if comment is None or contract is None or name not in (None, *contract.columns):
            continue
        place = f"TABLE {quoted_name(table)}" if name is None else f'COLUMN {quoted_name(table)}."{name}"'
        meaning = _grain(contract) if name is None else meaning_of(contract, name)
        if meaning != comment:
            lake.execute(f"COMMENT ON {place} IS {quoted(meaning)}")


def _grain(contract: Contract) -> str:
    return f"One row is {contract.one_row_is}."


def make_table(lake: Lake, table: str, contract: Contract, known: Collection[str]) -> None:
    """Make the table of a contract where it is missing, to be finished; add the columns a newer contract has.

    Args:
        lake: the warehouse, open to write.
        table: ``stage.table``.
        contract: its contract.
        known: the columns it has; none where there is no such table.
    """
    stage, name = table.split(".")
    place = f'{stage}."{name}"'
    missing = [column for column in contract.columns if column not in known]
    if not known:
        columns = ", ".join(f'"{column}" {sql_type(dtype)}' for column, dtype in contract.dtypes().items())
        lake.execute(f"CREATE TABLE {place} ({columns})")
        lake.execute(f"COMMENT ON TABLE {place} IS {quoted(_grain(contract))}")
        first_column = missing.pop(0)
        begin_statistics(lake, place, first_column)
        if stage == LEDGER:
            # Its row was inlined, so it may go at once, before anybody has seen it.
            _finish(lake, place, first_column, meaning_of(contract, first_column))
    else:
        for column in missing:
            lake.execute(f'ALTER TABLE {place} ADD COLUMN "{column}" {sql_type(contract.dtypes()[column])}')
    for column in missing:
        lake.execute(f'COMMENT ON COLUMN {place}."{column}" IS {quoted(meaning_of(contract, column))}')


def begin_statistics(lake: Lake, table: str, first_column: str) -> None:
    """Let a new table hold a row, which says nothing: then DuckLake knows that its columns may be null.

    Of a table that never held one it keeps no statistics, and asks the catalogue about every column in every query. And
    it takes a column that an added file lacks for one without nulls, and answers ``IS NULL`` and ``count`` by that.
    What statistics have once seen they keep, but for a row that comes and goes in one transaction.
    """
    lake.execute(f'INSERT INTO {table} ("{first_column}") VALUES (NULL)')


def finish_tables(lake: Lake, meanings: Mapping[str, str]) -> None:
    """Take the row that began its statistics out of every new table, and say what its first column means.

    A table whose first column says nothing is not finished, however long ago who made it was interrupted.

    Args:
        lake: the warehouse, open to write.
        meanings: of the first column, by ``stage.table``.
    """
    query = (
        "SELECT schema_name, table_name, column_name FROM duckdb_columns() "
        "SEMI JOIN duckdb_tables() USING (database_name, schema_name, table_name) "
        "WHERE database_name = 'lake' AND column_index = 1 AND comment IS NULL"
    )
    new = [found for found in lake.frame(query).iter_rows() if f"{found[0]}.{found[1]}" in meanings]
    if not new:
        return
    with lake.transaction("tables are ready"):
        for stage, name, first_column in new:
            _finish(lake, f'{stage}."{name}"', first_column, meanings[f"{stage}.{name}"])


def _finish(lake: Lake, table: str, first_column: str, meaning: str) -> None:
    lake.execute(f'DELETE FROM {table} WHERE "{first_column}" IS NULL')
    lake.execute(f'COMMENT ON COLUMN {table}."{first_column}" IS {quoted(meaning)}')


def columns_of_tables(lake: Lake, catalogue: str | None = None) -> dict[str, list[str]]:
    """Columns of every table and view, in their order, by ``stage.table``.

    Args:
        lake: the warehouse.
        catalogue: a scratch database beside it whose tables are meant.
    """
    catalogues = lake.catalogues if catalogue is None else [catalogue]
    query = (
        "SELECT table_schema || '.' || table_name AS name, list(column_name ORDER BY ordinal_position) AS columns "
        "FROM information_schema.columns WHERE list_contains($1, table_catalog) "
        "GROUP BY name, table_catalog ORDER BY list_position($1, table_catalog)"
    )
    return dict(lake.frame(query, [catalogues]).iter_rows())


def selects_of_views(lake: Lake, catalogue: str = "lake") -> dict[str, str]:
    """What every view selects, as DuckDB spells it, by ``stage.view``."""
    query = (
        "SELECT schema_name || '.' || view_name, regexp_extract(sql, '^CREATE VIEW .+? AS (.*);$', 1, 's') "
        "FROM duckdb_views() WHERE database_name = ? AND NOT internal"
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


def meaning_of(contract: Contract, name: str) -> str:
    """What a column means, and its unit."""
    column = contract.columns[name]
    return f"{column.meaning or name}" + (f" [{column.unit}]" if column.unit else "")


def quoted(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"
