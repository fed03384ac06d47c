# ruff: noqa: T201 - what it prints is its result
"""Follow one row of nvidia-smi from its reader to its first page: functions it passes, changes of folder and floor.

``python -m tests.trace_row`` delivers one sample to a new workspace and runs ``suanheng nightly`` on it in this
process, with Prefect and all. To count an earlier state of the product, was stored this file into the ``tests/`` of its
checkout.

How it is counted, between the first call of the reader and the first call of what writes the page:

- A **function** is one of the product's that is entered at least once, in whatever thread, and however often. Lambdas
  count; comprehensions and what a module does while it is imported do not. SQL and compiled code are not seen.
- A **change of folder** is a function that is entered for the first time from a function of another folder, what is
  not the product's (a context manager, a thread pool) left out between them. A **change of floor** is one from
  another of the five folders that install as the package.
"""

import io
import os
import pkgutil
import sys
import tempfile
import threading
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from suanheng import config, flows, schemas, transforms, warehouse

FLOORS = (config, schemas, warehouse, transforms, flows)
ROOT = Path(config.__path__[0]).parent
READER = "flows/sources/nvidia_smi.py"
PAGE = "flows/reports/scorecard_html.py"
NO_FUNCTIONS = {"<module>", "<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"}

SITE = """\
[[site]]
site_id = "site"
name_en = "One sample"
name_zh = "一行数据"
time_zone = "Asia/Shanghai"
region_code = "CN-HE"
country = "CN"
commissioned_on = 2024-01-01
"""
SOURCE = """\
[[source]]
format = "nvidia_smi"
files = "landing/{site}/*.csv"
evidence = "measured"
time_zone = "Asia/Shanghai"
"""
ROW = """\
timestamp, index, name, uuid, memory.used [MiB], utilization.gpu [%], power.draw [W]
2024/06/01 12:00:00.250, 0, NVIDIA A100-SXM4-80GB, GPU-11111111-2222-3333-4444-555555555555, 1000 MiB, 87 %, 312.25 W
"""


@dataclass(frozen=True)
class Entered:
    """A function that was entered.

    Attributes:
        name: its name within its module.
        folder: folder of its module.
        from_folder: folder of the function that entered it first; ``None`` where it begins a thread.
    """

    name: str
    folder: str
    from_folder: str | None

    @property
    def changes_folder(self) -> bool:
        """Whether it was entered from another folder."""
        return self.from_folder not in (None, self.folder)

    @property
    def changes_floor(self) -> bool:
        """Whether it was entered from another of the five folders of the package."""
        return self.from_folder is not None and self.from_folder.split("/")[0] != self.folder.split("/")[0]


@dataclass
class Trace:
    """A profile function that notes what is entered between the first calls of two modules.

    Attributes:
        begins: module with whose first call it begins, as a path from the root.
        ends: module with whose first call it ends; that call is noted as the last.
        entered: what was entered, in the order of the first time.
    """

    begins: str
    ends: str
    entered: dict[CodeType, Entered] = field(default_factory=dict)
    is_over: bool = False

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        """Take note of an event of the interpreter."""
        code = frame.f_code
        if event != "call" or self.is_over or code in self.entered or code.co_name in NO_FUNCTIONS:
            return
        path = _path_in_product(code.co_filename)
        if path is None or not (self.entered or path == self.begins):
            return
        self.entered[code] = Entered(code.co_qualname, _folder(path), _folder_of_caller(frame))
        self.is_over = path == self.ends


@cache
def _path_in_product(filename: str) -> str | None:
    path = Path(filename)
    is_ours = any(path.is_relative_to(floor.__path__[0]) for floor in FLOORS)
    return path.relative_to(ROOT).as_posix() if is_ours else None


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _folder_of_caller(frame: FrameType) -> str | None:
    caller = frame.f_back
    while caller is not None:
        if path := _path_in_product(caller.f_code.co_filename):
            return _folder(path)
        caller = caller.f_back
    return None


def write_workspace(root: Path) -> None:
    """Write the settings of one site, and its one row."""
    (root / "landing/site").mkdir(parents=True)
    (root / "suanheng.toml").touch()
    (root / "sites.toml").write_text(SITE, encoding="utf-8")
    (root / "sources.toml").write_text(SOURCE, encoding="utf-8")
    (root / "landing/site/nvidia-smi.csv").write_text(ROW, encoding="utf-8")


def traced_night(root: Path) -> Trace:
    """Run a night on a workspace and trace it.

    Raises:
        RuntimeError: the night failed, or what it did was not what was to be traced.
    """
    for floor in FLOORS:
        for module in pkgutil.walk_packages(floor.__path__, f"{floor.__name__}."):
            import_module(module.name)
    from suanheng.flows.commands import app

    trace = Trace(READER, PAGE)
    said = io.StringIO()
    threading.setprofile(trace)
    sys.setprofile(trace)
    try:
        with redirect_stdout(said):
            app(["nightly", "--workspace", str(root), "--json"], standalone_mode=False)
    except SystemExit as end:
        if end.code:
            raise RuntimeError(f"The night ended with {end.code}: {said.getvalue()}") from None
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    if not trace.is_over:
        raise RuntimeError(f"No call of {READER} and then of {PAGE} was seen in the night: {said.getvalue()}")
    return trace


def main() -> None:
    """Print every change of folder, in order, and how many there are of what."""
    with tempfile.TemporaryDirectory(prefix="suanheng-trace-") as place:
        os.environ["PREFECT_HOME"] = str(Path(place) / "prefect")
        os.environ["PREFECT_LOGGING_LEVEL"] = "ERROR"
        workspace = Path(place) / "workspace"
        write_workspace(workspace)
        entered = list(traced_night(workspace).entered.values())
    changes = [one for one in entered if one.changes_folder]
    for one in changes:
        print(f"{one.from_folder} -> {one.folder}: {one.name}")
    floors = sum(one.changes_floor for one in changes)
    print(f"{len(entered)} functions, {len(changes)} changes of folder, {floors} of them of floor")


if __name__ == "__main__":
    main()
