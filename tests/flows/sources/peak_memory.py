"""Read a file through reader and gate and print the most memory that took: ``peak_memory.py FORMAT PATH OPTIONS``.

Prints one JSON object: records read, and the peak of the resident set in MiB.
"""

import importlib
import json
import resource
import sys
from pathlib import Path

from suanheng.schemas.checking.records import check
from suanheng.schemas.formats import raw_tables

LIMIT_BYTES = 2 * 2**30


def main(format: str, path: str, options: str) -> None:
    # Whatever a reader asks for beyond this is refused by the system: the process ends with a MemoryError.
    resource.setrlimit(resource.RLIMIT_DATA, (LIMIT_BYTES, LIMIT_BYTES))
    stated = json.loads(options)
    table = f"template_{stated['dataset']}" if format == "template" else format
    records = 0
    for chunk in importlib.import_module(f"suanheng.flows.sources.{format}").read(Path(path), stated):
        checked = check(chunk, raw_tables()[table].contract, "UTC")
        records += checked.accepted.height + checked.rejected.height
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"records": records, "peak_mib": peak}))  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
