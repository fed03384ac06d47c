"""Makes a small warehouse with suanheng 0.1.0, for the test that later versions go on with it; see README.md here.

Two centres: of north, telemetry in three formats, one file of which is taken in where it lies; of south, two quarters
of bills, with a record that was repaired, a correction and a publication that was restated. Every time is given.
"""

import csv
import sqlite3
import sys
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from suanheng.config.workspace import open_workspace
from suanheng.flows import pipeline
from suanheng.flows.publish import publish_scorecard
from suanheng.flows.replay import export, replay
from suanheng.flows.steps import Steps
from suanheng.warehouse.retention import expire_unpublished

MADE_WITH = "0.1.0"
FEBRUARY = datetime(2024, 2, 1, tzinfo=UTC)
MARCH = datetime(2024, 3, 1, tzinfo=UTC)
LEFT_OUT = ("publications", "reports", "lake/file_hashes.json", "lake/writer.lock", "lake/writer.holder")
"""Pages, which are large and which no later version reads, and what runs leave for each other."""

SITES = """\
[[site]]
site_id = "north"
name_en = "North centre"
name_zh = "北方中心"
time_zone = "Asia/Shanghai"
region_code = "CN-HE"
country = "CN"
commissioned_on = 2023-01-01
size_class = "small"

[[site]]
site_id = "south"
name_en = "South centre"
name_zh = "南方中心"
time_zone = "Asia/Shanghai"
region_code = "CN-GD"
country = "CN"
commissioned_on = 2023-01-01
size_class = "small"
"""

TEMPLATES = ("accelerator_samples", "facility_readings", "hardware_assets", "utility_bills", "workload_runs")

TEMPLATE = """\
[[source]]
format = "template"
dataset = "{dataset}"
files = "landing/{{site}}/{dataset}/*"
evidence = "metered"
time_zone = "Asia/Shanghai"
"""

EXPORTERS = """\
[[source]]
format = "nvidia_smi"
files = "landing/{site}/nvidia_smi/*.csv"
time_zone = "Asia/Shanghai"
options = { node = "node-2", sku = "A100 SXM 80GB" }

[[source]]
format = "prometheus_text"
files = "landing/{site}/prometheus_text/*.prom"
"""

CORRECTION = """\
- id: march-2023-tenfold
  dataset: utility_bills
  match:
    site: south
    where: { meter_id: account-1, commodity: electricity }
    from: 2023-03-01
    to: 2023-03-31
  column: energy_kwh
  expect: 13300
  action: override
  value: 1330
  reason: The supplier billed ten times what the meter says; confirmed on the telephone.
  source: letter of 2023-04-20
  provided_by: supplier of south
  date: 2023-04-20
"""

NVIDIA_SMI = """\
timestamp, index, name, uuid, utilization.gpu [%], power.draw [W]
{rows}"""


def settings(root: Path) -> None:
    """Write what an operator states: the sites, what comes in, and a known error."""
    (root / "corrections").mkdir(parents=True)
    (root / "suanheng.toml").write_text('[warehouse]\nauthor = "operator"\n', encoding="utf-8")
    (root / "sites.toml").write_text(SITES, encoding="utf-8")
    sources = "\n".join([*(TEMPLATE.format(dataset=dataset) for dataset in TEMPLATES), EXPORTERS])
    (root / "sources.toml").write_text(sources, encoding="utf-8")
    (root / "corrections" / "south.yaml").write_text(CORRECTION, encoding="utf-8")


