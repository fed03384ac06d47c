"""Grades: bands of the score."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Band:
    """One grade.

    Attributes:
        grade: its name.
        lowest_score: the score from which it is given.
    """

    grade: str
    lowest_score: float


_ARITHMETIC_NOISE = 1e-9
"""Points by which a mean of equal scores may fall short of them in floating point."""


def grade(score: float, bands: Sequence[Band]) -> str:
    """The grade of an unrounded score; bands are given from the best to the one that begins at 0."""
    return next(band.grade for band in bands if score >= band.lowest_score - _ARITHMETIC_NOISE)


def grade_of_interval(low: float, high: float, bands: Sequence[Band]) -> str | None:
    """The grade of everything between two scores, or ``None`` where the interval spans several bands."""
    worst, best = grade(low, bands), grade(high, bands)
    return best if worst == best else None
