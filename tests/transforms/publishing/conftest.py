"""A centre that published a quarter, got a corrected bill, and published again; made once, never written to."""

import shutil
from pathlib import Path

import pytest

from tests.transforms.publishing.publications import MARCH, correct_a_bill, publish


@pytest.fixture(scope="package")
def restated(built_once, tmp_path_factory: pytest.TempPathFactory):
    """The centre, and its two publications: ``centre, first, second``."""
    root = tmp_path_factory.mktemp("restated") / "tiny"
    shutil.copytree(built_once.root, root)
    centre = type(built_once)(root)
    first = publish(centre, note="first quarter")
    correct_a_bill(centre)
    centre.night(MARCH)
    return centre, first, publish(centre, now=MARCH)


@pytest.fixture
def restated_copy(restated, tmp_path: Path):
    """A copy of that centre which a test may write to."""
    centre, *_ = restated
    shutil.copytree(centre.root, tmp_path / "tiny")
    return type(centre)(tmp_path / "tiny")