def place(root: Path, name: str) -> Path:
    """A file of the landing zone, with its folder."""
    path = root / "landing" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def write(root: Path, name: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Write rows as a template file."""
    with place(root, name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def months(first: int, last: int) -> list[tuple[str, str]]:
    """First day of each month of 2023, and of the next."""
    return [(f"2023-{month:02}-01", f"2023-{month + 1:02}-01") for month in range(first, last + 1)]


def bills(energies: Mapping[tuple[str, str], object]) -> list[dict[str, object]]:
    """An electricity bill per month."""
    return [
        {
            "meter_id": "account-1",
            "commodity": "electricity",
            "service_start": start,
            "service_end": end,
            "energy_kwh": kwh,
            "amount": 900,
            "currency": "CNY",
        }
        for (start, end), kwh in energies.items()
    ]


def readings(energies: Mapping[str, int], of: Sequence[tuple[str, str]]) -> list[dict[str, object]]:
    """What each meter counts in each month."""
    return [
        {
            "meter_id": f"meter-{boundary}",
            "boundary": boundary,
            "started_at_utc": f"{start}T00:00:00+08:00",
            "ended_at_utc": f"{end}T00:00:00+08:00",
            "energy_kwh": kwh,
        }
        for start, end in of
        for boundary, kwh in energies.items()
    ]


def runs(of: Sequence[tuple[str, str]]) -> list[dict[str, object]]:
    """A training run of ten hours on one accelerator per month."""
    return [
        {
            "cluster_id": "cluster-1",
            "job_id": f"train-{start}",
            "submitted_at_utc": f"{start[:-2]}10T00:00:00Z",
            "started_at_utc": f"{start[:-2]}10T00:30:00Z",
            "ended_at_utc": f"{start[:-2]}10T10:30:00Z",
            "state": "completed",
            "user_id": "user-1",
            "workload_class": "training",
            "sku": "A100 SXM 80GB",
            "node_count": 1,
            "device_count": 1,
            "requested_device_count": 1,
            "model_name": "model-1",
            "precision": "BF16",
            "model_pflop": 9000,
            "productive_s": 32400,
            "charged_amount": 300,
            "currency": "CNY",
        }
        for start, _ in of
    ]


def assets(node: str) -> list[dict[str, object]]:
    """A server with one accelerator."""
    common = {"vendor": "vendor-1", "in_service_from": "2023-01-01", "service_life_years": 4}
    server = {"asset_id": "server-1", "parent_asset_id": "", "asset_class": "accelerator_server", "sku": "model"}
    devices = {"asset_id": "devices-1", "parent_asset_id": "server-1", "asset_class": "accelerator"}
    return [
        {**server, **common, "node_id": node, "quantity": 1, "rated_power_w": 1500, "embodied_kgco2e": 1000},
        {
            **devices,
            **common,
            "sku": "A100 SXM 80GB",
            "node_id": node,
            "quantity": 1,
            "rated_power_w": 400,
            "embodied_kgco2e": 150,
        },
    ]


def samples(root: Path) -> None:
    """Write 260,640 samples: of one device every 15 s of 45 days, of another each minute of a day.

    Of the other device a second file states some minutes of that day anew, and some instants between.
    """
    quarter, day = datetime(2022, 12, 31, 16), datetime(2023, 1, 14, 16)
    steady = sampled("gpu-1", quarter, pl.int_range(0, 45 * 86_400, 15, eager=True))
    short = sampled("gpu-2", day, pl.int_range(0, 86_400, 60, eager=True))
    rows = pl.concat([steady, short])
    dictionaries = [name for name in rows.columns if name != "sampled_at_utc"]
    path = place(root, "north/accelerator_samples/2023Q1.parquet")
    times = {"sampled_at_utc": "DELTA_BINARY_PACKED"}
    pq.write_table(rows.to_arrow(), path, compression="zstd", use_dictionary=dictionaries, column_encoding=times)
    again = sampled("gpu-2", day, pl.int_range(3600, 5400, 90, eager=True))
    write(root, "north/accelerator_samples/2023Q1_again.csv", written(again))


def sampled(device: str, midnight: datetime, seconds: pl.Series) -> pl.DataFrame:
    """Samples of a device that is half busy, at 300 W and 200 W in turns of an hour."""
    return pl.DataFrame({"second": seconds}).select(
        node_id=pl.lit("node-1"),
        device_id=pl.lit(device),
        sku=pl.lit("A100 SXM 80GB"),
        sampled_at_utc=pl.lit(midnight) + pl.duration(seconds="second"),
        utilisation_ratio=pl.lit(0.5),
        power_w=pl.when(pl.col("second") % 7200 < 3600).then(300.0).otherwise(200.0),
    )


def written(rows: pl.DataFrame) -> list[dict[str, object]]:
    """Samples as a template file states them."""
    return rows.with_columns(pl.col("sampled_at_utc").dt.strftime("%Y-%m-%dT%H:%M:%SZ")).to_dicts()


def exporters(root: Path) -> None:
    """Write a day of nvidia-smi in February, and six hours of Prometheus in March, both every ten minutes."""
    day = datetime(2023, 2, 10)
    rows = "".join(
        f"{day + timedelta(minutes=10 * step):%Y/%m/%d %H:%M:%S}.000, {gpu}, NVIDIA A100-SXM4-80GB, "
        f"GPU-0000000{gpu}, {40 + 10 * gpu} %, {250 + 50 * gpu}.00 W\n"
        for step in range(144)
        for gpu in (0, 1)
    )
    place(root, "north/nvidia_smi/2023-02-10.csv").write_text(NVIDIA_SMI.format(rows=rows), encoding="utf-8")
    begin = datetime(2023, 3, 10, tzinfo=UTC)
    labels = 'gpu="0",UUID="GPU-aaaa",modelName="NVIDIA A100-SXM4-80GB",Hostname="node-3"'
    lines = [
        f"{metric}{{{labels}}} {value} {int((begin + timedelta(minutes=10 * step)).timestamp() * 1000)}\n"
        for metric, value in (("DCGM_FI_DEV_POWER_USAGE", 310.5), ("DCGM_FI_DEV_GPU_UTIL", 60))
        for step in range(36)
    ]
    place(root, "north/prometheus_text/node-3.prom").write_text("".join(lines), encoding="utf-8")


def delivered(root: Path) -> None:
    """Write what both sites deliver at first; the bill of south for February has a comma for a point."""
    samples(root)
    exporters(root)
    write(root, "north/facility_readings/2023.csv", readings({"utility": 1300, "it_input": 1000}, months(1, 1)))
    write(root, "south/facility_readings/2023.csv", readings({"utility": 1300}, months(1, 4)))
    for site, node, last in (("north", "node-1", 3), ("south", "node-9", 6)):
        write(root, f"{site}/workload_runs/2023.csv", runs(months(1, last)))
        write(root, f"{site}/hardware_assets/2023.csv", assets(node))
    write(root, "north/utility_bills/2023.csv", bills(dict.fromkeys(months(1, 3), 1310)))
    quarter = dict(zip(months(1, 3), (1310, "1,32", 13300), strict=True))
    write(root, "south/utility_bills/2023Q1.csv", bills(quarter))
    write(root, "south/utility_bills/2023Q2.csv", bills(dict.fromkeys(months(4, 6), 1340)))


def repaired(root: Path, now: datetime) -> None:
    """Repair the bill in quarantine, as an operator does with a spreadsheet."""
    workspace, sheet = open_workspace(root), root / "sheet.csv"
    exported = export(workspace, "landing/south/utility_bills/2023Q1.csv", sheet)
    sheet.write_text(sheet.read_text(encoding="utf-8-sig").replace('"1,32",900', "1320,900"), encoding="utf-8-sig")
    became = [line.became for line in replay(workspace, sheet, Steps(), now)]
    sheet.unlink()
    if (exported, became) != (1, ["accepted"]):
        raise SystemExit(f"{exported} records were exported, and became {became}; expected one, accepted.")


def night(root: Path, now: datetime) -> None:
    """Run a night without pages."""
    outcome = pipeline.night(open_workspace(root), Steps(), now, write_reports=False)
    if outcome.failures or outcome.files_refused:
        raise SystemExit(f"The night failed: {outcome.failures or outcome.landings}")


def make(root: Path) -> None:
    """Let the two sites live through two nights, a repair and three publications."""
    settings(root)
    delivered(root)
    night(root, FEBRUARY)
    repaired(root, FEBRUARY)
    night(root, FEBRUARY)
    publish_scorecard(open_workspace(root), "north", "2023Q1", FEBRUARY, note="the first one")
    publish_scorecard(open_workspace(root), "south", "2023Q1", FEBRUARY)
    write(root, "south/utility_bills/2023Q1-late.csv", [{**bills({months(1, 1)[0]: 1500})[0], "revision": 1}])
    night(root, MARCH)
    publish_scorecard(open_workspace(root), "south", "2023Q1", MARCH, note="a bill came late")


def compact(root: Path) -> None:
    """Forget what no publication needs, as a Sunday does, and give back what the catalogue does not use."""
    expire_unpublished(open_workspace(root), 0, datetime.now(UTC))
    with closing(sqlite3.connect(root / "lake" / "catalog.sqlite")) as catalogue:
        catalogue.execute("VACUUM")


def packed(root: Path, archive: Path) -> None:
    """Pack a workspace, without what names the machine or is only large."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive, "w:xz", preset=9) as tar:
        for path in sorted(root.rglob("*")):
            name = path.relative_to(root).as_posix()
            if path.is_file() and not f"{name}/".startswith(tuple(f"{place}/" for place in LEFT_OUT)):
                tar.add(path, name, filter=nobodys)


def nobodys(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """A member of the archive that belongs to nobody."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def main(arguments: Sequence[str]) -> None:
    """Write the archive that the command line names."""
    if version("suanheng") != MADE_WITH:
        raise SystemExit(f"This is suanheng {version('suanheng')}; expected {MADE_WITH}. README.md says how to get it.")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "workspace"
        make(root)
        compact(root)
        packed(root, Path(arguments[0]))


if __name__ == "__main__":
    main(sys.argv[1:])
