"""How a dataset stands in a quarter: by hand, for a site that is expected to deliver every month."""

from datetime import UTC, date, datetime

import pytest

from suanheng.flows.status.freshness import Freshness
from suanheng.flows.status.quarters import Coverage, DatasetStatus, dataset_statuses
from suanheng.transforms.building.periods import Scope
from suanheng.transforms.building.staleness import Reason, Stale

FIRST = Scope("site-a", date(2023, 1, 1), date(2023, 4, 1))
BILLS = ("site-a", "utility_bills")
JANUARY = (datetime(2023, 1, 1), datetime(2023, 2, 1))
FEBRUARY = (datetime(2023, 2, 1), datetime(2023, 3, 1))
MARCH = (datetime(2023, 3, 1), datetime(2023, 4, 1))


def standing(*spans: tuple[datetime, datetime], now: datetime, stale: tuple[Reason, ...] = (), cadence="monthly"):
    expected = [Freshness(*BILLS, 1, cadence, None, "fresh" if spans else "missing")]
    quarters = [Stale(FIRST, {}, 1, stale)] if stale else []
    (found,) = dataset_statuses(
        [FIRST], expected, {BILLS: Coverage(list(spans), False)} if spans else {}, quarters, now
    )
    return found


@pytest.mark.parametrize(
    ("spans", "now", "state", "why"),
    [
        ([JANUARY, FEBRUARY, MARCH], datetime(2024, 1, 1, tzinfo=UTC), "fresh", ""),
        # In March, January must be covered; February need not be yet.
        ([JANUARY], datetime(2023, 3, 15, tzinfo=UTC), "fresh", ""),
        ([JANUARY], datetime(2023, 4, 15, tzinfo=UTC), "late", "expected monthly, and what is stated ends 2023-02-01"),
        ([JANUARY, MARCH], datetime(2024, 1, 1, tzinfo=UTC), "missing", "nothing is covered 2023-02-01 to 2023-02-28"),
        ([], datetime(2023, 2, 15, tzinfo=UTC), "not due", ""),
        ([], datetime(2023, 3, 15, tzinfo=UTC), "missing", "nothing is covered 2023-01-01 to 2023-01-31"),
        # What reaches into a month by the hours between two zones states nothing of it.
        (
            [(datetime(2022, 12, 31, 16), datetime(2023, 1, 31, 16)), MARCH],
            datetime(2024, 1, 1, tzinfo=UTC),
            "missing",
            "nothing is covered 2023-02-01 to 2023-02-28",
        ),
    ],
)
def test_state_by_what_is_told(spans: list[tuple[datetime, datetime]], now: datetime, state: str, why: str) -> None:
    found = standing(*spans, now=now)

    assert (found.site_id, found.period, found.dataset, found.state) == ("site-a", "2023Q1", "utility_bills", state)
    assert found.why.removesuffix(" 00:00:00") == why


def test_a_quarterly_file_counts_for_its_three_months() -> None:
    whole = (datetime(2023, 1, 1), datetime(2023, 4, 1))

    assert standing(whole, now=datetime(2024, 1, 1, tzinfo=UTC), cadence="quarterly").state == "fresh"


def test_a_dataset_is_stale_for_reasons_of_its_own_and_of_the_whole_quarter() -> None:
    now, all_covered = datetime(2024, 1, 1, tzinfo=UTC), (JANUARY, FEBRUARY, MARCH)
    own, other, whole = Reason("own", ("utility_bills",)), Reason("other", ("incidents",)), Reason("whole")

    assert standing(*all_covered, now=now, stale=(own, other, whole)) == DatasetStatus(
        "site-a", "2023Q1", "utility_bills", "stale", "own; whole"
    )
    assert standing(*all_covered, now=now, stale=(other,)).state == "fresh"


def test_what_nobody_expects_stands_only_where_it_is() -> None:
    expected = [Freshness(*BILLS, 1, None, None, "no cadence")]

    assert list(dataset_statuses([FIRST], expected, {}, [], datetime(2024, 1, 1, tzinfo=UTC))) == []
    (found,) = dataset_statuses(
        [FIRST], expected, {BILLS: Coverage([JANUARY], False)}, [], datetime(2024, 1, 1, tzinfo=UTC)
    )
    assert found.state == "fresh"
