"""Text of Prometheus: seconds and milliseconds, lines without a time, escapes, and what breaks a line."""

import json
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from suanheng.flows.sources.prometheus_text import read
from suanheng.schemas.checking.records import UnreadableFile

NOON = datetime(2024, 6, 1, 12)
SCRAPED = {"scraped_at": "2024-06-01T20:00:00+08:00"}


def test_openmetrics_counts_in_seconds(gated, samples):
    accepted, rejected = gated("prometheus_text", samples / "prometheus_text_openmetrics.prom")
    assert rejected.is_empty()
    assert accepted["time"].to_list() == [NOON, datetime(2024, 6, 1, 12, 1, 0, 250_000)]
    assert accepted["row_number"].to_list() == [2, 3]


def test_a_dump_counts_in_milliseconds_and_has_its_name_among_the_labels(gated, samples):
    accepted, rejected = gated("prometheus_text", samples / "prometheus_text_dump_in_milliseconds.prom")
    assert rejected.is_empty()
    assert accepted["time"].to_list() == [NOON, datetime(2024, 6, 1, 12, 1, 0, 250_000)]
    assert accepted["metric"].unique().to_list() == ["DCGM_FI_DEV_POWER_USAGE"]
    assert json.loads(accepted["labels"][0]) == {"UUID": "GPU-aaaa", "gpu": "0"}


def test_lines_without_a_time_take_that_of_the_source(gated, feed, samples):
    accepted, rejected = gated("prometheus_text", samples / "prometheus_text_exposition.prom", SCRAPED)
    assert rejected.is_empty()
    # 20:00 at UTC+8 is noon UTC.
    assert accepted["time"].unique().to_list() == [NOON]
    assert json.loads(accepted["labels"][1])["pod"] == 'a "quoted" \\ name'
    assert accepted.filter(metric="DCGM_FI_DEV_MEMORY_TEMP")["value"].item() is None
    rows = feed("prometheus_text", "accelerator_samples", accepted).sort("device_id")
    assert rows.select("device_id", "power_w", "temperature_c", "sku").rows() == [
        ("GPU-aaaa", 300.5, None, "Own 80GB"),
        ("GPU-bbbb", 410, None, "Own 80GB"),
    ]


@pytest.mark.parametrize(
    ("engine_active", "gpu_util", "counted"),
    [(0, 99, 0.99), (0, 45, 0.45), (0, 5, 0), (0.3, 99, 0.3), (0, None, 0)],
)
def test_an_activity_that_stands_still_gives_way_to_the_utilisation_beside_it(
    gated, feed, tmp_path, engine_active, gpu_util, counted
):
    # NVIDIA/dcgm-exporter#662: the profiling metric says 0 for hours beside a utilisation of 99 %.
    lines = [f'DCGM_FI_PROF_GR_ENGINE_ACTIVE{{UUID="GPU-aaaa"}} {engine_active}']
    if gpu_util is not None:
        lines.append(f'DCGM_FI_DEV_GPU_UTIL{{UUID="GPU-aaaa"}} {gpu_util}')
    (tmp_path / "scrape.prom").write_text("\n".join(lines) + "\n")
    accepted, _ = gated("prometheus_text", tmp_path / "scrape.prom", SCRAPED)
    rows = feed("prometheus_text", "accelerator_samples", accepted)
    assert rows["utilisation_ratio"].to_list() == [pytest.approx(counted)]


def test_the_time_of_a_scrape_may_be_in_the_file_s_name(gated, samples, tmp_path):
    path = tmp_path / "node7_20240601T120000Z.prom"
    path.write_bytes((samples / "prometheus_text_exposition.prom").read_bytes())
    accepted, _ = gated("prometheus_text", path, {"scraped_at": "node7_%Y%m%dT%H%M%S%z.prom"})
    assert accepted["time"].unique().to_list() == [NOON]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({}, "does not say when it was scraped.*line 3"),
        ({"scraped_at": "yesterday"}, "gives no time"),
        ({"scraped_at": "2024-06-01T12:00:00"}, "without an offset"),
        ({"scraped_at": "node7_%Y%m%dT%H%M%S%z.prom"}, "does not match format"),
    ],
)
def test_without_a_time_of_the_scrape_the_file_is_refused(gated, samples, options, reason):
    with pytest.raises(UnreadableFile, match=reason):
        gated("prometheus_text", samples / "prometheus_text_exposition.prom", options)


