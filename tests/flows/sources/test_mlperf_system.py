"""System descriptions: free text, counts as text or number, several spellings of nothing."""

from datetime import date

import pytest

from suanheng.schemas.checking.records import UnreadableFile

OPTIONS = {"in_service_from": date(2024, 7, 1)}


def test_a_system_is_its_servers_and_the_accelerators_in_them(gated, feed, staged, samples):
    options = {**OPTIONS, "accelerator_sku": "Own 80GB SXM", "rated_power_w": 5600}
    accepted, rejected = gated("mlperf_system", samples / "mlperf_system_two_nodes.json", options)
    assert rejected.is_empty()
    checked = staged("hardware_assets", feed("mlperf_system", "hardware_assets", accepted))
    assert checked.rejected.is_empty()
    servers, accelerators = checked.accepted.sort("asset_id").rows(named=True)
    assert servers["asset_id"] == "Tern/mlperf_system_two_nodes"
    assert (servers["asset_class"], servers["quantity"], servers["rated_power_w"]) == ("accelerator_server", 2, 5600)
    assert servers["sku"] == "Tern Server (4x Own Accelerator, own runtime)"
    assert accelerators["parent_asset_id"] == servers["asset_id"]
    # 2 nodes with 4 accelerators each.
    assert (accelerators["asset_class"], accelerators["quantity"]) == ("accelerator", 8)
    assert accelerators["sku"] == "Own 80GB SXM"
    assert servers["in_service_from"] == accelerators["in_service_from"] == date(2024, 7, 1)


def test_a_server_without_accelerators_is_one_asset(gated, feed, samples):
    accepted, rejected = gated("mlperf_system", samples / "mlperf_system_no_accelerator.json", OPTIONS)
    assert rejected.is_empty()
    fed = feed("mlperf_system", "hardware_assets", accepted)
    assert fed.select("asset_class", "quantity").rows() == [("server", 1)]


def test_named_accelerators_of_which_there_are_none_are_rejected(gated, samples):
    accepted, rejected = gated("mlperf_system", samples / "mlperf_system_named_but_zero.json", OPTIONS)
    assert accepted.is_empty()
    assert rejected["rule"].to_list() == ["named_accelerators_are_counted"]


def test_a_placeholder_is_unknown(gated, samples):
    accepted, _ = gated("mlperf_system", samples / "mlperf_system_two_nodes.json", OPTIONS)
    assert accepted["host_processor_model_name"].to_list() == [None]


def test_the_source_must_say_since_when_the_system_is_in_service(gated, samples):
    with pytest.raises(UnreadableFile, match="option in_service_from"):
        gated("mlperf_system", samples / "mlperf_system_two_nodes.json")


@pytest.mark.parametrize("text", ["[1, 2]", '{"submitter": "Tern"}', "not JSON", ""])
def test_other_json_and_no_json_are_refused(gated, tmp_path, text):
    path = tmp_path / "other.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UnreadableFile, match="not a system description"):
        gated("mlperf_system", path, OPTIONS)
