"""Fill a workspace with the demo data: landing zone, ``sites.toml`` and ``sources.toml``."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import polars as pl

from suanheng.flows.demo import bills, energy, incidents, load, models, runs, supply_chain, telemetry, workloads
from suanheng.flows.demo.centres import CENTRES, OPERATOR, Centre
from suanheng.flows.demo.clock import TIME_ZONE
from suanheng.schemas.contract import Contract
from suanheng.schemas.staged import DATASETS

Table = tuple[str, str, pl.DataFrame]
"""Dataset, what its file is named after besides, and the rows."""


def generate(workspace: Path, seed: int = 2024) -> None:
    """Write the files of thirteen datasets of three fictitious centres, 2022Q1 to 2023Q4, and the settings.

    Args:
        workspace: folder of the workspace; created if it does not exist. Files of the same names are overwritten.
        seed: the same seed gives the same bytes.
    """
    workspace.mkdir(parents=True, exist_ok=True)
    write_sites(workspace / "sites.toml", CENTRES)
    written = set()
    for centre in CENTRES:
        for dataset, name, rows in _tables(centre, seed):
            written.add(dataset)
            _write(workspace / "landing" / centre.site_id / dataset, centre, dataset, name, rows)
    write_sources(workspace / "sources.toml", [dataset for dataset in DATASETS if dataset in written])


def _write(folder: Path, centre: Centre, dataset: str, name: str, rows: pl.DataFrame) -> None:
    contract = DATASETS[dataset]
    if dataset == "accelerator_samples":
        write_parquet(rows, folder / f"{dataset}_{name}.parquet", contract)
    else:
        write_csv(rows, folder / f"{dataset}_{name}.csv", contract, chinese=centre.chinese_headers)


def _tables(centre: Centre, seed: int) -> Iterator[Table]:
    happened = incidents.draw(centre, seed)
    work = workloads.draw(centre, happened, seed)
    worked = load.simulate(centre, work, seed)
    supplied = energy.simulate(centre, worked, seed)
    interrupted = Counter(run.cut_by for run in work if run.cut_by)

    for month, rows in telemetry.samples(centre, worked, happened, seed):
        yield "accelerator_samples", f"{month:%Y-%m}", rows
    for month, rows in energy.readings(centre, supplied):
        yield "facility_readings", f"{month:%Y-%m}", rows
    for month, rows in runs.accounts(centre, work, worked, seed):
        yield "workload_runs", f"{month:%Y-%m}", rows
    for day, rows in models.benchmarks(centre, seed):
        yield "benchmark_results", f"{day:%Y-%m}", rows
    for day, rows in models.evaluations(centre, seed):
        yield "model_evaluations", day.isoformat(), rows
    yield "incidents", "2022-2023", incidents.frame(centre, happened, interrupted)
    yield from _named("utility_bills", bills.bills(centre, supplied, seed))
    yield from _named("energy_certificates", bills.certificates(centre, supplied))
    yield from _named("hardware_assets", supply_chain.hardware_assets(centre))
    yield from _named("bom_parts", supply_chain.bom_parts(centre, seed))
    yield from _named("software_components", supply_chain.software_components(centre))
    yield from _named("compatibility_tests", supply_chain.compatibility_tests(centre, seed))
    yield from _named("service_offers", supply_chain.service_offers(centre))


def _named(dataset: str, files: Iterable[tuple[str, pl.DataFrame]]) -> Iterator[Table]:
    for name, rows in files:
        yield dataset, name, rows


def write_csv(rows: pl.DataFrame, path: Path, contract: Contract, *, chinese: bool) -> None:
    """Write rows as CSV in UTF-8, columns in the contract's order.

    Args:
        rows: the table, typed, under the contract's column names.
        path: the file.
        contract: contract of the dataset.
        chinese: whether headers are the contract's Chinese spellings, times local and flags 是 and 否; otherwise
            headers are the contract's names, times UTC with a ``Z`` and flags true and false.
    """
    ordered = rows.select(name for name in contract.columns if name in rows.columns)
    as_text = [_text(name, dtype, chinese=chinese) for name, dtype in ordered.schema.items()]
    headers = {name: chinese_header(contract, name) for name in ordered.columns} if chinese else {}
    path.parent.mkdir(parents=True, exist_ok=True)
    ordered.with_columns(as_text).rename(headers).write_csv(path)


def write_parquet(rows: pl.DataFrame, path: Path, contract: Contract) -> None:
    """Write rows as Parquet, columns in the contract's order and types."""
    path.parent.mkdir(parents=True, exist_ok=True)
    dtypes = contract.dtypes()
    columns = [pl.col(name).cast(dtypes[name]) for name in dtypes if name in rows.columns]
    rows.select(columns).write_parquet(path, compression="zstd", compression_level=3, row_group_size=100_000)


def chinese_header(contract: Contract, name: str) -> str:
    """First Chinese spelling of a column, or its name where it has none."""
    return next((spelling for spelling in contract.columns[name].spellings if not spelling.isascii()), name)


def write_sites(path: Path, centres: Iterable[Centre]) -> None:
    """Write ``sites.toml``."""
    path.write_text("\n".join(map(_site, centres)), encoding="utf-8", newline="\n")


def write_sources(path: Path, datasets: Iterable[str]) -> None:
    """Write ``sources.toml``: one source per dataset, the site named by the folder."""
    path.write_text("\n".join(map(_source, datasets)), encoding="utf-8", newline="\n")


def _text(name: str, dtype: pl.DataType, *, chinese: bool) -> pl.Expr:
    column = pl.col(name)
    if dtype == pl.Datetime:
        if chinese:
            local = column.dt.replace_time_zone("UTC").dt.convert_time_zone(TIME_ZONE)
            return local.dt.to_string("%Y-%m-%d %H:%M:%S")
        return column.dt.to_string("%Y-%m-%dT%H:%M:%SZ")
    if dtype == pl.Boolean and chinese:
        return pl.when(column).then(pl.lit("是")).when(~column).then(pl.lit("否")).alias(name)
    return column


def _site(centre: Centre) -> str:
    return f"""[[site]]
site_id = "{centre.site_id}"
name_zh = "{centre.name_zh}"
name_en = "{centre.name_en}"
operator = "{OPERATOR}"
time_zone = "{TIME_ZONE}"
region_code = "{centre.region_code}"
country = "CN"
commissioned_on = {centre.commissioned_on.isoformat()}
rack_units = {float(centre.rack_units)}
size_class = "{centre.size_class}"
is_new = {str(centre.is_new).lower()}
is_hub_node = {str(centre.is_hub_node).lower()}
"""


def _source(dataset: str) -> str:
    return f"""[[source]]
format = "template"
dataset = "{dataset}"
files = "landing/{{site}}/{dataset}/*"
cadence = "once"
evidence = "simulated"
time_zone = "{TIME_ZONE}"
"""
