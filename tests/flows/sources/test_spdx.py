"""SPDX 2: licences concluded and declared, suppliers with their kind, dependencies stated either way round."""

import socket
from datetime import date, datetime

import pytest

from suanheng.flows.sources.spdx import read
from suanheng.schemas.checking.records import UnreadableFile


@pytest.fixture
def components(gated, feed, staged, samples):
    """Staged components of the JSON sample, by identifier."""
    accepted, _ = gated("spdx", samples / "spdx_stack.json")
    checked = staged("software_components", feed("spdx", "software_components", accepted))
    assert checked.rejected.is_empty()
    return {row["component_ref"].removeprefix("SPDXRef-"): row for row in checked.accepted.iter_rows(named=True)}


def test_every_package_is_read_or_quarantined_with_its_fault(gated, samples):
    accepted, rejected = gated("spdx", samples / "spdx_stack.json")
    assert accepted["name"].to_list() == ["trainer", "maths", "driver", "X100"]
    faults = dict(rejected.select("row_number", "message").rows())
    assert sorted(faults) == [5, 6, 7, 8]
    assert "Somebody" in faults[5] and "MIT OR" in faults[5]
    assert "name" in faults[6]
    assert "UNHEARD-OF" in faults[8]


def test_the_concluded_licence_counts_before_the_declared_one(components):
    licences = {name: row["licence_spdx"] for name, row in components.items()}
    # NOASSERTION says nothing; NONE says that there is no licence.
    assert licences == {
        "trainer": "BSD-3-Clause AND (MIT OR Apache-2.0)",
        "maths": "BSD-2-Clause",
        "driver": "NONE",
    }


def test_suppliers_are_named_without_kind_and_address(components):
    assert {name: row["supplier"] for name, row in components.items()} == {
        "trainer": "Chips AG",
        "maths": "Ann Example",
        "driver": None,
    }


def test_identifiers_and_dependencies(components):
    assert components["trainer"]["package_url"] == "pkg:pypi/trainer@2.3.0"
    assert {name: row["has_dependencies_stated"] for name, row in components.items()} == {
        "trainer": True,
        "maths": True,  # it is stated that it needs nothing
        "driver": False,  # NOASSERTION states nothing, nor does a relationship that SPDX does not know
    }


def test_hardware_is_no_software(components):
    assert "card" not in components


def test_the_document_says_who_wrote_it_and_when(components):
    row = components["maths"]
    assert row["observed_on"] == date(2024, 6, 30)
    assert row["sbom_created_at_utc"] == datetime(2024, 6, 30, 20)
    assert row["sbom_author"] == "Own Centre, own-sbom-2.1"


def test_tag_value_is_read_too(gated, feed, staged, samples, monkeypatch):
    monkeypatch.setattr(socket, "socket", None)  # nothing is fetched
    accepted, rejected = gated("spdx", samples / "spdx_stack.spdx")
    assert rejected.is_empty()
    checked = staged("software_components", feed("spdx", "software_components", accepted))
    trainer, maths = checked.accepted.sort("row_number").rows(named=True)
    assert trainer["licence_spdx"] == "BSD-3-Clause"
    assert (trainer["supplier"], trainer["package_url"]) == ("Chips AG", "pkg:pypi/trainer@2.3.0")
    assert (trainer["has_dependencies_stated"], maths["has_dependencies_stated"]) == (True, False)
    assert trainer["sbom_created_at_utc"] == datetime(2024, 6, 30, 20)


def test_a_document_without_a_day_needs_one_from_the_source(gated, tmp_path):
    path = tmp_path / "stack.json"
    path.write_text('{"spdxVersion": "SPDX-2.3", "packages": [{"SPDXID": "SPDXRef-a", "name": "a"}]}')
    with pytest.raises(UnreadableFile, match="observed_on"):
        list(read(path, {}))
    path.write_text(
        '{"spdxVersion": "SPDX-2.3", "packages": [{"SPDXID": "SPDXRef-a", "name": "a", "downloadLocation": "NONE"}]}'
    )
    accepted, _ = gated("spdx", path, {"observed_on": "2024-05-01"})
    assert accepted["observed_on"].to_list() == [date(2024, 5, 1)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("{", "no JSON", id="broken off"),
        pytest.param('{"bomFormat": "CycloneDX"}', "without spdxVersion", id="another standard"),
        pytest.param('{"@context": "x", "@graph": []}', "spdx3", id="SPDX 3"),
        pytest.param('{"spdxVersion": "SPDX-1.2"}', "SPDX-1.2", id="unknown version"),
        pytest.param("PackageName: trainer\n", "SPDXVersion", id="text of another kind"),
        pytest.param(
            "SPDXVersion: SPDX-2.3\nPackageName: a\nUnheardOf: b\n", "UnheardOf|Unrecognised|Error", id="fault"
        ),
        pytest.param("", "SPDXVersion", id="empty"),
    ],
)
def test_what_is_no_spdx_2_is_refused(tmp_path, text, said):
    path = tmp_path / "document.spdx"
    path.write_text(text)
    with pytest.raises(UnreadableFile, match=said):
        list(read(path, {}))


def test_identifiers_are_unique_in_their_document_only(gated, feed, staged, tmp_path):
    rows = []
    for document in ("backend", "frontend"):
        path = tmp_path / f"{document}.json"
        path.write_text(
            f'{{"spdxVersion": "SPDX-2.3", "name": "{document}", "documentNamespace": "urn:own/{document}", '
            '"packages": [{"SPDXID": "SPDXRef-1", "name": "a", "downloadLocation": "NONE"}]}'
        )
        accepted, _ = gated("spdx", path, {"observed_on": "2024-05-01"})
        checked = staged("software_components", feed("spdx", "software_components", accepted))
        rows += checked.accepted.select("document_id", "component_ref", "describes").rows()
    assert rows == [
        ("urn:own/backend", "SPDXRef-1", "backend"),
        ("urn:own/frontend", "SPDXRef-1", "frontend"),
    ]
