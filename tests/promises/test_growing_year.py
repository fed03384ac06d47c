"""A year closes in each quarter that is its last one so far: there is one row of it all the same, the newest."""

from datetime import UTC, date, datetime

import pytest

from tests.conftest import SITE, Centre, write_tiny

YEAR = "SELECT indicator, count(*) AS rows FROM indicators.\"all\" WHERE period = '2023' GROUP BY ALL"


@pytest.fixture
def growing(tmp_path) -> Centre:
    """A centre whose second quarter has not come yet."""
    centre = write_tiny(tmp_path, months=6)
    held_back = tmp_path / "later"
    held_back.mkdir()
    for path in centre.files():
        if any(path.stem.endswith(month) for month in ("-04", "-05", "-06")):
            path.rename(held_back / f"{path.parent.name}--{path.name}")
    return centre


def deliver(centre: Centre) -> None:
    for path in (centre.root / "later").iterdir():
        dataset, _, name = path.name.partition("--")
        path.rename(centre.root / "landing" / SITE / dataset / name)


@pytest.mark.long
def test_a_quarter_that_takes_the_year_over_replaces_it(growing: Centre) -> None:
    first = growing.night(datetime(2023, 4, 10, tzinfo=UTC))
    assert not first.failures
    before = growing.ask(YEAR)
    assert set(before["rows"]) == {1}

    deliver(growing)
    second = growing.night(datetime(2023, 7, 10, tzinfo=UTC))

    assert (second.failures, "tiny 2023Q2" in second.built) == ({}, True)
    assert set(growing.ask(YEAR)["rows"]) == {1}
    assert growing.value("SELECT count(*) FROM scorecards.composites WHERE period = '2023'") == 1


def test_a_site_that_loses_all_its_quarters_keeps_nothing_of_the_year(growing: Centre) -> None:
    assert not growing.night(datetime(2023, 4, 10, tzinfo=UTC)).failures
    sites = growing.root / "sites.toml"
    text = sites.read_text(encoding="utf-8")
    began = growing.value("SELECT commissioned_on FROM reference.sites")
    sites.write_text(text.replace(f"{began}", f"{date(2023, 4, 1)}"), encoding="utf-8")
    deliver(growing)

    outcome = growing.night(datetime(2023, 7, 10, tzinfo=UTC))

    assert (outcome.failures, outcome.built) == ({}, ["tiny 2023Q2"])
    for table in ('indicators."all"', "scorecards.policy_targets", "scorecards.energy_reconciliation"):
        rows = growing.ask(f"FROM {table} WHERE period = '2023'").drop("period")
        assert rows.is_unique().all(), table
    assert set(growing.ask(YEAR)["rows"]) == {1}
