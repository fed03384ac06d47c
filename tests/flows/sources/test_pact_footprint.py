"""PACT footprints: numbers as text, amounts per declared unit, validity stated or three years."""

import json
from datetime import date

import pytest

from suanheng.schemas.checking.records import UnreadableFile


@pytest.fixture
def footprints(gated, feed, staged, samples):
    """Staged footprints of the list, by model."""
    accepted, rejected = gated("pact_footprint", samples / "pact_footprint_list.json")
    assert rejected.is_empty()
    assert accepted.height == 3
    checked = staged("product_footprints", feed("pact_footprint", "product_footprints", accepted))
    assert checked.rejected.is_empty()
    return {row["sku"]: row for row in checked.accepted.iter_rows(named=True)}


def test_a_footprint_is_that_of_one_unit(footprints):
    # 2400 kg for two pieces.
    server = footprints["AS-1"]
    assert (server["embodied_kgco2e"], server["declared_unit"]) == (1200, "piece")
    assert (server["primary_data_ratio"], server["revision"], server["vendor"]) == (0.125, 2, "Own Works")


def test_validity_is_what_is_stated_or_three_years(footprints):
    assert [footprints["AS-1"][end] for end in ("valid_from", "valid_to")] == [date(2024, 3, 1), date(2026, 1, 1)]
    assert [footprints["Coolant"][end] for end in ("valid_from", "valid_to")] == [date(2024, 1, 1), date(2027, 1, 1)]


def test_what_is_deprecated_is_not_used_and_what_is_in_litres_says_so(footprints):
    assert set(footprints) == {"AS-1", "Coolant"}
    assert footprints["Coolant"]["declared_unit"] == "liter"
    assert footprints["Coolant"]["primary_data_ratio"] is None


def test_one_footprint_an_event_and_a_footprint_by_itself_are_read(gated, samples, tmp_path):
    first = json.loads((samples / "pact_footprint_list.json").read_text())["data"][0]
    path = tmp_path / "footprint.json"
    for document in ({"data": first}, first, {"specversion": "1.0", "data": {"pfs": [first]}}):
        path.write_text(json.dumps(document))
        accepted, _ = gated("pact_footprint", path)
        assert accepted["productNameCompany"].to_list() == ["AS-1"]


def test_the_source_names_the_model_by_name_or_identifier(gated, feed, samples):
    options = {"skus": {"urn:gtin:4712345060507": "Own AS-1"}}
    accepted, _ = gated("pact_footprint", samples / "pact_footprint_list.json", options)
    fed = feed("pact_footprint", "product_footprints", accepted).sort("row_number")
    assert fed["sku"].to_list() == ["Own AS-1", "Coolant"]


def test_an_invalid_response_is_quarantined_with_every_fault(gated, samples):
    accepted, rejected = gated("pact_footprint", samples / "pact_footprint_invalid.json")
    assert accepted.is_empty()
    faults = dict(rejected.select("row_number", "message").rows())
    assert sorted(faults) == [1, 2, 3, 4, 5, 6]
    assert "updated" in faults[1] and "exclude each other" in faults[1]
    assert "declaredUnitAmount is 0" in faults[2]
    for word in ("rack", "pcfExcludingBiogenicUptake", "only one of its ends", "reference period"):
        assert word in faults[3]
    assert "specVersion" in faults[4] and "pcfExcludingBiogenicUptake is required" in faults[4]
    assert "holds pcf" in faults[5]
    assert "updated before it was created" in faults[6]


@pytest.mark.parametrize("text", ["{", "[]", '{"code": "AccessDenied", "message": "Access denied"}', '{"data": "x"}'])
def test_what_holds_no_footprint_is_refused(gated, tmp_path, text):
    path = tmp_path / "response.json"
    path.write_text(text)
    with pytest.raises(UnreadableFile, match="holds no product footprint"):
        gated("pact_footprint", path)
