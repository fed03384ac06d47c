"""Readers in processes of their own, and the correction that makes a built workspace stale."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

READER = Path(__file__).with_name("reader.py")


@pytest.fixture
def correct_a_bill() -> Callable[[Any], Path]:
    """``correct_a_bill(centre)`` replaces the bill of January, 1310 kWh, by one of 1500 kWh: both quarters go stale."""

    def correct(centre: Any) -> Path:
        electricity, water = centre.rows("utility_bills", "2023-01")
        return centre.write("utility_bills", "2023-01", [{**electricity, "energy_kwh": 1500}, water])

    return correct


@pytest.fixture
def watched(tmp_path: Path) -> Callable[..., Any]:
    """``with watched(centre, readers=1) as looks:`` reads all the while; afterwards ``looks`` is what was seen."""

    @contextmanager
    def watch(centre: Any, readers: int = 1) -> Iterator[list[dict[str, Any]]]:
        stop, looks = tmp_path / "stop", []
        command = [sys.executable, str(READER), str(centre.root), str(stop)]
        processes = [
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(readers)
        ]
        for process in processes:
            looks.append(json.loads(process.stdout.readline()))
        try:
            yield looks
        finally:
            stop.touch()
            for process in processes:
                output, errors = process.communicate(timeout=60)
                assert process.returncode == 0, errors
                looks += [json.loads(line) for line in output.splitlines()]

    return watch
