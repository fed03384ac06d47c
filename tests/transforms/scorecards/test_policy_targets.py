"""Which policy targets a site meets, and why the others are not judged."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from suanheng.schemas.tables.indicators import INDICATORS
from suanheng.schemas.tables.scorecards import POLICY_TARGETS

YEAR = {"start": date(2024, 1, 1), "end": date(2025, 1, 1)}


@pytest.fixture
def targets(warehouse):
    """The targets of 2024 by reference key, for a new large centre in Hebei unless the site says otherwise."""
    warehouse.make_contract("indicators", INDICATORS)

    def judge(period: str = "2024", site_id: str = "site-a", **values: float) -> dict[str, dict[str, Any]]:
        for indicator, value in values.items():
            row = {"site_id": site_id, "period": period, "indicator": indicator, "value": value, "status": "ok"}
            warehouse.insert('indicators."all"', row)
        rows = warehouse.run("scorecards/policy_targets.sql", site_id=site_id, **YEAR)
        POLICY_TARGETS.schema.validate(rows.cast({"value": pl.Float64}), lazy=True)
        return {
            row["reference_id"].removeprefix("policy_targets/"): row
            for row in rows.filter(period=period).iter_rows(named=True)
        }

    return judge


def verdict(row: dict[str, Any]) -> tuple[float | None, bool | None, str | None]:
    return row["value"], row["is_met"], row["reason"]


def test_every_target_is_listed_in_every_period(targets, warehouse):
    # 22 targets; the scope of 2024 overlaps 12 months, 4 quarters, 1 year
    assert len(targets()) == 22
    assert warehouse.run("scorecards/policy_targets.sql", **YEAR).height == 22 * 17


@pytest.fixture
def due_in_june(warehouse) -> None:
    """The deadline of the plan of 2021 is moved to 30 June 2024."""
    warehouse.connection.execute(
        "UPDATE reference.policy_targets SET due_on = DATE '2024-06-30' "
        "WHERE reference_id LIKE 'policy_targets/dc-5g-2021/%'"
    )


@pytest.mark.parametrize(("pue", "is_met"), [(1.29, True), (1.3, False), (1.31, False)])
def test_below_is_below(targets, due_in_june, pue: float, is_met: bool):
    # 2021 plan: average PUE of new large centres < 1.3
    assert verdict(targets(pue=pue)["dc-5g-2021/pue_average/new-large"]) == (pue, is_met, None)


@pytest.mark.parametrize(("pue", "reason"), [(1.29, "on the way"), (1.3, "not yet due"), (1.31, "not yet due")])
def test_a_target_by_2025_is_neither_met_nor_missed_in_2024(targets, pue: float, reason: str):
    assert verdict(targets(pue=pue)["dc-5g-2021/pue_average/new-large"]) == (pue, None, reason)


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        ("2024-05", (None, "not yet due")),
        ("2024Q1", (None, "not yet due")),
        ("2024-06", (False, None)),  # ends on the day of the deadline
        ("2024Q2", (False, None)),
        ("2024Q4", (False, None)),  # a target whose deadline has passed is not forgotten
        ("2024", (False, None)),
    ],
)
def test_a_target_is_due_from_the_period_with_its_deadline_on(targets, due_in_june, period: str, expected: tuple):
    row = targets(period, pue=1.4)["dc-5g-2021/pue_average/new-large"]
    assert (row["is_met"], row["reason"]) == expected


@pytest.mark.parametrize(
    ("valid_to", "expected"), [("2024-12-31", (True, None)), ("2024-12-30", (None, "no longer in force"))]
)
def test_a_target_without_a_deadline_holds_while_it_is_in_force(targets, warehouse, valid_to: str, expected: tuple):
    warehouse.connection.execute(
        "UPDATE reference.policy_targets SET valid_to = ?::DATE WHERE reference_id LIKE '%grade-3'", [valid_to]
    )
    row = targets(pue=1.4)["gb-40879-2021/pue_or_eer/grade-3"]
    assert (row["is_met"], row["reason"]) == expected


@pytest.mark.parametrize(("pue", "is_met"), [(1.49, True), (1.5, True), (1.51, False)])
def test_at_most_is_at_most(targets, pue: float, is_met: bool):
    # GB 40879-2021, grade 3, the limit: PUE <= 1.50, for every centre
    assert verdict(targets(pue=pue)["gb-40879-2021/pue_or_eer/grade-3"]) == (pue, is_met, None)


def test_percent_are_compared_as_shares_and_shown_as_stated(targets):
    row = targets("2024Q4", rack_occupancy=0.625)["green-dc-plan-2024/rack_occupancy/nationwide"]

    assert (row["target_value"], row["unit"]) == ("60", "percent")
    assert (row["value"], row["is_met"], row["reason"]) == (62.5, None, "on the way")  # due at the end of 2025


def test_a_target_for_an_average_says_so(targets, warehouse):
    early = targets("2024Q1", pue=1.42)["green-dc-plan-2024/pue_average/nationwide"]
    assert verdict(early)[1:] == (None, "not yet in force")  # published in July 2024

    warehouse.connection.execute(
        "UPDATE reference.policy_targets SET due_on = DATE '2024-12-31' WHERE due_on IS NOT NULL"
    )
    quarter = targets("2024Q4", pue=1.42)["green-dc-plan-2024/pue_average/nationwide"]
    assert verdict(quarter) == (1.42, True, "the target binds an average; the site is compared with it")


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("gb-40879-2021/pue_or_eer/grade-1", "source not confirmed"),
        ("green-dc-plan-2024/international_level/nationwide", "text target"),
        ("national-green-dc-2025/energy_efficiency_grade_gb40879/applicants", "text target"),
        ("national-green-dc-2025/renewable_share/applicants", "text target"),
        ("national-green-dc-2025/racks/applicants", "no comparable indicator"),
        ("national-green-dc-2025/pue/applicants", "not yet in force"),
        ("dc-5g-2021/pue_average/new-hub", "not applicable to this site"),
        ("dc-5g-2021/utilisation/western", "not applicable to this site"),
    ],
)
def test_what_is_not_judged_has_a_reason(targets, key: str, reason: str):
    row = targets(pue=1.2, resource_utilisation=0.6)[key]

    assert (row["is_met"], row["reason"]) == (None, reason)


def test_no_value_is_not_a_failure(targets):
    assert verdict(targets()["gb-40879-2021/pue_or_eer/grade-3"]) == (None, None, "no value")


def test_a_value_that_is_not_ok_is_no_value(targets, warehouse):
    row = {"site_id": "site-a", "period": "2024", "indicator": "pue", "value": 1.2, "status": "too early"}
    warehouse.insert('indicators."all"', row)

    assert verdict(targets()["gb-40879-2021/pue_or_eer/grade-3"]) == (None, None, "no value")


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"size_class": "small"}, (1.2, None, "not applicable to this site")),
        ({"size_class": "very_large"}, (1.2, True, None)),
        ({"is_new": False}, (1.2, None, "not applicable to this site")),
        ({"is_new": None}, (1.2, None, "site record does not say")),
        ({"size_class": "small", "is_new": None}, (1.2, None, "not applicable to this site")),
    ],
)
def test_a_target_applies_by_what_the_site_record_says(targets, warehouse, due_in_june, record: dict, expected: tuple):
    warehouse.add_site("site-b", **record)

    assert verdict(targets(site_id="site-b", pue=1.2)["dc-5g-2021/pue_average/new-large"]) == expected


def test_western_regions(targets, warehouse, due_in_june):
    warehouse.add_site("site-c", region_code="CN-GZ")

    row = targets(site_id="site-c", resource_utilisation=0.5)["dc-5g-2021/utilisation/western"]
    assert (row["value"], row["is_met"]) == (50, False)  # more than 50 % is asked for
