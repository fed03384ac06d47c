"""Published numbers, reproduced in SQL from a warehouse that the pipeline filled from the public files themselves.

One workspace holds every data set as a site of its own. The stages of the ASEM index are in ``test_asem.py``, where
they need no warehouse.
"""

import csv
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from suanheng.config.workspace import open_workspace
from suanheng.flows import night
from suanheng.flows.orchestration.steps import Steps
from suanheng.flows.order import Order, Stage
from suanheng.schemas.formats import raw_tables
from suanheng.warehouse.lake import Lake, reading
from tests.conftest import stagings

WITHOUT_REPORTS = (Stage.INGEST, Stage.STAGE, Stage.BUILD)

PUBLIC = Path(__file__).parents[3] / "shared" / "data"
POWER = PUBLIC / "mlperf_inference_v4.1_power"

pytestmark = [
    pytest.mark.long,
    pytest.mark.real_data,
    pytest.mark.skipif(not PUBLIC.is_dir(), reason="the public data is not at ../shared/data"),
]

NOW = datetime(2026, 11, 1, tzinfo=UTC)

H200 = {"evidence": "measured", "time_zone": "UTC", "options": {"sku": "H200 SXM 141GB", "device_count": 8}}
ANALYSER = {"evidence": "metered", "time_zone": "UTC"}

# The 99 and 99.9 variants of a benchmark may share a run, and with it the analyser's log: each has a site.
VARIANTS = {"h200": "*[!.]?", "h200-99-9": "*.9"}

BINDINGS: list[dict[str, Any]] = [
    *(
        {
            "site": site,
            "format": form,
            "files": f"mlperf_inference_v4.1_power/*/{folder}/*/performance/run_1/{name}",
            **how,
        }
        for site, folder in VARIANTS.items()
        for form, name, how in (
            ("mlperf_power_log", "spl.txt", ANALYSER),
            ("mlperf_run_log", "mlperf_log_detail.txt", H200),
        )
    ),
    {
        "site": "mlperf-systems",
        "format": "mlperf_system",
        "files": "mlperf_inference_v4.1_systems/closed/*/systems/*.json",
        "options": {"in_service_from": "2024-07-01"},
    },
    {"site": "phillips", "format": "sacct", "files": "slurm_sacct/phillips.log", "time_zone": "UTC"},
    {"site": "top500-2018-06", "format": "top500", "files": "top500/TOP500_201806.xls"},
    {"site": "top500-2023-11", "format": "top500", "files": "top500/TOP500_202311.xlsx"},
    {"site": "argonne", "format": "nvml_phase_energy", "files": "gpu_power_a100/Llama*.csv", "evidence": "metered"},
    {
        "site": "argonne",
        "format": "nvidia_smi",
        "files": "gpu_power_a100/nvidia-smi.csv",
        "time_zone": "America/Chicago",
        "evidence": "measured",
        "options": {"node": "argonne-swing", "gpus_per_burst": 4, "sku": "A100 SXM 40GB"},
    },
    *(
        {
            "site": "captures",
            "format": "nvidia_smi",
            "files": f"nvidia_smi/*__{capture}.txt",
            "time_zone": "UTC",
            "evidence": "measured",
            "options": {"node": node, "sku": sku},
        }
        for capture, node, sku in (
            ("nvidia-h100-80gb-hbm3__590.48.01", "h100", "H100 SXM 80GB"),
            ("nvidia-h100-mig__590.48.01", "h100-mig", "H100 SXM 80GB"),
            ("nvidia-l40s__595.80", "l40s", "L40S 48GB"),
        )
    ),
    {
        "site": "ml-energy",
        "format": "ml_energy",
        "files": "ml_energy/models/*.json",
        "evidence": "measured",
        "options": {"measured_on": "2026-02-16"},
    },
    *(
        {"site": site, "format": "green_button", "files": f"green_button/{name}.xml", "evidence": "metered"}
        for site, name in (
            ("green-button", "test_usage_data"),
            ("green-button-1", "test_usage_data_1"),
            ("green-button-2", "test_usage_data_2"),
            ("green-button-invalid", "example-GreenButton-data-invalid-electricity-cf"),
        )
    ),
    *(
        {
            "site": "grid",
            "format": "grid_mix_hourly",
            "files": f"grid_mix_hourly/{area}_*.csv",
            "options": {"area": f"US-{area}"},
        }
        for area in ("CA", "TX")
    ),
    *(
        {
            "site": site,
            "format": "portfolio_manager",
            "files": f"utility_bills_xlsx/{name}",
            "evidence": "metered",
            "options": options,
        }
        for site, name, options in (
            ("bills", "ESPM_BPS_Sample_Meter_Readings.xlsx", {"end_date": "inclusive", "currency": "USD"}),
            ("bills-monthly", "example-pm-monthly-meter-usage.xlsx", {"end_date": "exclusive"}),
            ("bills-repeated", "example-pm-monthly-meter-usage-1-dup.xlsx", {"end_date": "exclusive"}),
            ("bills-of-no-meter", "test_espm.csv", {}),
        )
    ),
    {"site": "inventory", "format": "cyclonedx", "files": "cyclonedx/*/*/bom.json"},
    {
        "site": "gpu-server-08",
        "format": "gpu_server_hourly",
        "files": "gpu_server_hourly/cbsugpu08_usage_stats.txt",
        "time_zone": "America/New_York",
        "evidence": "measured",
        "options": {"gpus_per_server": 2, "sku": "H100 PCIe 80GB"},
    },
]

