"""SPDX 3: a graph whose licences, suppliers and dependencies are elements of their own."""

import json
import socket
from datetime import date, datetime

import pytest

from suanheng.flows.sources.spdx3 import read
from suanheng.schemas.checking.records import UnreadableFile


@pytest.fixture
def components(gated, feed, staged, samples, monkeypatch):
    """Staged components of the sample, by name."""
    monkeypatch.setattr(socket, "socket", None)  # no context is fetched
    accepted, _ = gated("spdx3", samples / "spdx3_stack.json")
    checked = staged("software_components", feed("spdx3", "software_components", accepted))
    assert checked.rejected.is_empty()
    return {row["component_name"]: row for row in checked.accepted.iter_rows(named=True)}


def test_every_package_is_read_or_quarantined_with_its_fault(gated, samples):
    accepted, rejected = gated("spdx3", samples / "spdx3_stack.json")
    assert accepted["name"].to_list() == ["trainer", "maths", "driver", "own-7b", "corpus"]
    faults = {
        number: (rule, message) for number, rule, message in rejected.select("row_number", "rule", "message").rows()
    }
    assert faults[6] == ("spdx_schema", "software_Package: Value must be of type str. Got NoneType")
    assert faults[7] == ("not_nullable", "name is required, but is empty")


def test_licences_are_followed_and_the_concluded_one_counts_first(components):
    assert {name: row["licence_spdx"] for name, row in components.items()} == {
        "trainer": "(MIT OR Apache-2.0) AND BSD-3-Clause",
        "maths": "BSD-2-Clause",
        "driver": "NONE",
        "own-7b": None,
    }


def test_suppliers_and_identifiers_are_followed(components):
    assert {name: row["supplier"] for name, row in components.items()} == {
        "trainer": "Chips AG",
        "maths": "Ann Example",
        "driver": None,
        "own-7b": None,
    }
    assert components["trainer"]["package_url"] == "pkg:pypi/trainer@2.3.0"
    assert components["maths"]["package_url"].startswith("cpe:2.3:a:ann")


def test_dependencies_may_be_stated_to_be_none(components):
    assert {name: row["has_dependencies_stated"] for name, row in components.items()} == {
        "trainer": True,
        "maths": True,
        "driver": False,
        "own-7b": False,
    }


def test_a_data_set_is_no_software_and_a_model_is(components):
    assert "corpus" not in components
    assert "own-7b" in components


def test_the_document_is_one_snapshot_however_old_its_elements_are(components):
    assert {row["observed_on"] for row in components.values()} == {date(2024, 6, 30)}
    assert components["maths"]["sbom_created_at_utc"] == datetime(2024, 6, 30, 20)
    assert components["maths"]["sbom_author"] == "Ann Example"


def test_a_graph_without_a_document_needs_a_day_from_the_source(gated, tmp_path):
    package = {"type": "software_Package", "spdxId": "https://example.org/a", "name": "a"}
    path = tmp_path / "package.json"
    path.write_text(json.dumps({"@context": "https://spdx.org/rdf/3.0.0/spdx-context.jsonld", **package}))
    with pytest.raises(UnreadableFile, match="observed_on"):
        list(read(path, {}))
    accepted, _ = gated("spdx3", path, {"observed_on": "2024-05-01"})
    assert accepted.select("name", "observed_on").rows() == [("a", date(2024, 5, 1))]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("{", "no JSON", id="broken off"),
        pytest.param('{"spdxVersion": "SPDX-2.3"}', "format spdx", id="SPDX 2"),
        pytest.param('{"@context": "https://schema.org", "@graph": []}', "without a @context", id="other JSON-LD"),
        pytest.param("[]", "without a @context", id="a list"),
    ],
)
def test_what_is_no_spdx_3_is_refused(tmp_path, text, said):
    path = tmp_path / "document.json"
    path.write_text(text)
    with pytest.raises(UnreadableFile, match=said):
        list(read(path, {}))
