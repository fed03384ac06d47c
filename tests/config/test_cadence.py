"""When a source is late: expected by hand, from the calendar."""

from datetime import datetime

import pytest

from suanheng.config.cadence import is_late

# A Wednesday.
NOW = datetime(2024, 3, 13, 10, 30)


@pytest.mark.parametrize(
    ("cadence", "in_time", "late"),
    [
        # The bill of January (until 1 February, exclusive) may be the last in March; the one of December may not.
        ("monthly", datetime(2024, 2, 1), datetime(2024, 1, 1)),
        # In the first quarter of 2024 the third of 2023 must be there.
        ("quarterly", datetime(2023, 10, 1), datetime(2023, 7, 1)),
        ("yearly", datetime(2023, 1, 1), datetime(2022, 1, 1)),
        # A sample of Monday will do on Wednesday; one of Sunday will not.
        ("daily", datetime(2024, 3, 11, 0, 15), datetime(2024, 3, 10, 23, 45)),
        # This week began on the 11th; the week before last on 26 February.
        ("weekly", datetime(2024, 2, 26, 1), datetime(2024, 2, 25, 23)),
        ("hourly", datetime(2024, 3, 13, 8, 1), datetime(2024, 3, 13, 7, 59)),
    ],
)
def test_a_period_may_come_until_the_next_one_ends(cadence: str, in_time: datetime, late: datetime) -> None:
    assert not is_late(cadence, in_time, NOW)
    assert is_late(cadence, late, NOW)


def test_what_comes_once_is_never_late() -> None:
    assert not is_late("once", datetime(1999, 1, 1), NOW)