BUILT = ("h200", "h200-99-9", "top500-2018-06", "top500-2023-11", "argonne", "ml-energy", "grid")
"""Sites whose rollups a published number is read from. The numbers of the others are in what is staged."""

# A grid mix covers a grid, not of a centre, and gives a site no months: this bill does.
BILL_OF_2022 = """\
meter_id,service_start,service_end,commodity,energy_kwh,is_estimated
grid-meter,2022-01-01,2023-01-01,electricity,1,false
"""


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """The warehouse, filled once. ``--dist loadscope`` keeps the tests of a module in one process."""
    root = tmp_path_factory.mktemp("public")
    (root / "suanheng.toml").touch()
    (root / "bill.csv").write_text(BILL_OF_2022)
    bill = {"site": "grid", "format": "template", "dataset": "utility_bills", "files": "bill.csv"}
    public = [{**binding, "files": f"{PUBLIC.resolve()}/{binding['files']}"} for binding in BINDINGS]
    (root / "sources.toml").write_text("".join(map(_as_source, [bill, *public])))
    sites = sorted({binding["site"] for binding in BINDINGS})
    (root / "sites.toml").write_text("".join(map(_as_site, sites)))
    workspace = open_workspace(root)
    night.ingest(workspace, Steps(), NOW)
    outcome = night.run(
        workspace, Steps(), NOW, Order("backfill", WITHOUT_REPORTS, date(2016, 1, 1), NOW.date(), BUILT)
    )
    assert outcome.failures == {}
    with reading(workspace) as opened:
        yield opened


def _as_source(binding: dict[str, Any]) -> str:
    # JSON's strings and numbers are TOML's; its objects are inline tables but for the colon.
    options = ", ".join(f"{name} = {json.dumps(value)}" for name, value in binding.get("options", {}).items())
    plain = {name: value for name, value in binding.items() if name != "options"}
    lines = [f"{name} = {json.dumps(value)}" for name, value in plain.items()] + [f"options = {{ {options} }}"]
    return "[[source]]\n" + "\n".join(lines) + "\n\n"


def _as_site(site: str) -> str:
    return f'[[site]]\nsite_id = "{site}"\nname_en = "{site}"\ntime_zone = "UTC"\n\n'


def _published_powers() -> list[Any]:
    """Benchmark folder, scenario, and watts of the round's 26 submissions on 8 H200."""
    if not POWER.is_dir():
        return []
    with (POWER / "published_v4.1_closed.csv").open(encoding="utf-8", newline="") as table:
        rows = [
            row
            for row in csv.DictReader(table)
            if row["Result_Power"] and "/H200-SXM-141GBx8_TRT_MaxQ/" in row["Location"]
        ]
    runs = {
        tuple(row["Location"].split("/")[-2:]): float(row["Result_Power"])
        for row in rows
        if row["Organization"] == "NVIDIA"
    }
    return [pytest.param(*run, watts, id="-".join(run)) for run, watts in sorted(runs.items())]


POWERS = _published_powers()


def test_every_submission_with_power_is_published():
    assert len(POWERS) == 26


@pytest.mark.parametrize(("benchmark", "scenario", "published_w"), POWERS)
def test_mean_wall_power_of_mlperf(lake: Lake, benchmark: str, scenario: str, published_w: float):
    query = (
        "SELECT power_sum_w::DOUBLE / power_samples FROM rollups.benchmark_power "
        "WHERE benchmark = ? AND scenario = ? AND is_valid"
    )
    watts = lake.frame(query, [f"mlperf_inference/{benchmark}", scenario]).to_series().to_list()

    assert [round(each, 4) for each in watts] == [round(published_w, 4)]


