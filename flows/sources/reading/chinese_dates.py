"""Days and periods as Chinese exports write them: 2024年1月31日, 20240131, 2024-01-01至2024-01-31, 2024年1-2月."""

import re
from calendar import monthrange
from datetime import date

_DAY = r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?|(\d{4})(\d{2})(\d{2})"
_MONTH = r"(\d{4})\s*[-/.年]?\s*(\d{1,2})\s*(?:月份?)?"
_TO = r"\s*(?:至|到|~|～|—+|–|－|-+)\s*"

_ONE_DAY = re.compile(rf"(?:{_DAY})(?:[ T]+0{{1,2}}:00(?::00)?)?")
_DAYS = re.compile(rf"(?P<first>{_DAY}){_TO}(?P<last>{_DAY})")
_ONE_MONTH = re.compile(_MONTH)
_MONTHS = re.compile(rf"{_MONTH}{_TO}(?:(\d{{4}})\s*[-/.年]?\s*)?(\d{{1,2}})\s*(?:月份?)?")


def chinese_day(text: str) -> date | None:
    """A day; ``None`` where the text is none."""
    match = _ONE_DAY.fullmatch(text.strip())
    if not match:
        return None
    year, month, day = (int(part) for part in match.groups() if part)
    try:
        return date(year, month, day)
    except ValueError:
        return None


def days_from_to(text: str) -> tuple[date, date] | None:
    """The two days a period is written with; ``None`` where the text is no such period."""
    match = _DAYS.fullmatch(text.strip())
    first, last = (chinese_day(match[name]) for name in ("first", "last")) if match else (None, None)
    return (first, last) if first and last and first <= last else None


def months_from_to(text: str) -> tuple[date, date] | None:
    """First day of the first and last day of the last of whole months; ``None`` where it names none, or a day."""
    if chinese_day(text):
        return None
    if months := _MONTHS.fullmatch(text.strip()):
        year, month, last_year, last_month = (int(part) if part else None for part in months.groups())
        first, last = _first(year, month), _first(last_year or year, last_month)
    elif one := _ONE_MONTH.fullmatch(text.strip()):
        first = last = _first(int(one[1]), int(one[2]))
    else:
        return None
    return (first, last_of_month(last)) if first and last and first <= last else None


def last_of_month(day: date) -> date:
    """Last day of the month of a day."""
    return day.replace(day=monthrange(day.year, day.month)[1])


def _first(year: int | None, month: int | None) -> date | None:
    return date(year, month, 1) if year and month and 1 <= month <= 12 else None
