"""Openness and description of the software stack."""

from datetime import date, datetime

import pytest

MAY = date(2023, 5, 1)

DESCRIBED = {
    "component_version": "2.1",
    "supplier": "PyTorch Foundation",
    "package_url": "pkg:pypi/torch@2.1",
    "has_dependencies_stated": True,
    "sbom_author": "Operator",
    "sbom_created_at_utc": datetime(2023, 5, 1),
}


def software(warehouse, *components):
    """The month's row, over components of one bill of materials."""
    for number, component in enumerate(components):
        warehouse.stage(
            "software_components",
            {
                "component_ref": f"ref-{number}",
                "observed_on": date(2023, 5, 10),
                "component_name": f"component-{number}",
                **component,
            },
        )
    rows = warehouse.run("rollups/software_month.sql").rows(named=True)
    return {row["month_start"]: row for row in rows}[MAY]


@pytest.mark.parametrize(
    ("licence", "is_open"),
    [
        ("MIT", True),
        ("mit", True),  # SPDX identifiers do not care for case
        ("(MIT)", True),
        ("GPL-2.0+", True),
        ("GPL-2.0-only WITH Classpath-exception-2.0", True),
        ("BUSL-1.1", False),
        ("CC-BY-NC-4.0", False),
        ("LicenseRef-Proprietary", False),
        ("LicenseRef-Vendor-EULA", None),  # a text of its own, which nobody has read
        ("LicenseRef-Apache-2.0", None),
        ("Commercial", None),
        ("Apache-2", None),  # an abbreviation
        ("BSD-3", None),
        ("NONE", False),
        ("MIT OR BUSL-1.1", True),  # the tenant may choose
        ("MIT AND BUSL-1.1", False),  # both bind
        ("BUSL-1.1 OR MIT AND Apache-2.0", True),  # AND binds closer
        ("BUSL-1.1 AND MIT OR SSPL-1.0", False),
        ("(MIT OR Apache-2.0) AND BSD-3-Clause", True),  # open whichever way it is read
        ("(BUSL-1.1 OR SSPL-1.0) AND Elastic-2.0", False),
        ("(MIT OR BUSL-1.1) AND Apache-2.0", None),  # needs a parser: unknown
        ("MIT OR NOASSERTION", True),
        ("BUSL-1.1 AND NOASSERTION", False),
        ("MIT AND NOASSERTION", None),
        ("BUSL-1.1 OR NOASSERTION", None),
        ("NOASSERTION", None),
        ("Apache License, Version 2.0", None),  # a name, not an identifier
        (None, None),
    ],
)
def test_licences(warehouse, licence, is_open) -> None:
    row = software(warehouse, {"licence_spdx": licence})
    assert row["components"] == 1
    assert (row["openness_known_components"], row["open_components"]) == (
        int(is_open is not None),
        int(is_open is True),
    )


def test_an_open_standard_opens_what_its_licence_does_not(warehouse) -> None:
    row = software(
        warehouse,
        {"licence_spdx": "LicenseRef-Proprietary", "implements_open_standard": True},
        {"implements_open_standard": True},
        {"licence_spdx": "LicenseRef-Proprietary", "implements_open_standard": False},
        {"implements_open_standard": False},
    )
    assert (row["components"], row["openness_known_components"], row["open_components"]) == (4, 3, 2)


def test_the_facts_used_are_named(warehouse) -> None:
    row = software(warehouse, {"licence_spdx": "MIT OR Apache-2.0"}, {"licence_spdx": "MIT"})
    assert row["reference_rows"] == [
        "osi_licences/Apache-2.0",
        "osi_licences/MIT",
        "parameters/snapshot_max_age_days",
    ]


@pytest.mark.parametrize("missing", DESCRIBED)
def test_each_of_the_seven_fields_is_needed(warehouse, missing) -> None:
    # The seventh, the name, is required by the contract.
    row = software(warehouse, DESCRIBED, {**DESCRIBED, missing: None})
    assert (row["components"], row["fully_described_components"]) == (2, 1)


def test_a_licence_is_not_among_the_seven(warehouse) -> None:
    assert software(warehouse, {**DESCRIBED, "licence_spdx": None})["fully_described_components"] == 1


def test_only_the_latest_snapshot_counts(warehouse) -> None:
    row = software(
        warehouse,
        {"observed_on": date(2023, 3, 1), "licence_spdx": "MIT"},
        {"licence_spdx": "BUSL-1.1"},
        {"observed_on": date(2023, 6, 1), "licence_spdx": "MIT"},
    )
    assert (row["observed_on"], row["components"], row["open_components"]) == (date(2023, 5, 10), 1, 0)


def test_the_newest_bill_of_each_image_is_the_state_of_the_site(warehouse) -> None:
    # Trainer: the bill of 10 May replaces that of 2 May, which is of another tag. Server: that of 3 May still holds.
    # Open are one of trainer's two, and none of the server's one.
    row = software(
        warehouse,
        {"describes": "hub/trainer:1.0", "document_id": "a", "observed_on": date(2023, 5, 2), "licence_spdx": "MIT"},
        {"describes": "hub/trainer:1.1", "document_id": "b", "licence_spdx": "MIT"},
        {"describes": "hub/trainer:1.1", "document_id": "b", "licence_spdx": "BUSL-1.1"},
        {"describes": "server", "document_id": "c", "observed_on": date(2023, 5, 3), "licence_spdx": "BUSL-1.1"},
    )
    assert (row["components"], row["open_components"], row["observed_on"]) == (3, 1, date(2023, 5, 10))


def test_of_two_bills_of_one_image_on_one_day_the_later_counts(warehouse) -> None:
    row = software(
        warehouse,
        {"describes": "app", "document_id": "a", "sbom_created_at_utc": datetime(2023, 5, 10, 8)},
        {"describes": "app", "document_id": "b", "sbom_created_at_utc": datetime(2023, 5, 10, 9)},
        {"document_id": "x", "sbom_created_at_utc": datetime(2023, 5, 10, 8)},
        {"document_id": "y", "sbom_created_at_utc": datetime(2023, 5, 10, 9)},
    )
    assert row["components"] == 3  # b; and both bills that do not say what they describe