def test_two_mean_wall_powers_are_those_of_the_table():
    powers = {param.id: param.values[-1] for param in POWERS}

    assert round(powers["3d-unet-99-Offline"], 4) == 4613.6194
    assert round(powers["llama2-70b-99-Server"], 4) == 6280.2140


# Published for 2016-12-22 to 2017-01-01, both days included.
HOURS_OF_PHILLIPS = """
    WITH clipped AS (
        SELECT cpu_count, device_count, greatest(0, epoch(
            least(ended_at_utc, TIMESTAMP '2017-01-02') - greatest(started_at_utc, TIMESTAMP '2016-12-22')
        )) / 3600 AS hours
        FROM staged.workload_runs
        WHERE site_id = 'phillips'
    )
    SELECT round(sum(hours), 4), round(sum(hours * cpu_count), 4), round(sum(hours * device_count), 4) FROM clipped
"""
EFFICIENCY_OF_TOP500 = """
    SELECT count(*), max(abs(gflops_per_w / stated_gflops_per_w - 1)) < 1e-9
    FROM rollups.benchmark_efficiency
    WHERE site_id = 'top500-2023-11'
"""
# The list of 2018 prints its column to three decimals.
EFFICIENCY_OF_AN_OLD_LIST = """
    SELECT count(*), max(abs(gflops_per_w - stated_gflops_per_w)) < 0.0005 + 1e-9
    FROM rollups.benchmark_efficiency
    WHERE site_id = 'top500-2018-06'
"""
ENERGY_OF_MODEL_LOAD = """
    SELECT round((device_s / 4)::DOUBLE, 1), round((sampled_energy_j / stated_energy_j)::DOUBLE, 3)
    FROM rollups.run_energy
    WHERE site_id = 'argonne' AND job_id = 'model load'
"""
ENERGY_OF_SHORT_PHASES = """
    SELECT count(*), bool_and(sampled_energy_j / stated_energy_j BETWEEN 0.96 AND 1.05)
    FROM rollups.run_energy
    WHERE site_id = 'argonne' AND device_s / 4 BETWEEN 8 AND 10
"""
ENERGY_PER_TOKEN = """
    SELECT count(*), max(abs(energy_per_unit_j / stated_energy_per_unit_j - 1)) < 1e-15
    FROM rollups.benchmark_efficiency
    WHERE site_id = 'ml-energy'
"""
# Each sum exact: to the watt-hour, in decimals.
READINGS_OF_GREEN_BUTTON = """
    SELECT count(*), sum((energy_kwh * 1000)::DECIMAL(38, 6))::DOUBLE
    FROM staged.facility_readings
    WHERE site_id IN ('green-button{part}')
"""
# Three hours of California state no intensity.
INTENSITY_OF_A_GRID = """
    SELECT count(*), count(stated_gco2e_per_kwh), count(*) FILTER (computed_gco2e_per_kwh = stated_gco2e_per_kwh)
    FROM rollups.grid_intensity_hour
    WHERE site_id = 'grid' AND area = '{area}'
"""
TWO_H100 = """
    SELECT count(*), round(avg(power_w), 1), round(100 * avg(utilisation_ratio), 1)
    FROM staged.accelerator_samples
    WHERE site_id = 'gpu-server-08'
"""


@pytest.mark.parametrize(
    ("query", "published"),
    [
        pytest.param(HOURS_OF_PHILLIPS, (438.8203, 11_767.9883, 506.9128), id="wall, CPU and GPU hours"),
        pytest.param(EFFICIENCY_OF_TOP500, (188, True), id="GFLOPS/W of the systems that state their power"),
        pytest.param(EFFICIENCY_OF_AN_OLD_LIST, (264, True), id="GFLOPS/W before the column was renamed"),
        pytest.param(ENERGY_OF_MODEL_LOAD, (265.1, 1.001), id="energy of the model load"),
        pytest.param(ENERGY_OF_SHORT_PHASES, (7, True), id="energy of phases of 8 to 10 s"),
        pytest.param(ENERGY_PER_TOKEN, (138, True), id="J/token"),
        pytest.param(READINGS_OF_GREEN_BUTTON.format(part=""), (1_340, 1_391_666), id="readings"),
        pytest.param(READINGS_OF_GREEN_BUTTON.format(part="-1"), (480, 511_688), id="readings of the first part"),
        pytest.param(READINGS_OF_GREEN_BUTTON.format(part="-2"), (860, 879_978), id="readings of the second part"),
        pytest.param(INTENSITY_OF_A_GRID.format(area="US-CA"), (8_760, 8_757, 8_757), id="intensity in California"),
        pytest.param(INTENSITY_OF_A_GRID.format(area="US-TX"), (8_760, 8_760, 8_760), id="intensity in Texas"),
        pytest.param(TWO_H100, (15_277, 147.8, 32.0), id="server with two H100"),
    ],
)
def test_published_number(lake: Lake, query: str, published: tuple[Any, ...]):
    assert lake.frame(query).row(0) == published


