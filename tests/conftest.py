"""What all tests share: a home for Prefect that is not the user's, and a workspace that is tiny but complete."""

import csv
import hashlib
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from filelock import FileLock

from suanheng.config.workspace import Workspace, open_workspace
from suanheng.flows import night
from suanheng.flows.orchestration.steps import Steps
from suanheng.flows.order import Outcome
from suanheng.schemas.staged import DATASETS
from suanheng.transforms.building.periods import add_months
from suanheng.warehouse.lake import Lake, reading
from tests.empty_warehouse import copied_where_none_is, made_anew

NOW = datetime(2024, 2, 1, tzinfo=UTC)
"""The present of the tests: every period of the tiny workspace is over."""

SITE = "tiny"
FIRST_MONTH = date(2023, 1, 1)
CHINA = timedelta(hours=8)

Row = Mapping[str, Any]


def pytest_configure(config: pytest.Config) -> None:
    """Give Prefect a home of its own, one per worker, so that no test touches the user's."""
    config.prefect_home = tempfile.mkdtemp(prefix="suanheng-prefect-")  # type: ignore[attr-defined]
    os.environ["PREFECT_HOME"] = config.prefect_home  # type: ignore[attr-defined]
    os.environ.pop("SUANHENG_WORKSPACE", None)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove that home."""
    shutil.rmtree(config.prefect_home, ignore_errors=True)  # type: ignore[attr-defined]


def pytest_report_header() -> str:
    """The versions that matter when a test fails elsewhere."""
    parts = ("suanheng", "duckdb", "duckdb-extension-ducklake", "polars", "pandera", "prefect")
    return f"python {platform.python_version()}, " + ", ".join(f"{part} {version(part)}" for part in parts)


def stagings(lake: Lake) -> pl.DataFrame:
    """What became of the rows of each dataset of each site, all its days together."""
    counts = ("rows_fed", "rows_dropped", "rows_staged", "rows_superseded", "rows_quarantined")
    sums = ", ".join(f"sum({name})::BIGINT AS {name}" for name in counts)
    return lake.frame(f"SELECT site_id, dataset, {sums} FROM ops.stagings GROUP BY ALL ORDER BY ALL")


@dataclass(frozen=True)
class Centre:
    """A workspace with one site of two accelerators in one server, in Hebei (UTC+8).

    Attributes:
        root: folder of the workspace.
    """

    root: Path

    @property
    def workspace(self) -> Workspace:
        return open_workspace(self.root)

    def path(self, dataset: str, name: str, site_id: str = SITE) -> Path:
        """Place of a file in the landing zone."""
        return self.root / "landing" / site_id / dataset / f"{name}.csv"

    def write(self, dataset: str, name: str, rows: Sequence[Row], site_id: str = SITE) -> Path:
        """Write rows as a template file of a dataset, columns in the contract's order."""
        path = self.path(dataset, name, site_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        labels = [label for label in DATASETS[dataset].columns if any(label in row for row in rows)]
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, labels, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        return path

    def rows(self, dataset: str, name: str) -> list[dict[str, str]]:
        """Rows of a file, as text."""
        with self.path(dataset, name).open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def files(self) -> list[Path]:
        """Every file of the landing zone."""
        return sorted(path for path in (self.root / "landing").rglob("*") if path.is_file())

    def night(self, now: datetime = NOW) -> Outcome:
        """Run a night without reports."""
        return night.night(self.workspace, Steps(), now, write_reports=False)

    def ask(self, query: str, *parameters: Any, snapshot: int | None = None) -> pl.DataFrame:
        """Ask the warehouse, now or as it was at a snapshot."""
        with reading(self.workspace, snapshot) as lake:
            return lake.frame(query, list(parameters))

    def value(self, query: str, *parameters: Any, snapshot: int | None = None) -> Any:
        """First column of the first row of the answer."""
        rows = self.ask(query, *parameters, snapshot=snapshot).rows()
        return rows[0][0] if rows else None

    def snapshot(self) -> int:
        """Number of the newest snapshot."""
        return self.value("SELECT max(snapshot_id) FROM ducklake_snapshots('lake')")

    def digests(self, *stages: str, where: str = "true", snapshot: int | None = None) -> dict[str, str]:
        """A hash of the rows of every table of some stages, whatever their order, without the run that made them.

        ``where`` limits tables that have a column ``period``, and leaves out the others unless it is ``true``.
        """
        with reading(self.workspace, snapshot) as lake:
            # One transaction for all queries, and a count before a scan: most tables are empty, and both save much.
            lake.execute("BEGIN")
            return {
                table: _hash_of(lake, f"FROM {table} WHERE {where}")
                for table in _tables(lake, stages, with_period=where != "true")
            }


def _tables(lake: Lake, stages: Sequence[str], with_period: bool) -> list[str]:
    query = """
        SELECT table_schema || '."' || table_name || '"'
        FROM information_schema.columns JOIN information_schema.tables USING (table_catalog, table_schema, table_name)
        WHERE table_catalog = 'lake' AND table_type = 'BASE TABLE' AND list_contains(?, table_schema)
        GROUP BY table_schema, table_name HAVING NOT ? OR bool_or(column_name = 'period')
        ORDER BY ALL
    """
    return lake.frame(query, [list(stages), with_period]).to_series().to_list()


def _hash_of(lake: Lake, rows: str) -> str:
    is_empty = lake.value(f"SELECT count(*) {rows}") == 0
    found = [] if is_empty else lake.frame(f"SELECT COLUMNS(c -> c <> 'run_id') {rows}").rows()
    return hashlib.sha256("\n".join(sorted(map(repr, found))).encode()).hexdigest()


def write_tiny(root: Path, months: int = 6) -> Centre:
    """Write the settings and a few rows of all thirteen datasets, from January 2023 on.

    Telemetry covers one day per month: the two devices are half busy from midnight to midnight on the 10th. One file
    holds faulty and repeated samples, and one is no file of ours at all.
    """
    centre = Centre(root)
    root.mkdir(parents=True, exist_ok=True)
    (root / "suanheng.toml").write_text("", encoding="utf-8")
    (root / "sites.toml").write_text(_SITES, encoding="utf-8")
    (root / "sources.toml").write_text("\n".join(_source(dataset) for dataset in DATASETS), encoding="utf-8")
    for offset in range(months):
        month = add_months(FIRST_MONTH, offset)
        name = f"{month:%Y-%m}"
        centre.write("accelerator_samples", name, _samples(month))
        centre.write("facility_readings", name, _readings(month))
        centre.write("workload_runs", name, _runs(month))
        centre.write("utility_bills", name, _bills(month))
    for dataset, rows in _INVENTORIES.items():
        centre.write(dataset, "2023", rows)
    if months:
        _write_faulty(centre)
    return centre


def _write_faulty(centre: Centre) -> None:
    """A sample stated before, the same once more, one too busy, one without a device, a line cut off; and a letter."""
    good = _samples(FIRST_MONTH)[0]
    too_busy = {**good, "device_id": "gpu-3", "utilisation_ratio": 1.5}
    path = centre.write("accelerator_samples", "faulty", [good, good, too_busy, {**good, "device_id": ""}])
    with path.open("a", encoding="utf-8") as file:
        file.write("node-1,gpu-4,A1")
    letter = centre.path("utility_bills", "letter")
    letter.write_text("Dear customer,\nyour bill follows.\n", encoding="utf-8")


_SITES = f"""\
[[site]]
site_id = "{SITE}"
name_en = "Tiny centre"
name_zh = "小型中心"
time_zone = "Asia/Shanghai"
region_code = "CN-HE"
country = "CN"
commissioned_on = 2023-01-01
rack_units = 42.0
size_class = "small"
is_new = true
is_hub_node = false
"""


def _source(dataset: str) -> str:
    return f"""\
[[source]]
format = "template"
dataset = "{dataset}"
files = "landing/{{site}}/{dataset}/*"
evidence = "measured"
time_zone = "Asia/Shanghai"
"""


def _local(day: date, hour: float = 0) -> str:
    """An hour of a local day as UTC."""
    return f"{datetime(day.year, day.month, day.day) + timedelta(hours=hour) - CHINA:%Y-%m-%dT%H:%M:%SZ}"


def _samples(month: date) -> list[Row]:
    """Both devices on the 10th, four means over six hours each: 0.5 busy, 300 W."""
    return [
        {
            "node_id": "node-1",
            "device_id": device,
            "sku": "A100 SXM 80GB",
            "sampled_at_utc": _local(month.replace(day=10), hour),
            "interval_s": 21600,
            "utilisation_ratio": 0.5,
            "power_w": 300,
        }
        for device in ("gpu-1", "gpu-2")
        for hour in (0, 6, 12, 18)
    ]


def _readings(month: date) -> list[Row]:
    """One interval per meter, the whole month."""
    measured = {"utility": 1300.0, "ups_output": 1100.0, "it_input": 1000.0, "cooling": 200.0, "heat_reuse": 50.0}
    interval = {"started_at_utc": _local(month), "ended_at_utc": _local(add_months(month, 1))}
    energy = [
        {"meter_id": f"meter-{boundary}", "boundary": boundary, **interval, "energy_kwh": kwh}
        for boundary, kwh in measured.items()
    ]
    return [*energy, {"meter_id": "meter-water", "boundary": "water", **interval, "water_m3": 2.0}]


def _runs(month: date) -> list[Row]:
    """A training run of ten hours and a serving run of twelve on both devices, one after the other."""
    day = month.replace(day=10)
    common = {
        "cluster_id": "cluster-1",
        "state": "completed",
        "user_id": "user-1",
        "tenant_id": "tenant-1",
        "sku": "A100 SXM 80GB",
        "node_count": 1,
        "device_count": 2,
        "requested_device_count": 2,
        "precision": "BF16",
    }
    training = {
        **common,
        "job_id": f"train-{month:%m}",
        "submitted_at_utc": _local(day, 0),
        "started_at_utc": _local(day, 0.5),
        "ended_at_utc": _local(day, 10.5),
        "workload_class": "training",
        "model_name": "model-1",
        "model_pflop": 9000,
        "productive_s": 32400,
        "charged_amount": 300,
        "currency": "CNY",
    }
    serving = {
        **common,
        "job_id": f"serve-{month:%m}",
        "submitted_at_utc": _local(day, 11),
        "started_at_utc": _local(day, 11),
        "ended_at_utc": _local(day, 23),
        "workload_class": "inference",
        "model_name": "model-1",
        "tokens": 1_000_000,
        "model_pflop": 14,
        "productive_s": 40000,
        "energy_j": 20_000_000,
    }
    return [training, serving]


def _bills(month: date) -> list[Row]:
    """Electricity and water of the month."""
    service = {"service_start": month, "service_end": add_months(month, 1), "currency": "CNY"}
    return [
        {"meter_id": "account-1", "commodity": "electricity", **service, "energy_kwh": 1310.0, "amount": 900.0},
        {"meter_id": "account-2", "commodity": "water", **service, "water_m3": 2.0, "amount": 10.0},
    ]


_BENCHMARKS = ("GSM8K", "MMLU", "MATH", "ARC-C")

_INVENTORIES: dict[str, list[Row]] = {
    "benchmark_results": [
        {
            "benchmark": "hpl",
            "system_name": "node-1",
            "metric": "hpl_rmax",
            "value": 300,
            "unit": "TFLOP/s",
            "peak_value": 624,
            "precision": "BF16",
            "sku": "A100 SXM 80GB",
            "device_count": 2,
            "mean_power_w": 900,
            "power_boundary": "wall",
            "started_at_utc": "2023-01-05T01:00:00Z",
            "ended_at_utc": "2023-01-05T02:00:00Z",
            "is_valid": "true",
        }
    ],
    "model_evaluations": [
        {
            "model_name": "model-1",
            "benchmark": benchmark,
            "evaluated_on": "2023-01-03",
            "accuracy_ratio": 0.5,
            "active_params_billion": 7,
            "total_params_billion": 7,
        }
        for benchmark in _BENCHMARKS
    ],
    "incidents": [
        {
            "incident_id": f"incident-{month}",
            "cluster_id": "cluster-1",
            "started_at_utc": f"2023-{month:02}-20T00:00:00Z",
            "ended_at_utc": f"2023-{month:02}-20T03:00:00Z",
            "devices_affected": 1,
            "jobs_interrupted": 1,
            "cause": "accelerator",
            "is_planned": "false",
        }
        for month in (2, 5)
    ],
    "energy_certificates": [
        {
            "certificate_id": "gec-1",
            "instrument": "gec",
            "energy_kwh": 1810,
            "vintage_start": "2023-01-01",
            "vintage_end": "2023-07-01",
            "retired_on": "2023-07-15",
            "technology": "wind",
            "region_code": "CN-HE",
        }
    ],
    "hardware_assets": [
        {
            "asset_id": "server-1",
            "asset_class": "accelerator_server",
            "vendor": "vendor-1",
            "sku": "server model",
            "node_id": "node-1",
            "quantity": 1,
            "in_service_from": "2023-01-01",
            "rated_power_w": 1500,
            "rack_units": 4,
            "embodied_kgco2e": 1000,
            "service_life_years": 4,
        },
        {
            "asset_id": "accelerators-1",
            "parent_asset_id": "server-1",
            "asset_class": "accelerator",
            "vendor": "vendor-1",
            "sku": "A100 SXM 80GB",
            "quantity": 2,
            "in_service_from": "2023-01-01",
            "rated_power_w": 400,
            "embodied_kgco2e": 150,
            "service_life_years": 4,
        },
    ],
    "bom_parts": [
        {
            "asset_sku": "server model",
            "part_id": f"part-{component}",
            "observed_on": "2023-01-02",
            "component_class": component,
            "supplier": supplier,
            "quantity": 2,
            "unit_value": 100,
            "currency": "CNY",
            "qualified_suppliers": suppliers,
            "lead_time_days": 30,
            "stock_units": 90,
            "daily_use_units": 1,
        }
        for component, supplier, suppliers in (("memory", "supplier-1", 2), ("cpu", "supplier-2", 1))
    ],
    "software_components": [
        {
            "component_ref": reference,
            "observed_on": "2023-01-02",
            "component_name": reference,
            "component_version": "1",
            "supplier": "supplier-1",
            "licence_spdx": licence,
            "package_url": f"pkg:pypi/{reference}",
            "has_dependencies_stated": "true",
            "sbom_author": "author-1",
            "sbom_created_at_utc": "2023-01-02T00:00:00Z",
        }
        for reference, licence in (("open", "Apache-2.0"), ("closed", "BUSL-1.1"))
    ],
    "compatibility_tests": [
        {
            "test_id": f"test-{result}",
            "subject_kind": "operator",
            "subject_name": f"operator {result}",
            "sku": "A100 SXM 80GB",
            "tested_on": "2023-01-02",
            "result": result,
            "is_required": "true",
            "weight": 1,
        }
        for result in ("passed", "failed")
    ],
    "service_offers": [
        {
            "offer_id": "offer-1",
            "unit": "device_hour",
            "price": 12,
            "currency": "CNY",
            "sku": "A100 SXM 80GB",
            "precision": "BF16",
            "minimum_units": 1,
            "region_code": "CN-HE",
            "availability_ratio": 0.99,
            "valid_from": "2023-01-01",
        }
    ],
}
"""Datasets of one small file each."""


@pytest.fixture(scope="session", autouse=True)
def one_thread_per_connection() -> Iterator[None]:
    """Tables this small keep one thread busy; more would only wait for each other, and for the other workers."""
    connect = duckdb.connect

    def connect_narrowly(*args: Any, **options: Any) -> duckdb.DuckDBPyConnection:
        connection = connect(*args, **options)
        connection.execute("SET threads = 1")
        return connection

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duckdb, "connect", connect_narrowly)
        yield


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if os.environ.get("PYTEST_XDIST_WORKER") else own


