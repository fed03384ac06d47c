import json
from datetime import date, datetime

import pytest

from suanheng.flows.sources.cyclonedx import read
from suanheng.schemas.checking.records import UnreadableFile

SERVER = "cyclonedx_server.json"


def test_every_component_is_read_or_quarantined_nested_ones_too(gated, samples):
    accepted, rejected = gated("cyclonedx", samples / SERVER)
    assert accepted["name"].to_list() == ["GPU tray", "X100", "M3", "bmc", "zlib"]
    assert sorted(accepted["row_number"].to_list() + rejected["row_number"].to_list()) == list(range(1, 8))


def test_faults_are_named_at_their_component(gated, samples):
    _, rejected = gated("cyclonedx", samples / SERVER)
    faults = {
        number: (rule, message) for number, rule, message in rejected.select("row_number", "rule", "message").rows()
    }
    assert faults[4][0] == "type" and "a few" in faults[4][1]
    assert faults[5] == ("cyclonedx_schema", "'name' is a required property")


def test_parts_inside_parts_are_multiplied_out(gated, feed, samples):
    accepted, _ = gated("cyclonedx", samples / SERVER)
    parts = feed("cyclonedx", "bom_parts", accepted).sort("row_number")
    # By hand: 2 trays, 4 GPUs in each of the 2 trays; a screw that is listed once is one.
    assert parts.select("part_id", "quantity", "component_class").rows() == [
        ("tray", 2.0, "board"),
        ("gpu", 8.0, "accelerator"),
        ("screw", 1.0, "other"),
    ]
    assert parts["asset_sku"].unique().to_list() == ["AS-8000"]
    # 23:30 at UTC-5 on the last of March is the first of April in UTC.
    assert parts["observed_on"].unique().to_list() == [date(2024, 4, 1)]


def test_equal_parts_listed_one_by_one_are_as_many_as_are_listed(gated, feed, staged, tmp_path):
    # By hand: three modules without reference, of which the second is a pair, in each of 2 trays: (1 + 2 + 1) × 2 = 8;
    # and two fans with a reference each and no quantity.
    pair = {"name": "DIMM", "type": "device", "properties": [{"name": "cdx:device:quantity", "value": "2"}]}
    module = {"name": "DIMM", "type": "device"}
    tray = {
        "name": "tray",
        "type": "device",
        "properties": [{"name": "cdx:device:quantity", "value": "2"}],
        "components": [module, pair, module],
    }
    fans = [{"name": "fan", "type": "device", "bom-ref": f"fan-{number}"} for number in (1, 2)]
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"timestamp": "2024-06-30T20:00:00Z", "component": {"type": "device", "name": "AS-8000"}},
        "components": [tray, *fans],
    }
    path = tmp_path / "bom.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    accepted, _ = gated("cyclonedx", path)
    checked = staged("bom_parts", feed("cyclonedx", "bom_parts", accepted))
    assert checked.rejected.is_empty()
    parts = checked.accepted.sort("row_number").select("part_id", "quantity").rows()
    assert parts == [
        *(("tray", 2.0), ("DIMM", 2.0), ("DIMM #2", 4.0), ("DIMM #3", 2.0)),
        *(("fan-1", 1.0), ("fan-2", 1.0)),
    ]


def test_everything_else_is_software(gated, feed, staged, samples):
    accepted, _ = gated("cyclonedx", samples / SERVER)
    checked = staged("software_components", feed("cyclonedx", "software_components", accepted))
    firmware, library = checked.accepted.sort("row_number").to_dicts()
    assert checked.rejected.is_empty()
    assert firmware["licence_spdx"] == "MIT AND LicenseRef-Chips-AG-Firmware-Licence"
    assert firmware["supplier"] == "Chips AG"
    assert firmware["has_dependencies_stated"] is True
    assert firmware["sbom_author"] == "Parts office"
    assert firmware["sbom_created_at_utc"] == datetime(2024, 4, 1, 4, 30)
    assert library["component_ref"] == "zlib@1.3"
    assert library["licence_spdx"] == "Zlib OR MIT"
    assert library["has_dependencies_stated"] is False


