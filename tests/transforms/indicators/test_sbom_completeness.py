"""Components with all seven NTIA fields."""

from datetime import date, datetime

RECIPE = "indicators/supplementary/sbom_completeness.sql"
SEVEN_FIELDS = {
    "component_name": "torch",
    "component_version": "2.1",
    "supplier": "PyTorch Foundation",
    "package_url": "pkg:pypi/torch@2.1",
    "has_dependencies_stated": True,
    "sbom_author": "Operator",
    "sbom_created_at_utc": datetime(2023, 5, 1),
}


def may(warehouse, *components):
    """The facts of May, or none."""
    for number, component in enumerate(components):
        warehouse.stage(
            "software_components",
            {"component_ref": str(number), "observed_on": date(2023, 5, 10), "component_name": "torch", **component},
        )
    warehouse.build("rollups/software_month.sql")
    return {row["month_start"]: row for row in warehouse.run(RECIPE).rows(named=True)}.get(date(2023, 5, 1))


def test_components_with_all_fields_over_all_components(warehouse) -> None:
    row = may(warehouse, SEVEN_FIELDS, {**SEVEN_FIELDS, "has_dependencies_stated": False}, {}, SEVEN_FIELDS)
    assert (float(row["numerator"]), float(row["denominator"])) == (2, 4)
    assert (float(row["observed"]), float(row["expected"]), row["gap"]) == (4, 4, None)


def test_without_a_bill_of_materials_there_is_no_fact(warehouse) -> None:
    assert may(warehouse) is None
