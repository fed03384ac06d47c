"""The job with pandas and pandera: about a million rows at a time are held to a schema, cleaned and summed up."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import job
import pandas as pd
import pandera.pandas as pa
import pyarrow as arrow
import pyarrow.parquet as pq
from pandera.errors import SchemaErrors

ROW_GROUPS_PER_BATCH = 8
COMPARED = {">=": pa.Check.ge, "<=": pa.Check.le}


def schema() -> pa.DataFrameSchema:
    """Types, bounds, names and what must be stated; every check reports under the name of its rule."""
    bounds: dict[str, list[pa.Check]] = {column: [] for column, _, _ in job.BOUNDS}
    for column, sign, limit in job.BOUNDS:
        bounds[column].append(COMPARED[sign](limit, error=job.bound(column, sign, limit)))
    names = {column: pa.Check.str_matches(f"^(?:{job.IDENTIFIER})$", error=job.is_name(column)) for column in job.NAMES}
    within_total = pa.Check(
        lambda rows: ~(rows["memory_used_bytes"] > rows["memory_total_bytes"]), error=job.WITHIN_TOTAL
    )
    return pa.DataFrameSchema(
        {
            **{name: pa.Column("category", check, nullable=name not in job.REQUIRED) for name, check in names.items()},
            "sampled_at_utc": pa.Column("datetime64[us]"),
            **{
                column: pa.Column("int64" if column == "error_code" else "float64", checks, nullable=True)
                for column, checks in bounds.items()
            },
        },
        checks=within_total,
    )


def check_and_roll_up(file: Path, rollup: Path) -> dict[str, int]:
    contract = schema()
    broken: Counter[str] = Counter()
    hours = []
    for rows in whole_devices(file):
        good = without_broken(rows, contract, broken)
        is_repeated = good.duplicated(list(job.KEY))
        broken[job.UNIQUE] += is_repeated.sum()
        hours.append(rolled_up(good[~is_repeated]))
    pd.concat(hours).to_parquet(rollup, index=False)
    return broken


def whole_devices(file: Path) -> Iterator[pd.DataFrame]:
    """Batches that end where a device ends, so that neither a duplicate nor an hour is cut in two.

    Raises:
        ValueError: the file is not sorted by device.
    """
    parquet = pq.ParquetFile(file, read_dictionary=list(job.NAMES))
    begun, last_done = parquet.schema_arrow.empty_table(), ""
    for first in range(0, parquet.num_row_groups, ROW_GROUPS_PER_BATCH):
        last = min(first + ROW_GROUPS_PER_BATCH, parquet.num_row_groups)
        table = arrow.concat_tables([begun, parquet.read_row_groups(range(first, last))]).unify_dictionaries()
        rows = table.to_pandas()
        categories = rows["device_id"].cat.categories
        devices = rows["device_id"].cat.reorder_categories(sorted(categories), ordered=True)
        if devices.min() <= last_done:
            raise ValueError(f"{file} is not sorted by device, so that a batch may hold a part of one")
        end = len(rows) if last == parquet.num_row_groups else (devices == devices.max()).argmax()
        last_done = devices[:end].max()
        begun = table.slice(end)
        yield rows[:end]


def without_broken(rows: pd.DataFrame, contract: pa.DataFrameSchema, broken: Counter[str]) -> pd.DataFrame:
    """Rows that keep the schema; those that break a rule are counted."""
    try:
        return contract.validate(rows, lazy=True)
    except SchemaErrors as errors:
        cases = errors.failure_cases
    is_missing = cases["check"] == "not_nullable"
    rules = cases["check"].mask(is_missing, cases["column"].map(job.is_stated))
    broken.update(
        pd.DataFrame({"rule": rules, "row": cases["index"]}).drop_duplicates()["rule"].value_counts().to_dict()
    )
    return rows.drop(index=cases["index"].unique())


def rolled_up(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per device and hour."""
    hour = rows["sampled_at_utc"].dt.floor("h").rename("hour_start_utc")
    groups = rows.assign(is_error=rows["error_code"] > 0).groupby(["device_id", hour], observed=True, sort=False)
    return (
        groups.agg(
            node_id=("node_id", "first"),
            sku=("sku", "first"),
            samples=("sampled_at_utc", "size"),
            utilisation_sum=("utilisation_ratio", "sum"),
            tensor_active_sum=("tensor_active_ratio", "sum"),
            memory_used_bytes=("memory_used_bytes", "max"),
            memory_total_bytes=("memory_total_bytes", "max"),
            power_sum_w=("power_w", "sum"),
            counter_first_j=("energy_counter_j", "min"),
            counter_last_j=("energy_counter_j", "max"),
            temperature_c=("temperature_c", "max"),
            sm_clock_mhz=("sm_clock_mhz", "min"),
            errors=("is_error", "sum"),
        )
        .reset_index()
        .assign(energy_j=lambda hours: hours["counter_last_j"] - hours["counter_first_j"])
        .drop(columns=["counter_first_j", "counter_last_j"])
    )


if __name__ == "__main__":
    job.run(check_and_roll_up)
