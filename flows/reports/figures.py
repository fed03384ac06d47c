"""How numbers are written for people. Formatting only: nothing is calculated from two numbers here."""

from datetime import date, datetime
from decimal import ROUND_DOWN, Decimal

DASH = "–"
PER_CENT = "\N{NO-BREAK SPACE}%"

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: Decimal | float | str | None) -> str:
    """Write a quantity with four significant digits, whole from 1000 on; text stays text, unknown becomes a dash."""
    if value is None:
        return DASH
    if isinstance(value, str):
        return value
    size = abs(float(value))
    if size == 0:
        return "0"
    if size >= 1000:
        return f"{value:,.0f}"
    if size < 0.0001:
        digits, power = f"{float(value):.2e}".split("e")
        return f"{digits} × 10{str(int(power)).translate(_RAISED)}"
    return f"{float(value):.4g}"


def score(value: float | None) -> str:
    """Write a score of 0 to 100 with one decimal, unknown as a dash.

    Grades begin at round numbers: a score just below a multiple of five is cut to two decimals, not rounded up to it.
    """
    if value is None:
        return DASH
    rounded = round(value, 1)
    if rounded > value and rounded % 5 == 0:
        return str(Decimal(value).quantize(Decimal("0.01"), rounding=ROUND_DOWN))
    return f"{value:.1f}"


def bound(value: float | None) -> str:
    """Write one end of an interval like a score; the ends of the scale itself are written whole."""
    return score(value).removesuffix(".0") if value in {0, 100} else score(value)


def interval(low: float | None, high: float | None) -> str:
    """Write the interval a score is in."""
    return f"{bound(low)}{DASH}{bound(high)}"


def share(value: Decimal | float | None) -> str:
    """Write a share of 0 to 1 in per cent; little is never written as nothing, nor almost all as all."""
    if value is None:
        return DASH
    if -0.001 < value < 0:
        return f"{float(value) * 100:.1g}{PER_CENT}"
    if 0 < value < 0.001:
        return f"<\N{NO-BREAK SPACE}0.1{PER_CENT}"
    if 0.999 < value < 1:
        return f">\N{NO-BREAK SPACE}99.9{PER_CENT}"
    return f"{float(value) * 100:.1f}".removesuffix(".0") + PER_CENT


def day(value: date | datetime | None) -> str:
    """Write a day as year, month, day."""
    return DASH if value is None else value.strftime("%Y-%m-%d")
