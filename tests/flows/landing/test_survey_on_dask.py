"""Surveys by Dask workers, real processes on loopback: one is killed in mid-run, and nothing comes out otherwise.

The last row of the file is wrong, and one is stated twice, so that the quarantine has something to compare.
"""

import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import psutil
import pytest

from suanheng.config.errors import BadSettings
from suanheng.flows.landing import in_place, survey_on_dask
from suanheng.flows.landing.in_place import NotSurveyed
from suanheng.transforms.telemetry import survey
from suanheng.transforms.telemetry.quarter_sums import survey_code
from suanheng.transforms.telemetry.survey_batch import SurveyInputs

PARTS = 20
ROWS_OF_PART = 600
STAGES = ("raw", "staged", "quarantine", "rollups", "indicators", "scorecards")
DIES = Path(__file__).with_name("dies_at_its_second_part.py")
PATIENCE_S = 60
JULY = datetime(2023, 7, 15, tzinfo=UTC)


@dataclass
class Process:
    """A scheduler or a worker, and what it says."""

    process: subprocess.Popen[bytes]
    log: Path

    def wait_for(self, pattern: str) -> str:
        """Wait until it says something; the first group of the pattern."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            said = self.log.read_text(encoding="utf-8")
            if found := re.search(pattern, said):
                return found[1]
            assert self.process.poll() is None, said
            time.sleep(0.05)
        raise TimeoutError(self.log.read_text(encoding="utf-8"))


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """Starts a part of a cluster on loopback: ``start("scheduler", "--port", "0")``."""
    started: list[Process] = []

    def begin(part: str, *options: str | Path) -> Process:
        log = tmp_path / f"{part}-{len(started)}.txt"
        loopback = ("--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0")
        with log.open("wb") as said:
            command = [sys.executable, "-m", "dask", part, *map(str, options), *loopback]
            process = subprocess.Popen(command, stdout=said, stderr=said, cwd=tmp_path)
        started.append(Process(process, log))
        return started[-1]

    yield begin
    for one in started:
        one.process.kill()
        one.process.wait()


def start_worker(start: Callable[..., Process], address: str, *options: str | Path) -> Process:
    return start("worker", address, "--no-nanny", "--nthreads", "1", *options)


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of 12,000 rows counts as large and has 20 parts."""
    monkeypatch.setattr(in_place, "LARGE_ROWS", 2000)
    monkeypatch.setattr(survey, "PART_ROWS", ROWS_OF_PART)


def samples() -> pl.DataFrame:
    """Four devices, each 3000 samples of 15 s on 20 June 2023, so that devices reach over the ends of parts."""
    chance = np.random.default_rng(5)
    devices, count = 4, PARTS * ROWS_OF_PART // 4
    power_w = chance.integers(100, 700, (devices, count)).astype(float)
    rows = pl.DataFrame(
        {
            "node_id": ["node-1"] * (devices * count),
            "device_id": np.repeat([f"gpu-{number}" for number in range(devices)], count),
            "sku": ["A100 SXM 80GB"] * (devices * count),
            "sampled_at_utc": [datetime(2023, 6, 20) + timedelta(seconds=15 * number) for number in range(count)]
            * devices,
            "utilisation_ratio": chance.random(devices * count),
            "power_w": power_w.ravel(),
            "energy_counter_j": (power_w.cumsum(axis=1) * 15).ravel(),
        },
        schema_overrides={"sampled_at_utc": pl.Datetime("us")},
    )
    broken = rows[-1].with_columns(utilisation_ratio=pl.lit(1.5))
    return pl.concat([rows[:-2], rows[-3], broken])


@pytest.fixture
def two_centres(new_centre):
    """Two workspaces with the same file of 20 parts."""
    return new_centre("here"), new_centre("there")


@pytest.fixture
def new_centre(tiny_workspace, tmp_path):
    """Makes workspaces that hold a file of 20 parts and nothing else."""

    def make(name: str, settings: str = ""):
        centre = type(tiny_workspace)(tmp_path / name)
        path = centre.path("accelerator_samples", "large").with_suffix(".parquet")
        path.parent.mkdir(parents=True)
        samples().write_parquet(path, row_group_size=ROWS_OF_PART)
        for settings_file in ("sites.toml", "sources.toml"):
            shutil.copy(tiny_workspace.root / settings_file, centre.root)
        (centre.root / "suanheng.toml").write_text(settings, encoding="utf-8")
        return centre

    return make


