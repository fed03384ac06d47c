"""Says on what was measured: processor, memory, versions. No names of machines, no paths."""

import json
import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

OURS = ("duckdb", "numba", "polars", "prefect", "pyarrow")
PEERS = ("dbt-core", "dbt-duckdb", "duckdb", "pandas", "pandera", "polars", "pyarrow", "pyspark")
ASK = "import importlib.metadata as m, json, sys; print(json.dumps({n: m.version(n) for n in sys.argv[1:]}))"


def description(peers_python: Path) -> dict[str, Any]:
    """The machine, our versions and those of the peers; empty where they are not installed."""
    answer = subprocess.run([peers_python, "-c", ASK, *PEERS], capture_output=True, text=True, check=False)
    return {
        "processor": _stated("/proc/cpuinfo", "model name") or platform.machine(),
        "processors": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: version(name) for name in OURS},
        "versions_of_peers": json.loads(answer.stdout) if answer.returncode == 0 else {},
    }


def _stated(file: str, key: str) -> str | None:
    lines = Path(file).read_text(encoding="utf-8").splitlines() if Path(file).exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), None)