@pytest.fixture(scope="session", autouse=True)
def new_warehouses_are_copies(shared_folder: Path) -> Iterator[None]:
    """A first night finds all tables made, as the product makes them; see ``tests/empty_warehouse.py``."""
    with copied_where_none_is(shared_folder):
        yield


@pytest.fixture
def warehouses_made_anew() -> Iterator[None]:
    """Every table is made by the test itself, for tests of how tables are made."""
    with made_anew():
        yield


@pytest.fixture
def tiny_workspace(tmp_path: Path) -> Centre:
    """The files of two quarters; nothing is ingested yet."""
    return write_tiny(tmp_path / "tiny")


@pytest.fixture(scope="session")
def built_once(shared_folder: Path) -> Centre:
    """The two quarters after a night, built once and shared by all workers. To be read, never changed.

    Its tables too are made by that night, so that nothing in it is of another run.
    """
    root = shared_folder / "built"
    with FileLock(shared_folder / "built.lock"):
        if not (root / "ready").exists():
            shutil.rmtree(root, ignore_errors=True)
            with made_anew():
                outcome = write_tiny(root).night()
            assert not outcome.failures, outcome.failures
            (root / "ready").touch()
    return Centre(root)


@pytest.fixture
def built_workspace(built_once: Centre, tmp_path: Path) -> Centre:
    """A copy of the two quarters after a night, free to be changed."""
    return Centre(shutil.copytree(built_once.root, tmp_path / "built"))
