"""Every silent trap and pain of the field that this project promises to withstand has a test that bears its number."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
TRAPS = [f"t{number:02}" for number in range(1, 21)]
PAINS = [f"p{number:02}" for number in (1, 2, 3, 8, 9, 10, 11, 12, 13, 16, 17, 18)]
NAMED = {
    name
    for path in TESTS.rglob("test_*.py")
    for name in re.findall(r"^\s*def test_([tp]\d\d)_", path.read_text(encoding="utf-8"), re.MULTILINE)
}


@pytest.mark.parametrize("trap", [*TRAPS, *PAINS])
def test_a_trap_has_a_test_of_its_name(trap: str) -> None:
    assert trap in NAMED, f"no test is named test_{trap}_…"
