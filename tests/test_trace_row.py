"""The trace of a row counts what it says, on calls that are invented here."""

import sys
from collections.abc import Callable
from typing import Any

from tests.trace_row import ROOT, Trace


def _as_if_in(path: str, source: str, **known: Callable[..., Any]) -> dict[str, Any]:
    """What a source defines, as if it stood at a path of the product."""
    names: dict[str, Any] = dict(known)
    exec(compile(source, str(ROOT / path), "exec"), names)
    return names


def test_what_is_entered_between_reader_and_page_is_counted_once() -> None:
    lake = _as_if_in("warehouse/lake.py", "def insert(): pass\ndef unit(work): return work()")
    page = _as_if_in("flows/reports/scorecard_html.py", "def write():\n    styled()\ndef styled(): pass")
    reader = _as_if_in("flows/sources/nvidia_smi.py", "def read():\n    return [cell(text) for text in 'ab']")
    reader["cell"] = _as_if_in("flows/sources/reading/cells.py", "def cell(text): pass")["cell"]
    night = _as_if_in(
        "flows/night.py",
        "def night():\n    insert()\n    read()\n    insert()\n    unit(lambda: insert())\n"
        "    sorted([1], key=first)\n    write()\ndef first(_): pass",
        insert=lake["insert"],
        unit=lake["unit"],
        read=reader["read"],
        write=page["write"],
    )["night"]
    trace = Trace("flows/sources/nvidia_smi.py", "flows/reports/scorecard_html.py")
    sys.setprofile(trace)
    try:
        night()
    finally:
        sys.setprofile(None)
    assert [(one.name, one.from_folder, one.folder) for one in trace.entered.values()] == [
        ("read", "flows", "flows/sources"),
        ("cell", "flows/sources", "flows/sources/reading"),
        ("insert", "flows", "warehouse"),
        ("unit", "flows", "warehouse"),
        ("night.<locals>.<lambda>", "warehouse", "flows"),
        ("first", "flows", "flows"),
        ("write", "flows", "flows/reports"),
    ]
    assert trace.is_over
    assert sum(one.changes_folder for one in trace.entered.values()) == 6
    assert sum(one.changes_floor for one in trace.entered.values()) == 3
