"""The words of the reports, one file per language in ``config/texts``; both files have the same keys."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

LANGUAGES = ("zh", "en")
"""Languages of every page, the site's own first."""

_QUARTER_OF_MONTH = (1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4)


@dataclass(frozen=True)
class Texts:
    """Words of one language.

    Attributes:
        language: ``zh`` or ``en``.
        words: sections of the language's file.
    """

    language: str
    words: Mapping[str, Any]

    def __call__(self, key: str, **values: object) -> str:
        """Return the text ``section.name`` with its values put in.

        Raises:
            KeyError: the language's file has no such text.
        """
        section, name = key.split(".")
        text: str = self.words[section][name]
        return text.format(**values) if values else text

    def word(self, vocabulary: str, code: object) -> str:
        """Return the word for a code of the warehouse; a code without a word stands for itself."""
        if code is None:
            return self("plain.unknown")
        return str(self.words["word"][vocabulary].get(str(code), code))

    def name(self, row: Mapping[str, Any], column: str = "name", otherwise: str = "") -> str:
        """Return ``<column>_zh`` or ``<column>_en`` of a row, else the other language's, else ``otherwise``."""
        spoken = [self.language, *(language for language in LANGUAGES if language != self.language)]
        names = (row.get(f"{column}_{language}") for language in spoken)
        return next((str(name) for name in names if name), otherwise)

    def period(self, kind: str, start: date) -> str:
        """Return how people call a period: month, quarter or year beginning on ``start``."""
        return self(
            f"period.{kind}",
            year=start.year,
            quarter=_QUARTER_OF_MONTH[start.month - 1],
            month=self.words["period"]["months"][start.month - 1],
        )


@cache
def texts(language: str) -> Texts:
    """Read the words of a language.

    Raises:
        FileNotFoundError: there is no such language.
    """
    path = files("suanheng.config") / "texts" / f"{language}.toml"
    return Texts(language, tomllib.loads(path.read_text(encoding="utf-8")))
