"""In which line of a TOML file each key stands: the standard library's parser does not say."""

import re
import tomllib
from typing import TypeAlias

Place: TypeAlias = tuple[str | int, ...]
"""Keys, and positions in lists from 0, from the top of a file to what is meant: ``("site", 0, "time_zone")``."""

_KEY = r"""(?:[A-Za-z0-9_-]+|"(?:\\.|[^"\\\n])*"|'[^'\n]*')"""
_DOTTED_KEY = re.compile(rf"{_KEY}(?:[ \t]*\.[ \t]*{_KEY})*")
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SCALAR = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}(?!")'
    r"|'''.*?'{3,5}(?!')"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|[^,\]}#\n]+",
    re.DOTALL,
)


def lines_of(text: str) -> dict[Place, int]:
    """Line of each key, table and entry of a list, from 1; a table that is only part of a key stands at that key.

    Args:
        text: TOML that can be parsed; of anything else the answer means nothing.
    """
    return _Scanner(text).scan()


class _Scanner:
    """Walks through a TOML text once, from key to key."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line, self._counted_to = 1, 0
        self._lines: dict[Place, int] = {}
        self._last_entry: dict[Place, int] = {}

    def scan(self) -> dict[Place, int]:
        """Line of each place, in the order of the text."""
        table: Place = ()
        while not self._at_end():
            if self._passed("[["):
                table = self._next_entry(self._key())
                self._pass("]]")
            elif self._passed("["):
                table = self._note_way((), self._key())
                self._pass("]")
            else:
                self._pair(table)
        return self._lines

    def _next_entry(self, parts: list[str]) -> Place:
        """The entry of a list of tables that begins here."""
        array = (*self._note_way((), parts[:-1]), parts[-1])
        self._last_entry[array] = self._last_entry.get(array, -1) + 1
        self._note(array)
        return self._note((*array, self._last_entry[array]))

    def _pair(self, table: Place) -> None:
        place = self._note_way(table, self._key())
        self._pass("=")
        self._value(place)

    def _value(self, place: Place) -> None:
        if self._passed("["):
            position = 0
            while not self._passed("]"):
                self._value(self._note((*place, position)))
                self._passed(",")
                position += 1
        elif self._passed("{"):
            while not self._passed("}"):
                self._pair(place)
                self._passed(",")
        else:
            self._match(_SCALAR)

    def _note_way(self, table: Place, parts: list[str]) -> Place:
        """Note every table on the way of a dotted key; of a list of tables its last entry is meant."""
        for part in parts:
            table = self._note((*table, part))
            if table in self._last_entry:
                table = (*table, self._last_entry[table])
        return table

    def _note(self, place: Place) -> Place:
        """Note the line that is being read, the first time a place is met."""
        if place not in self._lines:
            self._line += self._text.count("\n", self._counted_to, self._at)
            self._counted_to = self._at
            self._lines[place] = self._line
        return place

    def _key(self) -> list[str]:
        """Parts of the key that comes next; the parser itself undoes quotes and escapes."""
        self._match(_BLANK)
        node = tomllib.loads(f"{self._match(_DOTTED_KEY)} = 0")
        parts = []
        while isinstance(node, dict):
            ((part, node),) = node.items()
            parts.append(part)
        return parts

    def _at_end(self) -> bool:
        self._match(_BLANK)
        return self._at == len(self._text)

    def _passed(self, mark: str) -> bool:
        """Whether a mark comes next, blanks and comments aside; if so, it is behind."""
        self._match(_BLANK)
        if not self._text.startswith(mark, self._at):
            return False
        self._at += len(mark)
        return True

    def _pass(self, mark: str) -> None:
        if not self._passed(mark):
            raise ValueError(f"no {mark} at character {self._at}: not TOML")

    def _match(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        if found is None:
            raise ValueError(f"no {pattern.pattern} at character {self._at}: not TOML")
        self._at = found.end()
        return found[0]
