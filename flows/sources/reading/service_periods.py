"""Whether the end date of a bill is the last day billed or the day after it, as the bills of a file show themselves."""

from calendar import monthrange
from collections.abc import Iterable
from datetime import date
from itertools import pairwise
from typing import Any

from suanheng.schemas.checking.records import UnreadableFile

CONVENTIONS = ("inclusive", "exclusive")
_CLEAR_MAJORITY = 0.75


def end_date_convention(bills: Iterable[tuple[Any, date, date]], stated: Any) -> str:
    """Decide by what follows what: the next bill of a meter starts on the end date, or on the day after it.

    A file in which no bill follows another is decided by its calendar months: bills from the first to the last day
    of a month are inclusive, bills from a first to a first are exclusive.

    Args:
        bills: what is billed together (a meter), first day and end date, of every bill of the file.
        stated: option ``end_date`` of the source, which comes first; ``None`` where it says nothing.

    Raises:
        UnreadableFile: the file does not show it, or the option says something else.
    """
    if stated is not None:
        _refuse_unknown(stated)
        return stated
    periods = _by_meter(bills)
    gaps = [(following[0] - before[1]).days for each in periods for before, following in pairwise(each)]
    inclusive, exclusive = gaps.count(1), gaps.count(0)
    if not inclusive and not exclusive:
        months = [(start, end) for each in periods for start, end in each if start.day == 1]
        inclusive = sum(end.day == monthrange(end.year, end.month)[1] for _, end in months)
        exclusive = sum(end.day == 1 and end > start for start, end in months)
    decided = inclusive + exclusive
    if decided and max(inclusive, exclusive) / decided >= _CLEAR_MAJORITY:
        return "inclusive" if inclusive > exclusive else "exclusive"
    raise UnreadableFile(
        "The file does not show whether its end dates are the last day billed or the day after it",
        expected="consecutive bills of one meter, or bills of whole calendar months, that agree",
        got=f"{inclusive} that speak for the last day and {exclusive} for the day after",
        do="Add options = { end_date = 'inclusive' } (or 'exclusive') to the source in sources.toml.",
    )


def _refuse_unknown(stated: Any) -> None:
    if stated not in CONVENTIONS:
        raise UnreadableFile(
            "Option end_date cannot be followed",
            expected=" or ".join(CONVENTIONS),
            got=repr(stated),
            do="Correct the option in sources.toml.",
        )


def _by_meter(bills: Iterable[tuple[Any, date, date]]) -> list[list[tuple[date, date]]]:
    periods: dict[Any, set[tuple[date, date]]] = {}
    for meter, start, end in bills:
        if start <= end:
            periods.setdefault(meter, set()).add((start, end))
    return [sorted(each) for each in periods.values()]
