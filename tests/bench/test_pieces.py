"""The pieces of a night, small: each is measured, and the tables hold a row per device and hour."""

from pathlib import Path

import pieces
import pytest
import workspaces
from telemetry_day import write_day

from suanheng.config.workspace import open_workspace
from suanheng.flows import night
from suanheng.flows.landing import in_place
from suanheng.flows.orchestration.steps import Steps


@pytest.mark.long
def test_every_piece_is_within_the_night(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_place, "LARGE_ROWS", 1000)
    prepared = tmp_path / "prepared"
    workspaces.prepare(prepared)
    night.night(open_workspace(prepared), Steps(), pieces.NOW, write_reports=False)

    took, sizes = pieces.one_round([write_day(tmp_path, 0, 5, seed=7)], prepared, tmp_path / "workspace")

    assert set(took) == {"night", "ingest", "stage", "build", "hash of the content", "survey, one thread"}
    assert took["night"][0] >= sum(took[piece][0] for piece in ("ingest", "stage", "build"))
    assert sizes["rollups.device_hour"][0] == 5 * 24
    assert all(size > 0 for _, size in sizes.values())
