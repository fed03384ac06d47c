"""Promise 3: kill the process at any moment, run again: the warehouse equals that of an undisturbed run.

The long form, with a hundred moments: ``make crashes``.
"""

import random
import shutil
import signal
from pathlib import Path

import pytest

from tests.conftest import Centre
from tests.promises.crashes import LATER, NOW, before_the_first_night, run, start
from tests.promises.doomed_run import Death
from tests.promises.held import held


def deaths(seed: int) -> list[Death]:
    """Five in one life: while files land, while they are staged, in a build, in its commit, and amid the pages."""
    chance = random.Random(seed)
    return [
        Death("ingest", chance.randint(2, 4), str(chance.randint(1, 4))),
        Death("stage", chance.randint(2, 4), str(chance.randint(1, 8))),
        Death("build", 1, str(chance.randint(20, 150))),
        Death("build", 1, "commit"),
        Death("compare", 1, "1"),
    ]


IN_A_COMMIT = deaths(1)[3:4]


@pytest.mark.parametrize(
    "in_one_life",
    [
        pytest.param(IN_A_COMMIT, id="killed in a commit"),
        pytest.param(deaths(1), id="killed five times", marks=pytest.mark.long),
    ],
)
def test_crash_equivalence_a_killed_night_ends_as_an_undisturbed_one(tmp_path: Path, in_one_life: list[Death]) -> None:
    killed, undisturbed = (Centre(tmp_path / name) for name in ("killed", "undisturbed"))
    before_the_first_night(killed.root)
    shutil.copytree(killed.root, undisturbed.root)
    before = held(killed.workspace)
    run(undisturbed, "nightly", NOW)
    after = held(undisturbed.workspace)

    for death in in_one_life:
        process = start(killed, "nightly", NOW, death)
        _, errors = process.communicate(timeout=300)
        assert process.returncode == -signal.SIGKILL, (death, errors)
        assert held(killed.workspace).torn(before, after) == [], death
    run(killed, "nightly", LATER)

    assert held(killed.workspace).differing(after) == []
    assert "scorecards.composites" in after.tables and "tiny/2023Q1.json" in after.pages
    assert killed.night().changed_nothing