def test_every_defect_is_named_and_no_line_is_lost(gated, samples):
    accepted, rejected = gated("prometheus_text", samples / "prometheus_text_defects.prom")
    assert accepted["row_number"].to_list() == [1]
    assert dict(rejected.select("row_number", "rule").sort("row_number").iter_rows()) == {
        2: "exposition_line",  # a quote that is never closed
        3: "exposition_line",  # no value
        4: "time",
        5: "time_is_plausible",  # seconds in a file of milliseconds
        6: "type",  # infinity
        7: "exposition_line",  # a name in quotes
        8: "not_nullable",  # no name
    }


def test_a_line_in_another_encoding_is_named(gated, tmp_path):
    path = tmp_path / "latin.prom"
    path.write_bytes(b'up{site="K\xf6ln"} 1 1717243200000\nup{site="Bonn"} 1 1717243200000\n')
    accepted, rejected = gated("prometheus_text", path)
    assert accepted["row_number"].to_list() == [2]
    assert rejected.select("row_number", "rule").rows() == [(1, "encoding")]


def test_openmetrics_cut_off_before_its_end_is_not_taken_for_milliseconds(gated, samples, tmp_path):
    path = tmp_path / "cut_off.prom"
    path.write_text((samples / "prometheus_text_openmetrics.prom").read_text().removesuffix("# EOF\n"))
    accepted, rejected = gated("prometheus_text", path)
    assert accepted.is_empty()
    assert rejected["rule"].to_list() == ["time_is_plausible"] * 2
    assert "# EOF" in rejected["message"][0]


@pytest.mark.parametrize(
    ("exporter", "value", "column", "expected"),
    [
        # All ones of 16, 32 or 64 bits are no activity, no temperature and no clock: the rest of the row stands.
        ("gpu_gfx_activity", "65535", "utilisation_ratio", None),
        ("gpu_gfx_activity", "80", "utilisation_ratio", 0.8),
        ("gpu_package_power", "4294967295", "power_w", None),
        ("gpu_package_power", "18446744073709551615", "power_w", None),
        ("gpu_used_vram", "65535", "memory_used_bytes", 65535 * 2**20),  # 64 GiB less 1 MiB
    ],
)
def test_all_ones_are_unknown_where_a_number_can_be_nothing_else(
    gated, feed, tmp_path, exporter, value, column, expected
):
    labels = '{gpu_id="0",gpu_partition_id="0",serial_number="SN0008",card_model="MI300X",hostname="node1"}'
    path = tmp_path / "amd.prom"
    path.write_text(f"{exporter}{labels} {value} 1712743200000\ngpu_clock{labels} 1000 1712743200000\n")
    accepted, rejected = gated("prometheus_text", path)
    assert rejected.is_empty()
    row = feed("prometheus_text", "accelerator_samples", accepted).row(0, named=True)
    assert row[column] == expected


def test_a_line_without_end_is_refused(gated, tmp_path):
    path = tmp_path / "endless.prom"
    path.write_bytes(b"a" * (2**20 + 2))
    with pytest.raises(UnreadableFile, match=r"Line 1 of .* is too long"):
        gated("prometheus_text", path)


LABEL_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters='"\\\n'), max_size=12)


@settings(max_examples=60, deadline=None)
@given(
    labels=st.dictionaries(st.from_regex(r"(?!__)[a-z_][a-z0-9_]{0,8}", fullmatch=True), LABEL_TEXT, max_size=4),
    value=st.floats(allow_nan=False),
    milliseconds=st.integers(10**12, 2 * 10**12),
)
def test_lines_are_read_as_the_parser_of_prometheus_client_reads_them(tmp_path_factory, labels, value, milliseconds):
    escaped = {
        name: text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"") for name, text in labels.items()
    }
    line = (
        "a_metric{" + ",".join(f'{name}="{text}"' for name, text in escaped.items()) + f"}} {value!r} {milliseconds}\n"
    )
    ((theirs,),) = (family.samples for family in text_string_to_metric_families(line))
    path = tmp_path_factory.mktemp("line") / "line.prom"
    path.write_text(line, encoding="utf-8", newline="")
    ours = next(read(path, {})).rows.row(0, named=True)
    assert (ours["metric"], json.loads(ours["labels"])) == (theirs.name, theirs.labels)
    assert float(ours["value"]) == theirs.value
    assert ours["time"] == datetime(1970, 1, 1) + (datetime.fromtimestamp(theirs.timestamp) - datetime.fromtimestamp(0))