def listening(process: Process) -> set[str]:
    """Addresses on which a process listens."""
    found = psutil.Process(process.process.pid).net_connections()
    return {connection.laddr.ip for connection in found if connection.status == psutil.CONN_LISTEN}


@pytest.mark.long
def test_a_worker_that_is_killed_changes_nothing(two_centres, small_parts, start):
    here, there = two_centres
    scheduler = start("scheduler", "--port", "0")
    address = scheduler.wait_for(r"Scheduler at: +(tcp://127\.0\.0\.1:\d+)")
    doomed = start_worker(start, address, "--preload", DIES)
    survivor = start_worker(start, address)
    for worker in (doomed, survivor):
        worker.wait_for(r"(Registered to)")
    assert listening(scheduler) == listening(doomed) == listening(survivor) == {"127.0.0.1"}
    (there.root / "suanheng.toml").write_text(f'[workers]\ndask = "{address}"\n', encoding="utf-8")

    for centre in two_centres:
        outcome = centre.night(JULY)
        assert outcome.built == ["tiny 2023Q2"]
        assert not outcome.failures

    assert doomed.process.wait(PATIENCE_S) == -signal.SIGKILL
    assert survivor.process.poll() is None
    assert there.digests(*STAGES) == here.digests(*STAGES)
    adopted = "SELECT rows_accepted, rows_quarantined FROM ops.files WHERE is_adopted"
    assert there.ask(adopted).rows() == here.ask(adopted).rows() == [(PARTS * ROWS_OF_PART - 1, 1)]
    assert there.value("SELECT count(*) FROM quarantine.records WHERE stage = 'staged' AND rule = 'duplicate_key'") == 1


def test_without_a_scheduler_large_files_wait(new_centre, small_parts, monkeypatch):
    monkeypatch.setattr(survey_on_dask, "PATIENCE_S", 1)
    with socket.socket() as taken:
        # Bound and not listening: nobody answers there, and nobody else comes to listen.
        taken.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        centre = new_centre("alone", f'[workers]\ndask = "{address}"\n')
        (problem,) = centre.night(JULY).failures.values()
    assert re.match(f"NotSurveyed: No Dask scheduler answers at {address}, which suanheng.toml names", problem)
    assert centre.value("SELECT count(*) FROM ops.files") == 0


def test_a_worker_that_does_not_see_the_file_says_so(tmp_path, monkeypatch):
    path = tmp_path / "day.parquet"
    samples().write_parquet(path)
    monkeypatch.setattr(survey_on_dask, "get_worker", lambda: SimpleNamespace(address="tcp://192.0.2.7:40000"))
    (part,) = survey.parts(path)
    task = survey_on_dask.Task("one", part, SurveyInputs({}, 20_000.0, 0), path.stat().st_size, 0, survey_code())
    assert survey_on_dask.survey_there(task).rows == PARTS * ROWS_OF_PART

    with pytest.raises(NotSurveyed, match=r"tcp://192\.0\.2\.7:40000 has another version of suanheng"):
        survey_on_dask.survey_there(replace(task, code="older"))
    with pytest.raises(NotSurveyed, match=rf"worker tcp://192\.0\.2\.7:40000 finds a file of .* bytes at {path}"):
        survey_on_dask.survey_there(replace(task, size=1))
    path.unlink()
    with pytest.raises(NotSurveyed, match=rf"worker tcp://192\.0\.2\.7:40000 finds no file at {path}"):
        survey_on_dask.survey_there(task)


def test_an_address_that_cannot_be_one(new_centre):
    with pytest.raises(
        BadSettings, match=r"workers\.dask: expected the address of a Dask scheduler, but got .localhost"
    ):
        new_centre("misnamed", '[workers]\ndask = "localhost"\n').workspace  # noqa: B018
