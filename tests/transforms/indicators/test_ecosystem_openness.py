"""Open components of the software stack."""

from datetime import date

RECIPE = "indicators/sustainability/ecosystem_openness.sql"


def may(warehouse, *components):
    """The facts of May."""
    for number, component in enumerate(components):
        warehouse.stage(
            "software_components",
            {
                "component_ref": str(number),
                "observed_on": date(2023, 5, 10),
                "component_name": f"component-{number}",
                **component,
            },
        )
    warehouse.build("rollups/software_month.sql")
    return {row["month_start"]: row for row in warehouse.run(RECIPE).rows(named=True)}[date(2023, 5, 1)]


def test_open_over_known_components(warehouse) -> None:
    row = may(
        warehouse,
        {"licence_spdx": "Apache-2.0"},
        {"licence_spdx": "MIT OR LicenseRef-Proprietary"},
        {"licence_spdx": "LicenseRef-Proprietary"},
        {"licence_spdx": "LicenseRef-Proprietary", "implements_open_standard": True},
        {"licence_spdx": None},
    )
    assert (float(row["numerator"]), float(row["denominator"])) == (3, 4)
    assert (float(row["observed"]), float(row["expected"]), row["gap"]) == (4, 5, None)
    assert "osi_licences/Apache-2.0" in row["reference_rows"]


def test_an_unknown_licence_is_not_closed(warehouse) -> None:
    row = may(warehouse, {"licence_spdx": None}, {"licence_spdx": "NOASSERTION"})
    assert (row["numerator"], row["denominator"], row["gap"]) == (None, None, "no software inventory")
    assert (float(row["observed"]), float(row["expected"])) == (0, 2)


def test_a_wholly_closed_stack_is_zero(warehouse) -> None:
    row = may(warehouse, {"licence_spdx": "BUSL-1.1"})
    assert (float(row["numerator"]), float(row["denominator"]), row["gap"]) == (0, 1, None)
