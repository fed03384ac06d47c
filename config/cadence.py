"""How late a source is: from how often its files come, and how far what they state reaches."""

from datetime import datetime, timedelta

_A_MONDAY = datetime(1900, 1, 1)
_STEPS = {"hourly": timedelta(hours=1), "daily": timedelta(days=1), "weekly": timedelta(weeks=1)}
_MONTHS = {"monthly": 1, "quarterly": 3, "yearly": 12}


def is_late(cadence: str, reaches_to: datetime, now: datetime) -> bool:
    """Whether a source should have stated more by now.

    A period's files may come until the next period ends: in March, a monthly source must have covered January. What
    comes once is never late.

    Args:
        cadence: one of ``config.sources.CADENCES``.
        reaches_to: end of what the source covers, without a zone.
        now: the present, in the same zone.
    """
    # A bill that ends with January says 1 February, exclusive.
    last_covered = reaches_to - timedelta(microseconds=1)
    return cadence != "once" and _period(cadence, now) - _period(cadence, last_covered) > 2


def _period(cadence: str, at: datetime) -> int:
    """Number of the hour, day, week, month, quarter or year that an instant is in."""
    if cadence in _MONTHS:
        return (at.year * 12 + at.month - 1) // _MONTHS[cadence]
    return (at - _A_MONDAY) // _STEPS[cadence]