@pytest.mark.parametrize(
    ("site", "dataset", "rows"),
    [
        # As counted in the files: rows of the sheets, systems and their accelerators, pieces and packages listed.
        pytest.param("bills", "utility_bills", 579, id="bills with inclusive end dates"),
        pytest.param("bills-monthly", "utility_bills", 8, id="bills with exclusive end dates"),
        pytest.param("inventory", "bom_parts", 6, id="parts of a board"),
        pytest.param("inventory", "software_components", 43, id="components of an editor"),
        pytest.param("captures", "accelerator_samples", 6, id="samples of three drivers, idle and loaded"),
        pytest.param("green-button-invalid", "facility_readings", 0, id="electricity in cubic feet"),
    ],
)
def test_rows_staged(lake: Lake, site: str, dataset: str, rows: int):
    assert lake.value(f"SELECT count(*) FROM staged.{dataset} WHERE site_id = ?", [site]) == rows


def test_a_bill_that_is_stated_twice_is_staged_once(lake: Lake):
    fed, staged, quarantined = lake.frame(
        "SELECT rows_fed, rows_staged, rows_quarantined FROM ops.stagings WHERE site_id = 'bills-repeated'"
    ).row(0)
    keys = lake.value(
        "SELECT count(DISTINCT (meter_id, service_start, service_end)) FROM staged.utility_bills "
        "WHERE site_id = 'bills-repeated'"
    )

    assert (fed, staged + quarantined, staged) == (12, 12, keys)


def test_every_bound_file_is_in_the_books(lake: Lake):
    bound = {str(path) for binding in BINDINGS for path in PUBLIC.resolve().glob(binding["files"])}
    recorded = lake.frame("SELECT path FROM ops.files").to_series().to_list()

    assert sorted(recorded) == sorted([*bound, "bill.csv"])


def test_a_list_of_properties_is_refused_and_nothing_else(lake: Lake):
    refused = lake.frame("SELECT site_id, problem FROM ops.files WHERE status <> 'loaded'").rows()

    assert [site for site, _ in refused] == ["bills-of-no-meter"]
    assert "Meter Entries" in refused[0][1]


def test_every_record_of_every_file_is_accepted_or_quarantined(lake: Lake):
    raw = " UNION ALL ".join(
        f"SELECT site_id, file_id, '{table}' AS raw_table FROM raw.{table}" for table in raw_tables()
    )
    lost = lake.frame(f"""
        WITH landed AS (SELECT site_id, file_id, raw_table, count(*) AS accepted FROM ({raw}) GROUP BY ALL),
        rejected AS (
            SELECT site_id, file_id, table_name AS raw_table, count(*) AS quarantined
            FROM quarantine.records WHERE stage = 'raw' GROUP BY ALL
        )
        SELECT path
        FROM ops.files
        LEFT JOIN landed USING (site_id, file_id, raw_table)
        LEFT JOIN rejected USING (site_id, file_id, raw_table)
        WHERE rows_read <> rows_accepted + rows_quarantined
            OR rows_accepted <> coalesce(accepted, 0)
            OR rows_quarantined <> coalesce(quarantined, 0)
    """)

    assert lost["path"].to_list() == []


def test_every_row_that_was_fed_is_staged_superseded_or_quarantined(lake: Lake):
    of_datasets = stagings(lake)

    assert of_datasets.height > len(BUILT)
    for staging in of_datasets.iter_rows(named=True):
        kept = lake.value(f"SELECT count(*) FROM staged.{staging['dataset']} WHERE site_id = ?", [staging["site_id"]])
        assert staging["rows_staged"] == kept
        assert staging["rows_fed"] == kept + staging["rows_superseded"] + staging["rows_quarantined"]


@pytest.mark.parametrize(
    ("site", "path", "records"),
    [
        # Counted apart from the readers: lines of the file less its header or footer.
        pytest.param("phillips", "slurm_sacct/phillips.log", 4_285, id="jobs"),
        pytest.param("argonne", "gpu_power_a100/nvidia-smi.csv", 42_963, id="samples, the last one cut off"),
        pytest.param("gpu-server-08", "gpu_server_hourly/cbsugpu08_usage_stats.txt", 15_277, id="hours"),
    ],
)
def test_records_read(lake: Lake, site: str, path: str, records: int):
    query = "SELECT rows_read FROM ops.files WHERE site_id = ? AND ends_with(path, ?)"

    assert lake.value(query, [site, path]) == records
