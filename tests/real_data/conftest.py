"""Public data that is beside the repository, and the same way into the warehouse as for the look-alikes."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

_spec = importlib.util.spec_from_file_location("source_fixtures", ROOT / "tests" / "sources" / "conftest.py")
assert _spec is not None and _spec.loader is not None
_fixtures = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_fixtures)

gated = _fixtures.gated
feed = _fixtures.feed
staged = _fixtures.staged
rolled = _fixtures.rolled


@pytest.fixture(scope="session")
def public_data() -> Path:
    """Folder of the public data; tests that ask for it are skipped where it is absent."""
    folder = ROOT / ".." / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"public data is not at {folder}")
    return folder
