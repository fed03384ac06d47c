"""Feeding: raw rows of some files become rows of a dataset, by the feeds of their formats.

Feeds name their tables ``stage.table``. Here these names mean, in a database beside the warehouse, the raw rows of
these files alone, and the reference facts as they are.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, time, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

import polars as pl

from suanheng.schemas.contract import UTC, Contract
from suanheng.schemas.formats import landed, raw_tables, template
from suanheng.schemas.staged import DATASETS
from suanheng.transforms.definitions.recipes import feeds
from suanheng.transforms.staging.partitions import Partition
from suanheng.warehouse.engine import memory_given_back
from suanheng.warehouse.lake import Lake
from suanheng.warehouse.tables import no_rows, quoted

ROWS_OF_A_SPAN = 500_000
"""Raw rows that are fed at once, if they fall evenly on their days and the dataset can be fed in spans."""

_CATALOGUE = "feeding"
_PATHS = "SELECT file_id, min(path) AS path, any_value(days) AS days FROM ops.files GROUP BY file_id"


class _Span(NamedTuple):
    """Time in which raw rows begin, from a moment on and before another; without either all of them, dated or not."""

    since: datetime | None
    until: datetime | None


def fed(lake: Lake, partitions: Sequence[Partition]) -> pl.DataFrame:
    """Rows that feeds give for some partitions of one dataset of a site, each with the path of its file.

    Args:
        lake: the warehouse.
        partitions: at least one.

    Raises:
        RuntimeError: a feed dates a row on another day than the ledger says of its file.
    """
    contract = DATASETS[partitions[0].dataset]
    files = _files(lake, partitions)
    there = files["raw_table"].unique().to_list()
    own = f"template_{contract.name}"
    fed_by = [feed for feed in feeds(contract.name) if not feed.reads.isdisjoint(f"raw.{table}" for table in there)]
    if not fed_by and own not in there:
        return pl.DataFrame(schema={**contract.dtypes(), "path": pl.String})
    query = _query(contract, partitions, [feed.query for feed in fed_by], own in there)
    tables = sorted({f"raw.{own}"}.union(*(feed.reads for feed in fed_by)))
    parts = []
    with _beside(lake, files, tables):
        for span in _spans(contract, partitions, there):
            _show(lake, partitions[0].site_id, tables, files, span)
            # What comes next is done in frames, and needs the memory.
            with memory_given_back(lake.connection), lake.naming_tables_of(_CATALOGUE):
                parts.append(lake.frame(query))
    rows = pl.concat(parts)
    if elsewhere := rows.filter("is_elsewhere")["path"].unique().sort().to_list():
        raise RuntimeError(
            f"{', '.join(elsewhere)}: feeds of {contract.name} date rows on days that the reader of the file did not "
            "see. What the contract of the format calls happened must be the time by which the dataset is staged."
        )
    return rows.drop("is_elsewhere")


def _query(contract: Contract, partitions: Sequence[Partition], queries: Sequence[str], is_stated_itself: bool) -> str:
    own = template(contract.name)
    stated = f"SELECT * FROM raw.{own.name}" if is_stated_itself else no_rows(landed(own))
    union = "\nUNION ALL BY NAME\n".join([stated, *(f"SELECT * FROM (\n{query}\n)" for query in queries)])
    return (
        f"SELECT fed.*, files.path, {_is_elsewhere(contract)} AS is_elsewhere "
        f"FROM (\n{union}\n) AS fed JOIN ({_PATHS}) AS files USING (file_id) "
        f"WHERE {_is_of(contract, partitions)} ORDER BY files.path, fed.row_number"
    )


def _files(lake: Lake, partitions: Sequence[Partition]) -> pl.DataFrame:
    """The files of some partitions that were copied, and what the ledger says of them."""
    wanted = sorted({file_id for partition in partitions for file_id, _ in partition.files})
    tables = [table for table, form in raw_tables().items() if partitions[0].dataset in form.feeds]
    return lake.frame(
        "SELECT file_id, raw_table, path, days, first_at, last_at FROM ops.files "
        "SEMI JOIN (SELECT unnest(?::VARCHAR[]) AS file_id) USING (file_id) "
        "WHERE site_id = ? AND status = 'loaded' AND is_adopted IS NOT TRUE AND list_contains(?, raw_table)",
        [wanted, partitions[0].site_id, tables],
    )


@contextmanager
def _beside(lake: Lake, files: pl.DataFrame, tables: Sequence[str]) -> Iterator[None]:
    """A database beside the warehouse that knows the files, for as long as it is needed."""
    lake.execute(f"ATTACH OR REPLACE ':memory:' AS {_CATALOGUE}")
    try:
        for stage in sorted({"ops", *(table.split(".")[0] for table in tables)}):
            lake.execute(f"CREATE SCHEMA {_CATALOGUE}.{stage}")
        columns = "file_id VARCHAR, raw_table VARCHAR, path VARCHAR, days DATE[], first_at TIMESTAMP, last_at TIMESTAMP"
        lake.execute(f"CREATE TABLE {_CATALOGUE}.ops.files ({columns})")
        lake.insert(f"{_CATALOGUE}.ops.files", files)
        yield
    finally:
        lake.execute(f"DETACH {_CATALOGUE}")


def _show(lake: Lake, site_id: str, tables: Sequence[str], files: pl.DataFrame, span: _Span) -> None:
    """Show feeds the raw rows of these files that begin in a span, and the rest as it is in the warehouse."""
    for table in tables:
        stage, name = table.split(".")
        rows = f"SELECT * FROM {lake.place(table)}"
        if stage == "raw":
            contract, of_table = landed(raw_tables()[name]), files.filter(pl.col("raw_table") == name)
            rows = no_rows(contract) if of_table.is_empty() else rows + _where(contract, site_id, of_table, span)
        lake.execute(f"CREATE OR REPLACE VIEW {_CATALOGUE}.{table} AS {rows}")


def _where(contract: Contract, site_id: str, files: pl.DataFrame, span: _Span) -> str:
    """What raw rows are of some files; where all rows state their time, no others are opened than of that time."""
    of_files = f"SELECT file_id FROM {_CATALOGUE}.ops.files WHERE raw_table = {quoted(contract.name)}"
    where = [f"site_id = {quoted(site_id)}", f"file_id IN ({of_files})"]
    if contract.happened:
        begins = f'"{contract.begins}"'
        days = files["days"].to_list()
        if contract.columns[contract.begins].must_be_given and all(days):
            # Days on which rows may begin reach from their first to their last, or further.
            first, last = min(map(min, days)), max(map(max, days))
            where.append(f"{begins} >= {_literal(first)} AND {begins} < {_literal(last + timedelta(days=1))}")
        if span.since and span.until:
            where.append(f"{begins} >= {_literal(span.since)} AND {begins} < {_literal(span.until)}")
    return f" WHERE {' AND '.join(where)}"


def _spans(contract: Contract, partitions: Sequence[Partition], tables: Sequence[str]) -> list[_Span]:
    """Divide the days of some partitions, so that few enough raw rows are fed at once, however long their files are.

    Only where a row of the dataset is of an instant: it is made from the raw rows of that instant alone. A day before
    and after them is fed besides, so that a feed that dates a row on another day is noticed.
    """
    days = sorted(partition.day for partition in partitions if partition.day)
    are_instants = all(_begins_at_instants(landed(raw_tables()[table])) for table in tables)
    if len(days) < len(partitions) or not _is_of_instants(contract) or not are_instants:
        return [_Span(None, None)]
    first, last = (datetime.combine(day, time()) for day in (days[0], days[-1] + timedelta(days=1)))
    count = max(1, math.ceil(sum(partition.rows for partition in partitions) / ROWS_OF_A_SPAN))
    cuts = [first + (last - first) * place / count for place in range(1, count)]
    around = timedelta(days=1)
    return [_Span(since, until) for since, until in pairwise([first - around, *cuts, last + around])]


def _is_of_instants(contract: Contract) -> bool:
    return contract.happened is not None and contract.happened[0] == contract.happened[1]


def _begins_at_instants(contract: Contract) -> bool:
    return contract.happened is not None and contract.columns[contract.begins].dtype == UTC


def _is_of(contract: Contract, partitions: Sequence[Partition]) -> str:
    """Whether a row is of one of the partitions, or of a day that the ledger does not know of its file."""
    if not contract.is_staged_by_day:
        return "true"
    begins = f"fed.{contract.begins}"
    days = sorted(partition.day for partition in partitions if partition.day)
    of_days = f"{begins}::DATE IN ({', '.join(map(_literal, days))})" if days else "false"
    without = f"{begins} IS NULL" if len(days) < len(partitions) else "false"
    return f"({of_days} OR {without} OR {_is_elsewhere(contract)})"


def _is_elsewhere(contract: Contract) -> str:
    if not contract.is_staged_by_day:
        return "false"
    day = f"fed.{contract.begins}::DATE"
    return f"coalesce(len(list_filter(files.days, lambda known: known IS NOT DISTINCT FROM {day})) = 0, false)"


def _literal(moment: Any) -> str:
    return f"{'TIMESTAMP' if isinstance(moment, datetime) else 'DATE'} '{moment}'"
