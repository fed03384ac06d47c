"""Measures how long DuckLake takes to find the files a statement concerns, as the catalogue's statistics grow.

The catalogue keeps a row of statistics per file and column, of files that only old snapshots need too. Here a table has
twelve files, and one of them is asked for by site and month, while statistics of other tables are added. With
``--postgres`` an empty database of a server is measured beside the embedded catalogue, without and with the index that
suanheng makes there.
"""

import argparse
import json
import platform
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

import duckdb

from suanheng.warehouse.engine import attach, connect
from suanheng.warehouse.server import index_statistics

FILES, ROWS_OF_A_FILE = 12, 3
COLUMNS, OTHER_TABLES = 17, 100
ELSEWHERE = 1_000_000
"""Numbers of files and tables from here on are not those of the lake."""

STATEMENT = "SELECT count(*) FROM lake.asked WHERE site_id = 'bench' AND month_start = DATE '2023-07-01'"
STATISTICS = "__ducklake_metadata_lake.ducklake_file_column_stats"

OTHERS = f"""
    INSERT INTO {STATISTICS}
        (data_file_id, table_id, column_id, column_size_bytes, value_count, null_count, min_value, max_value)
    SELECT
        {ELSEWHERE} + number // {COLUMNS}, {ELSEWHERE} + number // {COLUMNS} % {OTHER_TABLES}, 1 + number % {COLUMNS},
        100, 3, 0, '2023-01-01', '2023-12-01'
    FROM range(?, ?) AS rows (number)
"""


def opened(catalogue: str, data: Path) -> duckdb.DuckDBPyConnection:
    """A new lake on a catalogue, with one table of twelve files, one per month."""
    connection = connect(["ducklake", "sqlite_scanner", "postgres_scanner"])
    attach(connection, f"ducklake:{catalogue}", "lake", f"DATA_PATH '{data}'", "DATA_INLINING_ROW_LIMIT 0")
    connection.execute("CREATE TABLE lake.asked (site_id VARCHAR, month_start DATE, kwh DOUBLE)")
    for month in range(FILES):
        connection.execute(
            f"INSERT INTO lake.asked SELECT 'bench', DATE '2023-01-01' + INTERVAL {month} MONTH, 1.0 "
            f"FROM range({ROWS_OF_A_FILE})"
        )
    return connection


def add_statistics(connection: duckdb.DuckDBPyConnection, there: int, wanted: int) -> None:
    """Let the catalogue keep so many rows of statistics of other tables, where it keeps some."""
    connection.execute(OTHERS, [there, wanted])


def measure(connection: duckdb.DuckDBPyConnection, sizes: list[int], repetitions: int) -> list[float]:
    """Milliseconds that the statement takes, in the middle, with so many rows of statistics of other tables."""
    found, there = [], 0
    for size in sizes:
        add_statistics(connection, there, size)
        there = size
        found.append(_taken_ms(connection, repetitions))
    return found


def _taken_ms(connection: duckdb.DuckDBPyConnection, repetitions: int) -> float:
    taken = []
    for _ in range(repetitions):
        start = perf_counter()
        (count,) = connection.execute(STATEMENT).fetchall()[0]
        taken.append(1000 * (perf_counter() - start))
        if count != ROWS_OF_A_FILE:
            raise SystemExit(f"Not what should be measured: {count} rows")
    return median(taken)


def with_index(connection: duckdb.DuckDBPyConnection, sizes: list[int], repetitions: int) -> list[float]:
    """The same with the index of the server, from the most rows down to the fewest."""
    index_statistics(connection)
    found = []
    for size in reversed(sizes):
        connection.execute(f"DELETE FROM {STATISTICS} WHERE data_file_id >= {ELSEWHERE + size // COLUMNS}")
        found.append(_taken_ms(connection, repetitions))
    return found[::-1]


def as_table(sizes: list[int], found: dict[str, list[float]]) -> str:
    """Milliseconds by rows of statistics and catalogue."""
    header = ["rows of statistics", *(f"{name}, ms" for name in found)]
    rows = [
        [f"{size:,}", *(f"{taken:.3g}" for taken in of_size)]
        for size, of_size in zip(sizes, zip(*found.values(), strict=True), strict=True)
    ]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, ["---:"] * len(header), *rows))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=Path("bench/results"), help="folder the results are written to")
    parser.add_argument("--repetitions", type=int, default=15)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--postgres", help="connection string of an empty database, e.g. 'host=/tmp dbname=bench'")
    asked = parser.parse_args()
    sizes = sorted(asked.rows)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        found = {"SQLite": measure(opened(f"sqlite:{root}/catalogue", root / "data"), sizes, asked.repetitions)}
        if asked.postgres:
            connection = opened(f"postgres:{asked.postgres}", root / "others")
            attach(connection, asked.postgres, "server", "TYPE postgres")
            found["PostgreSQL, no index"] = measure(connection, sizes, asked.repetitions)
            found["PostgreSQL, indexed"] = with_index(connection, sizes, asked.repetitions)
    table = as_table(sizes, found)
    asked.to.mkdir(parents=True, exist_ok=True)
    result = {"python": platform.python_version(), "duckdb": duckdb.__version__, "rows": sizes, "milliseconds": found}
    (asked.to / "catalogue.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    (asked.to / "catalogue.md").write_text(f"# Finding the files of a statement\n\n{table}\n", encoding="utf-8")
    print(table)


if __name__ == "__main__":
    main()
