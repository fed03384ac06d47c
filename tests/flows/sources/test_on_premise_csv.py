"""Machines in Cloud Carbon Footprint's CSV: memory in a unit the documentation does not expect."""

from datetime import date

import pytest

from suanheng.schemas.checking.records import UnreadableFile

SAMPLE = "on_premise_csv_machines.csv"


def test_reporting_periods_of_a_machine_are_one_asset(gated, feed, staged, samples):
    accepted, _ = gated("on_premise_csv", samples / SAMPLE)
    checked = staged("hardware_assets", feed("on_premise_csv", "hardware_assets", accepted))
    assert checked.rejected.is_empty()
    rows = {row["asset_id"]: row for row in checked.accepted.iter_rows(named=True)}
    assert set(rows) == {"node-1", "desk-1"}
    node = rows["node-1"]
    assert (node["asset_class"], node["sku"], node["node_id"], node["quantity"]) == (
        "server",
        "Own CPU 32C",
        "node-1",
        1,
    )
    assert (node["in_service_from"], node["in_service_to"]) == (date(2024, 1, 15), None)
    assert rows["desk-1"]["asset_class"] == "other"


def test_t13_memory_beyond_any_machine_is_refused_with_a_hint(gated, samples):
    # The documentation says gigabytes, the public sample holds 130690.
    _, rejected = gated("on_premise_csv", samples / SAMPLE)
    faults = {
        number: (rule, message) for number, rule, message in rejected.select("row_number", "rule", "message").rows()
    }
    rule, message = faults[4]
    assert rule == "memory_fits_one_machine"
    assert "is it MB?" in message and "memory_unit" in message


def test_t13_the_same_number_is_accepted_once_the_source_says_megabytes(gated, samples):
    accepted, _ = gated("on_premise_csv", samples / SAMPLE, {"memory_unit": "MB"})
    assert accepted["machineName"].to_list() == ["node-1", "node-1", "node-2", "desk-1"]


def test_what_is_not_known_or_cut_off_is_quarantined(gated, samples):
    accepted, rejected = gated("on_premise_csv", samples / SAMPLE)
    assert accepted.height + rejected.height == 6
    rules = dict(rejected.select("row_number", "rule").rows())
    assert (rules[6], rules[7]) == ("asset_class_is_known", "field_count")


def test_the_old_sample_of_the_format_names_no_machine(gated, tmp_path):
    path = tmp_path / "machines.csv"
    path.write_text(
        "cpuId,memory,machineType,startTime,endTime\nOwn,1,server,2024-01-15T13:38:18Z,\n", encoding="utf-8"
    )
    with pytest.raises(UnreadableFile, match="cpuDescription, machineName"):
        gated("on_premise_csv", path)
