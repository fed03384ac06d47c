"""The demo as a workspace, generated and built once for all tests that look at its figures.

A plugin: ``tests/conftest.py`` makes its fixture known with ``from tests.demo_workspace import demo_workspace``.
"""

import os
import shutil
from datetime import UTC, datetime

import pytest
from filelock import FileLock

from suanheng.config.workspace import Workspace, open_workspace
from suanheng.flows import night
from suanheng.flows.commands.prepare import SETTINGS
from suanheng.flows.demo import generate
from suanheng.flows.orchestration.steps import Steps

NOW = datetime(2024, 6, 1, tzinfo=UTC)
"""The present: every period of the demo is over, and every claim of green power is cancelled that ever will be."""


@pytest.fixture(scope="session")
def demo_workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The three fictitious centres after a night, shared by all workers. To be read, never changed."""
    shared = tmp_path_factory.getbasetemp()
    shared = shared.parent if os.environ.get("PYTEST_XDIST_WORKER") else shared
    root = shared / "demo"
    with FileLock(shared / "demo.lock"):
        if not (root / "ready").exists():
            shutil.rmtree(root, ignore_errors=True)
            generate(root)
            (root / "suanheng.toml").write_text(SETTINGS, encoding="utf-8")
            outcome = night.night(open_workspace(root), Steps(), NOW, write_reports=False)
            assert not outcome.failures, outcome.failures
            (root / "ready").touch()
    return open_workspace(root)
