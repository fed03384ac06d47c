"""Runs a program in a fresh process and measures it with all its children: seconds, CPU seconds, peak memory."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, sleep
from typing import NamedTuple

PERIOD_S = 0.05
"""How often the processes are looked at."""

PATIENCE_S = 1800
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Measured:
    """What a program took.

    Attributes:
        wall_s: seconds from start to end.
        cpu_s: processor seconds of the program and its children.
        peak_bytes: highest resident memory of all of them together, mapped files included.
        problem: the last line it complained with, where it failed.
    """

    wall_s: float
    cpu_s: float
    peak_bytes: int
    problem: str | None


def measured(command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> Measured:
    """Run a program to its end and measure it. One that takes longer than half an hour is ended."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
        started = perf_counter()
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
        peak_bytes, cpu_s = 0, dict[int, float]()
        while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
            seen = _processes(process.pid)
            peak_bytes = max(peak_bytes, sum(look.resident_bytes for look in seen), *(look.peak_bytes for look in seen))
            cpu_s.update({look.pid: look.cpu_s for look in seen})
            if perf_counter() - started > PATIENCE_S:
                os.killpg(process.pid, signal.SIGKILL)
            sleep(PERIOD_S)
        wall_s = perf_counter() - started
        _, status, usage = ended
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        complaint = [line.strip() for line in said if line.strip()] or [f"ended with {process.returncode}"]
    return Measured(
        wall_s,
        max(usage.ru_utime + usage.ru_stime, sum(cpu_s.values())),
        peak_bytes,
        complaint[-1] if process.returncode else None,
    )


class _Look(NamedTuple):
    """One look at one process."""

    pid: int
    cpu_s: float
    resident_bytes: int
    peak_bytes: int


def _processes(session: int) -> list[_Look]:
    """The processes of a session, as Linux covers them."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            if int(fields[3]) != session:
                continue
            lines = (folder / "status").read_text(encoding="utf-8", errors="replace").splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue
        status = dict(line.split(":", 1) for line in lines)
        resident, peak = (int(status.get(name, "0 kB").split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))
        found.append(_Look(int(folder.name), (int(fields[11]) + int(fields[12])) / TICKS_PER_S, resident, peak))
    return found
