"""Public data that is beside the repository, and the same way into the warehouse as for the look-alikes."""

from pathlib import Path

import pytest

from tests.flows.sources.conftest import feed, gated, rolled, staged  # noqa: F401 - fixtures
from tests.transforms.conftest import build_energy, reference_facts, warehouse  # noqa: F401 - fixtures

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def public_data() -> Path:
    """Folder of the public data; tests that ask for it are skipped where it is absent."""
    folder = ROOT / ".." / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"public data is not at {folder}")
    return folder
