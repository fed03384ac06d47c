"""Lines of keys in TOML: by hand where it is hard, and as the standard library parses the files there are."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from suanheng.config.toml_lines import Place, lines_of

ROOT = Path(__file__).parents[2]


def places_of(node: Any, place: Place = ()) -> Iterator[Place]:
    """Every place of a document, as the parser gives it."""
    entries = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for step, below in entries:
        yield (*place, step)
        yield from places_of(below, (*place, step))


HARD = '''\
# [[site]] in a comment = 1
top = 1
a.b . "c.d" = "x" # not.a.key = 1
[[site]]
site_id = "a"   # [[site]]
list = [
  "one", # , ]
  """two
three = 3
[[site]]
""",
  [4, 5],
  { x = 1, y.z = 2024-06-01 00:00:00 },
]
[site.inner]
k = \'\'\'
[[site]]
\'\'\'

[[site]]
"site_id" = 'b = 1'
[[site.sub]]
n = +inf
[[site.sub]]
n = 1_000
[ "quoted \\u0041 table" . t ]
v = """"quoted" and \\""" and more"""""
w = ""
'''


def test_each_key_stands_in_its_line() -> None:
    lines = lines_of(HARD)
    assert set(lines) == set(places_of(tomllib.loads(HARD)))
    assert lines == {
        ("top",): 2,
        ("a",): 3,
        ("a", "b"): 3,
        ("a", "b", "c.d"): 3,
        ("site",): 4,
        ("site", 0): 4,
        ("site", 0, "site_id"): 5,
        ("site", 0, "list"): 6,
        ("site", 0, "list", 0): 7,
        ("site", 0, "list", 1): 8,
        ("site", 0, "list", 2): 12,
        ("site", 0, "list", 2, 0): 12,
        ("site", 0, "list", 2, 1): 12,
        ("site", 0, "list", 3): 13,
        ("site", 0, "list", 3, "x"): 13,
        ("site", 0, "list", 3, "y"): 13,
        ("site", 0, "list", 3, "y", "z"): 13,
        ("site", 0, "inner"): 15,
        ("site", 0, "inner", "k"): 16,
        ("site", 1): 20,
        ("site", 1, "site_id"): 21,
        ("site", 1, "sub"): 22,
        ("site", 1, "sub", 0): 22,
        ("site", 1, "sub", 0, "n"): 23,
        ("site", 1, "sub", 1): 24,
        ("site", 1, "sub", 1, "n"): 25,
        ("quoted A table",): 26,
        ("quoted A table", "t"): 26,
        ("quoted A table", "t", "v"): 27,
        ("quoted A table", "t", "w"): 28,
    }


def test_lines_may_end_as_windows_writes_them() -> None:
    assert lines_of(HARD.replace("\n", "\r\n")) == lines_of(HARD)


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "   \t\n\n"])
def test_what_states_nothing_has_no_lines(text) -> None:
    assert lines_of(text) == {}


FILES = [ROOT / "pyproject.toml", *sorted((ROOT / "config").rglob("*.toml")), *sorted((ROOT / "docs").rglob("*.toml"))]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_key_of_a_file_is_found_where_it_is_written(path) -> None:
    text = path.read_text(encoding="utf-8")
    lines = lines_of(text)
    assert set(lines) == set(places_of(tomllib.loads(text)))
    written = text.splitlines()
    assert all(str(place[-1]) in written[line - 1] for place, line in lines.items() if isinstance(place[-1], str))
