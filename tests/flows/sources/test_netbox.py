"""NetBox: what is installed, since when, with how much power and how many accelerators."""

from datetime import date

import polars as pl
import pytest

from suanheng.schemas.checking.records import UnreadableFile

FIELDS = {"fields": {"in_service_from": "commissioned", "accelerator_model": "gpu", "accelerator_count": "gpus"}}


@pytest.fixture
def assets(gated, feed, staged, samples):
    """Staged assets of both JSON samples, by identifier, and what staging rejected."""
    parts = [
        gated("netbox", samples / name, FIELDS)[0].with_columns(file_id=pl.lit(digit * 64))
        for digit, name in (("1", "netbox_devices.json"), ("2", "netbox_items_ports_types.json"))
    ]
    checked = staged("hardware_assets", feed("netbox", "hardware_assets", pl.concat(parts)))
    return {row["asset_id"]: row for row in checked.accepted.iter_rows(named=True)}, checked.rejected


def test_devices_that_are_installed_are_assets(assets):
    rows, _ = assets
    devices = {name: row["asset_class"] for name, row in rows.items() if row["parent_asset_id"] is None}
    # node-2 has failed and is still there; node-4 is planned. A switch without a name goes by its number.
    assert devices == {"node-1": "accelerator_server", "node-2": "accelerator_server", "device 3": "network"}
    node = rows["node-1"]
    assert (node["sku"], node["vendor"], node["node_id"]) == ("AS-8000", "Own Works", "node-1")
    assert (node["in_service_from"], node["quantity"]) == (date(2023, 1, 15), 1)


def test_accelerators_are_listed_items_or_a_count_in_a_custom_field(assets):
    rows, rejected = assets
    accelerators = {name: (row["sku"], row["quantity"]) for name, row in rows.items() if row["parent_asset_id"]}
    # The network card of node-2 is no accelerator, and node-4 is not installed.
    assert accelerators == {
        "node-1 accelerators": ("Own 80GB SXM", 8),
        "node-2 GPU 0": ("X100-80", 1),
        "node-2 GPU 1": ("X100-80", 1),
    }
    assert rows["node-2 GPU 0"]["in_service_from"] == date(2023, 1, 15)
    # An accelerator of a device that no list holds is not lost silently.
    assert "node-99" in rejected["record"].item()


def test_power_is_the_budget_of_all_ports_or_unknown(assets):
    rows, _ = assets
    # Two ports of 5100 W; one port of node-2 states nothing; the switch has none.
    assert [rows[name]["rated_power_w"] for name in ("node-1", "node-2", "device 3")] == [10_200, None, None]


def test_height_is_that_of_the_device_type(assets):
    rows, _ = assets
    assert [rows[name]["rack_units"] for name in ("node-1", "node-2", "device 3")] == [8, 8, 1]


def test_p02_accelerators_that_are_named_but_not_counted_are_an_error_and_not_zero(gated, samples):
    _, rejected = gated("netbox", samples / "netbox_devices.json", FIELDS)
    assert dict(rejected.select("row_number", "rule").rows()) == {
        5: "decommissioning_has_an_end",
        6: "asset_class_is_known",
        7: "named_accelerators_are_counted",
    }


def test_the_table_export_is_read_by_its_labels(gated, feed, staged, samples):
    options = {"fields": {"in_service_from": "Commissioned", "rated_power_w": "Rated power"}}
    accepted, rejected = gated("netbox", samples / "netbox_all_data.csv", options)
    assert rejected.select("row_number", "rule").rows() == [(5, "field_count")]
    checked = staged("hardware_assets", feed("netbox", "hardware_assets", accepted))
    assert checked.rejected.is_empty()
    rows = (
        checked.accepted.sort("row_number").select("asset_id", "rated_power_w", "rack_units", "in_service_from").rows()
    )
    # What is in stock is not in service. The switch has neither name nor tag, so it goes by its serial number.
    assert rows == [("node-1", 10_200, 8, date(2023, 1, 15)), ("S2", None, 1, date(2023, 1, 10))]


def test_the_import_form_has_other_labels(gated, feed, tmp_path):
    path = tmp_path / "devices.csv"
    path.write_text(
        "name,device_role,manufacturer,device_type,status,site,cf_gpu,cf_gpus\n"
        "node-1,server,Own Works,AS-8000,active,Hall A,X100,4\n",
        encoding="utf-8",
    )
    options = {
        "in_service_from": date(2023, 1, 1),
        "fields": {"accelerator_model": "gpu", "accelerator_count": "gpus"},
        "skus": {"X100": "Own 80GB SXM"},
    }
    accepted, rejected = gated("netbox", path, options)
    assert rejected.is_empty()
    fed = feed("netbox", "hardware_assets", accepted).sort("asset_id")
    assert fed.select("asset_class", "sku", "quantity").rows() == [
        ("accelerator_server", "AS-8000", 1),
        ("accelerator", "Own 80GB SXM", 4),
    ]
    assert fed["in_service_from"].to_list() == [date(2023, 1, 1)] * 2


def test_an_export_of_another_day_does_not_double_anything(gated, feed, samples):
    again = [
        gated("netbox", samples / name, FIELDS)[0].with_columns(file_id=pl.lit(digit * 64))
        for digit in "12"
        for name in ("netbox_devices.json", "netbox_items_ports_types.json")
    ]
    fed = feed("netbox", "hardware_assets", pl.concat(again))
    # Every asset once a file, for staging to keep the later; the power of node-1 is still that of two ports.
    assert fed.height == 2 * fed["asset_id"].n_unique()
    assert set(fed.filter(pl.col("asset_id") == "node-1")["rated_power_w"]) == {10_200}


def test_days_of_service_must_come_from_somewhere(gated, samples):
    with pytest.raises(UnreadableFile, match="in_service_from"):
        gated("netbox", samples / "netbox_devices.json")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("{", "no JSON", id="broken off"),
        pytest.param('{"detail": "Invalid token"}', "results", id="refused by the API"),
        pytest.param('[{"id": 1, "url": "https://n/api/dcim/cables/1/"}]', "cables", id="another list"),
        pytest.param("Name,Rack\nnode-1,A01\n", "device_type, role, status", id="another table"),
        pytest.param("", "without", id="empty"),
    ],
)
def test_what_is_no_export_is_refused(gated, tmp_path, text, said):
    path = tmp_path / "export"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UnreadableFile, match=said):
        gated("netbox", path, FIELDS)
