"""Words that a field engineer can neither guess nor grep for do not come back: docs/glossary.md has those to use."""

import re
from pathlib import Path

import pytest

from suanheng.config.fingerprints import FLOORS

ROOT = Path(__file__).parents[1]

INSTEAD = {
    r"(un)?told|tells?|telling": "state, cover, say, distinguish",
    r"lies?|lain|lying|lay": "is, is stored",
    r"take[sn]? in|taking in|took in|taken_in|take_in": "ingest",
    r"bindings?": "source",
    r"[Bb]ooks|[Mm]akings|made_with": "ledger, PlannedState, StagingInputs",
    r"[Ww]orkbench|laid_out_for_nobody|NOWHERE": "scratch database, empty_rollups",
    r"_?[Bb]erth|unload": "RawWriter, write",
    r"Ahead|surveying_ahead|computing_ahead": "PrefetchedSurvey, OrderedPool",
    r"(un)?tangled?|loose ends?|settled_series_hour|loose_samples": "interleaved series, boundary samples",
    r"[Ss]tandings?|Told": "status, coverage",
    r"[Tt]urns_of|Turns": "locks",
    r"[Dd]oubts?|[Gg]rounds(_hash)?": "input uncertainty, survey inputs",
}
"""Words, and what to say."""

FILES = sorted(
    path
    for place, patterns in {**dict.fromkeys(FLOORS, ("*.py", "*.sql")), "docs": ("*.md", "*.py")}.items()
    for pattern in patterns
    for path in (ROOT / place).rglob(pattern)
    if "decisions" not in path.parts and path.name not in {"glossary.md", "migrations.py", "upgrading.md"}
)


@pytest.mark.parametrize("words", INSTEAD)
def test_a_word_that_nobody_can_guess_does_not_come_back(words: str):
    pattern = re.compile(rf"(?<![\w./-])({words})(?![\w-])")
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in FILES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]
    assert not found, f"say {INSTEAD[words]} instead:\n" + "\n".join(found)


def test_every_noun_is_said_once():
    rows = re.findall(r"^\| ([^|]+) \|", (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8"), re.MULTILINE)
    nouns = [noun.strip() for row in rows if row.strip() not in {"word", "---"} for noun in row.split(",")]
    assert len(nouns) == len(set(nouns))
    assert len(nouns) > 60
