"""The bench of nights on the routes that centres use, with two accelerators and two days."""

from datetime import timedelta
from pathlib import Path

import pytest
import routes

from suanheng.config.workspace import open_workspace
from suanheng.flows import night
from suanheng.flows.orchestration.steps import Steps


@pytest.mark.long
@pytest.mark.parametrize("route", routes.ROUTES.values(), ids=lambda route: route.name)
def test_every_night_brings_its_day(route: routes.Route) -> None:
    found = list(routes.nights(route, days=2, devices=2))
    assert [night.day for night in found] == [0, 1, 2]
    assert all(night.cpu_s > 0 and night.peak_mib > 0 and night.catalogue_mib > 0 for night in found)


@pytest.mark.parametrize("route", routes.ROUTES.values(), ids=lambda route: route.name)
def test_a_day_is_read_whole(route: routes.Route, tmp_path: Path) -> None:
    (tmp_path / routes.LANDING).mkdir(parents=True)
    (tmp_path / "suanheng.toml").touch()
    (tmp_path / "sites.toml").write_text(routes.SITE, encoding="utf-8")
    (tmp_path / "sources.toml").write_text(route.source, encoding="utf-8")
    route.deliver(tmp_path, routes.FIRST_DAY, 2)
    outcome = night.ingest(open_workspace(tmp_path), Steps(), routes.FIRST_DAY + timedelta(days=2))
    # Of two accelerators: a sample a minute in one file, or one every five minutes in a file each.
    samples = {"prometheus": 2 * 1440, "csv": 2 * 288}[route.name]
    (staged,) = [part for part in outcome.stagings if part.dataset == "accelerator_samples"]
    assert (outcome.failures, staged.rows_staged, staged.rows_quarantined) == ({}, samples, 0)
