"""Expositions that an exporter made of real captures, and the fields of NVIDIA's exporter."""

import csv
from pathlib import Path

import polars as pl
import pytest

from suanheng.schemas.tables.metrics import MAPPED_QUANTITIES

pytestmark = pytest.mark.real_data

MAPPINGS = pl.read_csv(Path(__file__).parents[2] / "config" / "reference" / "metric_mappings.csv", infer_schema=False)
SCRAPED = {"scraped_at": "2026-01-01T00:00:00Z"}


@pytest.fixture
def sample(public_data, gated, feed, staged):
    """The one device of an exposition, as it is staged."""

    def run(name):
        path = public_data / "nvidia_smi" / f"linux-x86_64__nvidia-{name}.metrics"
        accepted, rejected = gated("prometheus_text", path, SCRAPED)
        assert rejected.is_empty()
        # Every line that is no comment is a sample.
        assert accepted.height == sum(not line.startswith("#") for line in path.read_text().splitlines())
        checked = staged("accelerator_samples", feed("prometheus_text", "accelerator_samples", accepted))
        assert checked.rejected.is_empty()
        return checked.accepted.row(0, named=True)

    return run


def test_under_mig_utilisation_is_unknown_while_power_is_known(sample):
    # Trap T12, by the exposition: power 433.78 W beside a utilisation that the driver does not give.
    device = sample("h100-mig__590.48.01__load")
    assert (device["power_w"], device["utilisation_ratio"]) == (433.78, None)


@pytest.mark.parametrize("name", ["h100-80gb-hbm3__590.48.01", "h100-mig__590.48.01", "l40s__595.80"])
def test_an_exposition_says_what_the_csv_it_was_made_from_says(public_data, sample, gated, feed, name):
    # The same moments by another way: the CSV sections of the capture, through the reader of nvidia-smi.
    path = public_data / "nvidia_smi" / f"linux-x86_64__nvidia-{name}.txt"
    accepted, _ = gated("nvidia_smi", path, {"node": "captured"}, "UTC")
    captured = feed("nvidia_smi", "accelerator_samples", accepted).sort("sampled_at_utc").rows(named=True)
    exposed = [sample(f"{name}__{state}") for state in ("idle", "load")]
    columns = ("power_w", "utilisation_ratio", "memory_used_bytes", "memory_total_bytes", "temperature_c")
    assert len(captured) == 2
    for one, other in zip(captured, exposed, strict=True):
        assert {column: one[column] for column in columns} == {column: other[column] for column in columns}
        assert one["sm_clock_mhz"] == pytest.approx(other["sm_clock_mhz"])


@pytest.mark.parametrize("table", ["default-counters.csv", "dcp-metrics-included.csv"])
def test_every_field_of_dcgm_exporter_is_known_with_its_instrument(public_data, table):
    with (public_data / "dcgm_fields" / table).open(encoding="utf-8", newline="") as file:
        rows = [[cell.strip() for cell in row] for row in csv.reader(file) if row and not row[0].startswith("#")]
    fields = {row[0]: row[1] for row in rows if row[1] != "label"}
    known = dict(MAPPINGS.filter(exporter="dcgm").select("metric", "instrument").iter_rows())
    assert len(fields) > 20
    assert {name: known.get(name) for name in fields} == fields


def test_every_mapped_column_is_used_by_some_exporter():
    used = set(MAPPINGS.drop_nulls("column_name").select("dataset", "column_name").iter_rows())
    assert used == {(dataset, name) for dataset, columns in MAPPED_QUANTITIES.items() for name in columns}