def test_a_bill_of_operations_tells_what_runs_and_on_how_many_devices(gated, feed, staged, samples):
    accepted, rejected = gated("cyclonedx", samples / "cyclonedx_operations.json")
    assert rejected.is_empty()
    assert accepted.height == 8
    software = staged("software_components", feed("cyclonedx", "software_components", accepted))
    parts = staged("bom_parts", feed("cyclonedx", "bom_parts", accepted))
    assert software.rejected.is_empty()
    assert parts.rejected.is_empty()
    # The data and the certificate are neither software nor a part.
    described = software.accepted.sort("row_number").select("component_ref", "has_dependencies_stated", "supplier")
    assert described.rows() == [
        ("os", True, "Own Distribution"),
        ("driver", False, None),
        ("fw", False, None),
        ("model", False, None),
    ]
    # By hand: 16 servers with 8 GPUs each.
    assert parts.accepted.sort("row_number").select("part_id", "quantity").rows() == [("server", 16.0), ("gpu", 128.0)]


@pytest.mark.parametrize("version", ["1.4", "1.5", "1.6", "1.7"])
def test_the_quantity_is_a_text_property_in_every_version(gated, feed, tmp_path, version):
    device = {"type": "device", "name": "M3", "properties": [{"name": "cdx:device:quantity", "value": "24"}]}
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": version,
        "version": 1,
        "metadata": {"timestamp": "2024-06-30T20:00:00Z", "component": {"type": "device", "name": "AS-8000"}},
        "components": [device],
    }
    path = tmp_path / "bom.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    accepted, rejected = gated("cyclonedx", path)
    assert rejected.is_empty()
    assert feed("cyclonedx", "bom_parts", accepted).select("part_id", "quantity").rows() == [("M3", 24.0)]


def test_the_source_may_name_the_asset(gated, feed, samples):
    accepted, _ = gated("cyclonedx", samples / SERVER, {"asset_sku": "AS-8000 rev B"})
    assert feed("cyclonedx", "bom_parts", accepted)["asset_sku"].unique().to_list() == ["AS-8000 rev B"]


def test_a_document_without_a_day_needs_one_from_the_source(gated, samples):
    path = samples / "cyclonedx_without_timestamp.json"
    with pytest.raises(UnreadableFile, match="observed_on"):
        list(read(path, {}))
    accepted, _ = gated("cyclonedx", path, {"observed_on": "2024-05-01"})
    assert accepted["observed_on"].to_list() == [date(2024, 5, 1)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("{", "no JSON", id="broken off"),
        pytest.param('{"spdxVersion": "SPDX-2.3"}', "bomFormat", id="another standard"),
        pytest.param('{"bomFormat": "CycloneDX", "specVersion": "9.9"}', "9.9", id="unknown version"),
    ],
)
def test_what_is_no_bill_of_materials_is_refused(tmp_path, text, said):
    path = tmp_path / "bom.json"
    path.write_text(text)
    with pytest.raises(UnreadableFile, match=said):
        list(read(path, {}))


@pytest.mark.parametrize(
    ("stated", "spdx"),
    [
        ({"name": "Apache License, Version 2.0"}, "Apache-2.0"),
        ({"name": "The Apache Software License, Version 2.0"}, "Apache-2.0"),
        ({"name": "https://www.apache.org/licenses/LICENSE-2.0.txt"}, "Apache-2.0"),
        ({"name": "The MIT License (MIT)"}, "MIT"),
        ({"name": "bsd-3-clause"}, "BSD-3-Clause"),
        ({"name": "GNU Lesser General Public License v2.1"}, "LGPL-2.1-only"),
        ({"name": "MIT OR Apache-2.0"}, "MIT OR Apache-2.0"),
        ({"name": "see there", "url": "http://opensource.org/licenses/BSD-2-Clause/"}, "BSD-2-Clause"),
        ({"name": "BSD License"}, "LicenseRef-BSD-License"),  # of how many clauses?
        ({"name": "Apache"}, "LicenseRef-Apache"),  # of which version?
        ({"name": "Vendor EULA", "url": "https://vendor.example/eula"}, "LicenseRef-Vendor-EULA"),
    ],
)
def test_a_licence_by_name_or_address_is_translated_where_it_means_one(gated, tmp_path, stated, spdx):
    library = {"type": "library", "name": "a", "version": "1", "licenses": [{"license": stated}]}
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"timestamp": "2024-06-30T20:00:00Z"},
        "components": [library],
    }
    path = tmp_path / "bom.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    accepted, _ = gated("cyclonedx", path)
    assert accepted["licenses"].to_list() == [spdx]
