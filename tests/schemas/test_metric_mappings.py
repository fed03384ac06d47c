"""The mapping of metrics: levels are no running totals, overlapping meters are not summed, units fit."""

from pathlib import Path

import polars as pl
import pytest

from suanheng.config.errors import BadSettings
from suanheng.config.workspace import Workspace, open_workspace
from suanheng.schemas.checking.records import Chunk, check
from suanheng.schemas.staged import DATASETS
from suanheng.schemas.tables.metrics import MAPPED_QUANTITIES, METRIC_MAPPINGS
from suanheng.transforms.definitions.reference import facts

GAUGE = {
    "reference_id": "metric_mappings/own/own_power_watts",
    "exporter": "own",
    "metric": "own_power_watts",
    "dataset": "accelerator_samples",
    "column_name": "power_w",
    "instrument": "gauge",
    "unit": "W",
    "precedence": "1",
    "device_labels": "uuid",
    "source": "our own exporter",
    "confidence": "high",
    "is_usable": "true",
}
METER = {
    **GAUGE,
    "reference_id": "metric_mappings/own/zone",
    "metric": "own_zone_watts",
    "dataset": "facility_readings",
    "device_labels": "node zone",
    "boundary": "it_input",
    "non_additive_group": "own_zones",
    "where_label": "zone",
}


def rejected(*rows: dict[str, str]) -> list[tuple[int, str]]:
    """Row number and rule of the rows that break the contract."""
    frame = pl.DataFrame(rows, infer_schema_length=None).with_row_index("row_number", offset=1)
    return check(Chunk(frame), METRIC_MAPPINGS).rejected.select("row_number", "rule").rows()


def test_a_row_of_ones_own_is_a_few_words():
    assert rejected(GAUGE) == []


@pytest.mark.parametrize(
    "changes",
    [
        # T18: a rate in bytes per second, or power, that would be integrated as a running total; and the reverse.
        {"column_name": "energy_counter_j", "unit": "J"},
        {"instrument": "counter"},
    ],
)
def test_t18_a_gauge_as_a_counter_is_refused(changes):
    assert rejected({**GAUGE, **changes}) == [(1, "gauge_is_no_counter")]


def test_t18_the_instrument_is_that_of_the_mapping_whatever_the_name_says():
    # A counter without _total, and a gauge with it, as real exporters have them.
    assert rejected({**GAUGE, "metric": "own_power_total"}) == []
    counter = {
        **GAUGE,
        "metric": "own_energy",
        "column_name": "energy_counter_j",
        "unit": "mJ",
        "instrument": "counter",
    }
    assert rejected(counter) == []


@pytest.mark.parametrize("changes", [{"unit": "J"}, {"unit": "watt-ish"}, {"column_name": "power"}, {"unit": ""}])
def test_a_unit_that_does_not_fit_the_column_is_refused(changes):
    assert rejected({**GAUGE, **changes}) == [(1, "unit_fits_column")]


def test_t19_zones_that_overlap_cannot_be_declared_to_be_summed():
    package = {**METER, "where_value": "package"}
    core = {**METER, "reference_id": METER["reference_id"] + "/core", "where_value": "core"}
    assert rejected(package, core) == [
        (1, "overlapping_meters_are_not_summed"),
        (2, "overlapping_meters_are_not_summed"),
    ]
    assert rejected(package, {**core, "precedence": "2"}) == []
    assert rejected(package, {**core, "boundary": "other"}) == []


def test_power_and_counter_of_one_zone_may_both_count():
    power = {**METER, "where_value": "package"}
    counter = {
        **power,
        "reference_id": METER["reference_id"] + "/joules",
        "metric": "own_zone_joules",
        "column_name": "energy_counter_kwh",
        "unit": "J",
        "instrument": "counter",
    }
    assert rejected(power, counter) == []


def test_a_meter_needs_a_boundary_and_a_device_has_none():
    assert rejected({**GAUGE, "boundary": "it_input"}) == [(1, "meter_has_a_boundary")]
    assert rejected({**METER, "where_value": "psys", "boundary": ""}) == [(1, "meter_has_a_boundary")]


def test_every_column_that_can_be_mapped_exists():
    for dataset, columns in MAPPED_QUANTITIES.items():
        assert set(columns) <= set(DATASETS[dataset].columns)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "suanheng.toml").write_text("")
    (tmp_path / "reference").mkdir()
    return open_workspace(tmp_path)


def write_own(workspace: Workspace, *rows: dict[str, str]) -> None:
    pl.DataFrame(rows, infer_schema_length=None).write_csv(workspace.reference_folder / "metric_mappings.csv")


def test_a_row_of_the_workspace_is_added_or_stands_for_that_of_the_package(workspace):
    own_place = {
        **GAUGE,
        "reference_id": "metric_mappings/dcgm/DCGM_FI_DEV_POWER_USAGE",
        "exporter": "dcgm",
        "metric": "DCGM_FI_DEV_POWER_USAGE",
        "node_labels": "kubernetes_node",
    }
    packaged = facts("metric_mappings", workspace)
    write_own(workspace, GAUGE, own_place)
    together = facts("metric_mappings", workspace)
    assert together.height == packaged.height + 1
    assert together.filter(metric="DCGM_FI_DEV_POWER_USAGE")["node_labels"].to_list() == ["kubernetes_node"]


def test_t19_a_row_of_the_workspace_may_not_make_the_package_s_zones_add_up(workspace):
    psys = {
        **METER,
        "reference_id": "metric_mappings/kepler/kepler_node_cpu_watts/{}",
        "exporter": "kepler",
        "metric": "kepler_node_cpu_watts",
        "non_additive_group": "kepler_cpu_zones",
    }
    write_own(
        workspace, *({**psys, "reference_id": psys["reference_id"].format(z), "where_value": z} for z in ("psys",))
    )
    assert facts("metric_mappings", workspace).height > 100
    write_own(
        workspace,
        *(
            {**psys, "reference_id": psys["reference_id"].format(zone), "where_value": zone}
            for zone in ("psys", "package")
        ),
    )
    with pytest.raises(
        BadSettings, match=r"metric_mappings\.csv.*they overlap, and their sum would count energy twice"
    ):
        facts("metric_mappings", workspace)
