"""The yardstick: the rollup alone, as a bare DuckDB query. It checks nothing, so wrong rows count in its sums."""

from pathlib import Path

import duckdb
import job


def roll_up(file: Path, rollup: Path) -> dict[str, int]:
    query = job.ROLLUP.format(samples=f"read_parquet('{file}')")
    duckdb.execute(f"COPY ({query}) TO '{rollup}' (FORMAT parquet)")
    return {}


if __name__ == "__main__":
    job.run(roll_up)
