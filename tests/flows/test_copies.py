"""The same bytes at two places are two files where the place says what the file does not, and one file elsewhere."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from suanheng.config.workspace import open_workspace
from suanheng.flows import night
from suanheng.flows.orchestration.steps import Steps
from suanheng.warehouse.lake import reading

SAMPLES = Path(__file__).parents[1] / "data"
SITE = '[[site]]\nsite_id = "east"\nname_en = "East"\ntime_zone = "UTC"\n'
LOG = (SAMPLES / "mlperf_run_log_server_tokens.txt").read_bytes()
IDLE = b'DCGM_FI_DEV_POWER_USAGE{UUID="GPU-a",Hostname="n1"} 60\n'
BILL = b"meter_id,commodity,service_start,service_end,energy_kwh\nm,electricity,2023-01-01,2023-02-01,10\n"


@pytest.fixture
def ingested(tmp_path: Path):
    """``ingested(source, content, paths, query)``: what a query gives once the content lies at every path."""

    def run(source: str, content: bytes, paths: list[str], query: str) -> list[tuple]:
        (tmp_path / "suanheng.toml").write_text("", encoding="utf-8")
        (tmp_path / "sites.toml").write_text(SITE, encoding="utf-8")
        (tmp_path / "sources.toml").write_text(f'[[source]]\nsite = "east"\n{source}\n', encoding="utf-8")
        for path in paths:
            (tmp_path / "landing" / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "landing" / path).write_bytes(content)
        workspace = open_workspace(tmp_path)
        night.ingest(workspace, Steps(), datetime(2026, 6, 1, tzinfo=UTC))
        with reading(workspace) as lake:
            return lake.frame(query).rows()

    return run


def test_a_log_of_two_systems_is_two_results(ingested):
    source = 'format = "mlperf_run_log"\nfiles = "landing/**/mlperf_log_detail.txt"\ntime_zone = "UTC"'
    paths = [f"results/{name}/own-bench/Server/performance/run_1/mlperf_log_detail.txt" for name in ("tern", "gull")]
    query = "SELECT system_name FROM staged.benchmark_results ORDER BY 1"
    assert ingested(source, LOG, paths, query) == [("gull",), ("tern",)]


def test_two_scrapes_of_an_idle_exporter_are_two_instants(ingested):
    source = 'format = "prometheus_text"\nfiles = "landing/*.prom"\noptions = { scraped_at = "%Y%m%dT%H%M%S%z.prom" }'
    paths = ["20240601T120000Z.prom", "20240601T120100Z.prom"]
    query = "SELECT sampled_at_utc FROM staged.accelerator_samples ORDER BY 1"
    assert ingested(source, IDLE, paths, query) == [(datetime(2024, 6, 1, 12),), (datetime(2024, 6, 1, 12, 1),)]


def test_a_copy_of_what_says_all_itself_is_one_file(ingested):
    source = 'format = "template"\ndataset = "utility_bills"\nfiles = "landing/**/*.csv"'
    query = "SELECT count(*), sum(energy_kwh) FROM staged.utility_bills"
    assert ingested(source, BILL, ["a/bill.csv", "b/bill.csv"], query) == [(1, 10)]
