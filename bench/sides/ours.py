"""Our whole path: a night over a workspace. What it found is in the workspace's own quarantine and rollups."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import job

from suanheng.config.workspace import open_workspace
from suanheng.flows.night import night as run_night
from suanheng.flows.orchestration.steps import Steps

NOW = datetime(2024, 5, 1, tzinfo=UTC)
"""The present: the quarter of the samples is over."""


def night(workspace: Path, _: Path) -> dict[str, int]:
    # As for a user: pandera imports hypothesis, which only developers have, wherever it is installed.
    sys.modules["hypothesis"] = None  # type: ignore[assignment]
    outcome = run_night(open_workspace(workspace), Steps(), NOW, write_reports=False)
    problems = [landing.problem for landing in outcome.landings if landing.problem] + list(outcome.failures.values())
    if problems:
        raise SystemExit("; ".join(problems))
    return {}


if __name__ == "__main__":
    job.run(night)
