"""Parquet files of the landing zone become files of the warehouse as they are."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import polars as pl

from suanheng.warehouse.engine import joins_as_written, quoted
from suanheng.warehouse.lake import Lake

_BLOCK_BITS = 8
"""Rows of a block, as a power of two: few enough that most blocks stay whole, many enough that blocks are few."""


def adopt(lake: Lake, table: str, path: Path, constants: Mapping[str, object]) -> None:
    """Make the rows of a Parquet file rows of a table.

    The file is linked into the folder of the warehouse, so that it stays when it goes from the landing zone. Where
    another disk makes that impossible it is copied, and into an object store it is written anew, row by row as it is.

    Args:
        lake: the warehouse, in a transaction.
        table: ``stage.table``, with statistics; columns that the file does not have are null, or constant.
        path: the file.
        constants: values of columns for all rows, e.g. the site.
    """
    stage, name = table.split(".")
    values = "/".join(f"{column}={quote(str(value), safe='')}" for column, value in constants.items())
    place = f"{lake.data_path}/{stage}/{name}/adopted/{uuid4().hex}/{values}/samples.parquet"
    _put(lake, path, place)
    lake.execute(
        "CALL ducklake_add_data_files('lake', ?, ?, schema => ?, allow_missing => true, hive_partitioning => true)",
        [name, place, stage],
    )


def _put(lake: Lake, path: Path, place: str) -> None:
    if "://" in place:
        lake.execute(f"COPY (FROM read_parquet(?)) TO {quoted(place)} (FORMAT parquet, COMPRESSION zstd)", [str(path)])
        return
    Path(place).parent.mkdir(parents=True)
    try:
        os.link(path, place)
    except OSError:
        shutil.copyfile(path, place)


def take_out(lake: Lake, table: str, site_id: str, file_id: str, row_numbers: pl.Series) -> None:
    """Take rows of an adopted file out of its table, by their numbers in the file, from 1.

    Of a large file nearly all rows stay. Most of them are passed over because no row of their block goes, which DuckDB
    states sooner than whether a row goes.
    """
    if row_numbers.is_empty():
        return
    going = pl.DataFrame({"place": row_numbers.cast(pl.Int64) - 1})
    lake.connection.register("going", going)
    try:
        # DuckDB takes a file that was just added for an empty one, and would hash all of its rows for the join.
        with joins_as_written(lake.connection):
            lake.execute(
                f"DELETE FROM {table} WHERE site_id = ? AND file_id = ? AND row_number IS NULL "
                f"AND file_row_number >> {_BLOCK_BITS} IN (SELECT place >> {_BLOCK_BITS} FROM going) "
                "AND file_row_number IN (SELECT place FROM going)",
                [site_id, file_id],
            )
    finally:
        lake.connection.unregister("going")
