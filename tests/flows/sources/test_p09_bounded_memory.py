"""No reader holds more than its documented amount, whatever the size of the file (pain 9)."""

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

PROGRAM = Path(__file__).with_name("peak_memory.py")
RECORDS = 210_000
"""Of the smaller file: more than two chunks, so that the reader has let go of one."""

SLACK = 1.15
"""How much more a file of four times the size may take. What is held whole would take four times as much."""


class Kind(NamedTuple):
    """A format, what its source says, the head of a file and one record by its number."""

    format: str
    options: dict[str, Any]
    head: str
    record: Callable[[int], str]


def bill(number: int) -> str:
    invoice = f"发票{number:08}" + "页" * 180
    return f"{invoice},电表-{number % 5000:06},electricity,2023-01-01,2023-02-01,{number % 90_000}.25,{number}\n"


def job(number: int) -> str:
    return (
        f"{number}|tern|gpu|research|user{number % 500}|2024-01-10T08:00:00|2024-01-10T08:00:01|2024-01-10T09:00:00|"
        f"01:00:00|COMPLETED|1|64|billing=64,cpu=64,gres/gpu=8,mem=512G,node=1|node{number % 900:04}|train {number}\n"
    )


KINDS = [
    Kind("template", {"dataset": "utility_bills"}, "发票号,户号,能源品种,起始日期,截止日期,电量,金额\n", bill),
    Kind(
        "sacct",
        {},
        "JobIDRaw|Cluster|Partition|Account|User|Submit|Start|End|Elapsed|State|NNodes|NCPUs|AllocTRES|NodeList|JobName\n",
        job,
    ),
]


def written(kind: Kind, path: Path, records: int) -> int:
    """Write a compressed file; its size when unpacked."""
    size = 0
    with gzip.open(path, "wt", encoding="utf-8", compresslevel=1) as file:
        for part in _parts(kind, records):
            file.write(part)
            size += len(part.encode())
    return size


def _parts(kind: Kind, records: int) -> Iterator[str]:
    yield kind.head
    for start in range(0, records, 10_000):
        yield "".join(map(kind.record, range(start, min(start + 10_000, records))))


def measured(kind: Kind, path: Path) -> dict[str, float]:
    command = [sys.executable, str(PROGRAM), kind.format, str(path), json.dumps(kind.options)]
    # One thread: the pools of more would hold more, and how much depends on the machine.
    environment = {**os.environ, "POLARS_MAX_THREADS": "1"}
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


@pytest.mark.parametrize(
    "kind",
    [pytest.param(kind, id=kind.format, marks=[pytest.mark.long] * (kind.format == "template")) for kind in KINDS],
)
def test_p09_four_times_the_file_takes_no_more_memory(kind: Kind, tmp_path: Path) -> None:
    peaks = []
    for times in (1, 4):
        path = tmp_path / f"{times}.csv.gz"
        written(kind, path, times * RECORDS)
        result = measured(kind, path)
        assert result["records"] == times * RECORDS
        peaks.append(result["peak_mib"])
        path.unlink()
    assert peaks[1] < peaks[0] * SLACK
