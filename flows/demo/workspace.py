"""Fill a workspace with the demo data: landing zone, ``sites.toml`` and ``sources.toml``."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import polars as pl

from suanheng.flows.demo import bills, energy, incidents, load, models, runs, supply_chain, telemetry, workloads
from suanheng.flows.demo.centres import CENTRES, Centre
from suanheng.flows.demo.write import write_csv, write_parquet, write_sites, write_sources
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
