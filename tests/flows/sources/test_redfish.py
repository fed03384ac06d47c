"""Redfish: a time is required, one meter counts and the others are kept, absent is not zero."""

import json
from datetime import datetime

import pytest

from suanheng.schemas.checking.records import UnreadableFile

OPTIONS = {"node": "n01", "taken_at": "2024-06-01T08:00:00+08:00", "it_input": ["Chassis/1U/EnvironmentMetrics"]}
COLLECTED = {
    "node_property": "host",
    "time_property": "collected_at",
    "it_input": ["Chassis/*/EnvironmentMetrics"],
    "psu_input": ["Chassis/*/PowerSupplies/*/Metrics"],
}


@pytest.fixture
def read(gated, feed, staged, samples):
    """Rows of a sample as staged, by meter; nothing may be rejected."""

    def run(name, options):
        accepted, rejected = gated("redfish", samples / name, options)
        assert rejected.is_empty()
        checked = staged("facility_readings", feed("redfish", "facility_readings", accepted))
        assert checked.rejected.is_empty()
        return {row["meter_id"]: row for row in checked.accepted.iter_rows(named=True)}

    return run


def test_power_counter_and_temperature_of_a_resource_are_one_reading(read):
    rows = read("redfish_environment_metrics.json", OPTIONS)
    row = rows["n01/Chassis/1U/EnvironmentMetrics"]
    assert len(rows) == 1
    assert (row["boundary"], row["node_id"]) == ("it_input", "n01")
    assert (row["power_w"], row["energy_counter_kwh"], row["temperature_c"]) == (412.5, 18250.25, 31)
    # 08:00 at UTC+8.
    assert row["started_at_utc"] == row["ended_at_utc"] == datetime(2024, 6, 1)


def test_expanded_resources_of_many_servers_are_read_from_lines(read):
    rows = read("redfish_supplies_contradict_chassis.jsonl", COLLECTED)
    supply = "Chassis/1U/PowerSubsystem/PowerSupplies/Bay1/Metrics"
    assert {meter: (row["boundary"], row["power_w"], row["energy_counter_kwh"]) for meter, row in rows.items()} == {
        "n01/Chassis/1U/EnvironmentMetrics": ("it_input", 374, None),
        f"n01/{supply}": ("psu_input", 937.4, 7855),
        f"n01/{supply}/output": ("other", 937.4, None),
        "n02/Chassis/1U/EnvironmentMetrics": ("it_input", 700, None),
        f"n02/{supply}": ("psu_input", 355, None),
        f"n02/{supply.replace('Bay1', 'Bay2')}": ("psu_input", 360, None),
    }


def test_capacities_limits_and_averages_are_no_consumption(read):
    rows = read("redfish_power_legacy.json", {**OPTIONS, "it_input": ["Chassis/1U/Power#/PowerControl/0"]})
    assert {meter: (row["boundary"], row["power_w"]) for meter, row in rows.items()} == {
        "n01/Chassis/1U/Power#/PowerControl/0": ("it_input", 344),
        "n01/Chassis/1U/Power#/PowerSupplies/0/output": ("other", 325),
    }


def test_t10_a_time_is_required(gated, samples):
    accepted, rejected = gated("redfish", samples / "redfish_environment_metrics.json", {"node": "n01"})
    assert accepted.is_empty()
    assert rejected["rule"].to_list() == ["time_is_known"] * 3
    assert "set taken_at or time_property" in rejected["message"][0]


def test_each_sensor_stands_for_itself(gated, feed, samples):
    accepted, rejected = gated("redfish", samples / "redfish_sensors_defects.json", {"node": "n01"})
    # The third has no time, the fourth no unit anybody knows; fans are not read.
    assert rejected.sort("row_number").select("row_number", "rule", "value").rows() == [
        (3, "time_is_known", None),
        (4, "isin", "horsepower"),
    ]
    fed = feed("redfish", "facility_readings", accepted)
    # The second supply is absent: it stays in the raw table, and is neither zero nor wrong.
    assert accepted["State"].to_list() == [None, "Absent"]
    assert fed.select("meter_id", "boundary", "energy_counter_kwh").rows() == [
        ("n01/Chassis/1U/Sensors/TotalEnergy", "other", 120)
    ]
    assert fed["started_at_utc"].to_list() == [datetime(2024, 6, 1)]  # 06:00 at UTC+6


def test_a_server_is_required(gated, samples):
    _, rejected = gated("redfish", samples / "redfish_environment_metrics.json", {"taken_at": "2024-06-01T00:00:00Z"})
    assert rejected["column_name"].to_list() == ["node"] * 3


def test_a_line_that_is_no_json_leaves_the_others(gated, samples, tmp_path):
    path = tmp_path / "cut_off.jsonl"
    text = (samples / "redfish_supplies_contradict_chassis.jsonl").read_text(encoding="utf-8")
    path.write_text(text[:-20], encoding="utf-8")
    accepted, rejected = gated("redfish", path, COLLECTED)
    assert (accepted.height, rejected["rule"].to_list()) == (6, ["json"])
    assert rejected["message"][0].startswith("line 5 is no JSON")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"@odata.type": "#Chassis.v1_22_0.Chassis", "@odata.id": "/redfish/v1/Chassis/1U"}', "no reading of power"),
        ('{"Members": [{"@odata.id": "/redfish/v1/Chassis/1U"}]}', "no reading of power"),
        ("[1, 2]", "no reading of power"),
        ("{", "no JSON"),
    ],
)
def test_a_file_without_readings_is_refused(gated, tmp_path, text, words):
    path = tmp_path / "chassis.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UnreadableFile, match=words):
        gated("redfish", path, OPTIONS)


def test_members_without_an_address_go_by_their_place_in_the_resource(gated, tmp_path):
    # jenningsloy318/redfish_exporter#29: older controllers list them without @odata.id.
    power = {
        "@odata.id": "/redfish/v1/Chassis/1/Power/",
        "@odata.type": "#Power.1.0.1.Power",
        "PowerControl": [{"PowerConsumedWatts": 212}],
        "PowerSupplies": [{"LastPowerOutputWatts": 110}, None, {"LastPowerOutputWatts": 95}],
    }
    path = tmp_path / "power.json"
    path.write_text(json.dumps(power), encoding="utf-8")
    accepted, rejected = gated("redfish", path, {**OPTIONS, "it_input": ["Chassis/*/Power#/PowerControl/*"]})
    assert rejected.is_empty()
    assert accepted.select("resource", "Reading", "boundary").rows() == [
        ("Chassis/1/Power#/PowerControl/0", 212, "it_input"),
        ("Chassis/1/Power#/PowerSupplies/0", 110, None),
        ("Chassis/1/Power#/PowerSupplies/2", 95, None),
    ]


def test_a_member_is_quarantined_where_nothing_has_an_address(gated, tmp_path):
    path = tmp_path / "power.json"
    path.write_text('{"@odata.type": "#Power.v1_5_0.Power", "PowerControl": [{"PowerConsumedWatts": 212}]}')
    accepted, rejected = gated("redfish", path, OPTIONS)
    assert (accepted.height, rejected["column_name"].to_list()) == (0, ["resource"])
