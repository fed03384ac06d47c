"""Fingerprints: which state of the code a result was made by, so that what a mended module made is made again.

Every module of the package belongs to exactly one fingerprint, by the room it stands in, or to the rooms that cannot
change a number. A result rests on some fingerprints; where their hash differs from the one that was noted with it, the
result is made again. For example, ``flows/sources/sacct.py`` and ``schemas/raw/sacct.py`` are ``format sacct``: a
change in either has files of that format read again, and no others.
"""

import ast
import hashlib
from collections.abc import Iterable, Mapping
from functools import cache, cached_property
from pathlib import Path, PurePosixPath

FLOORS = ("config", "schemas", "warehouse", "transforms", "flows")
"""Folders of the package, each of which imports only those before it."""

ROOMS: dict[str, str | None] = {
    # What settings say is hashed itself, value by value.
    "config/*.py": None,
    "schemas/raw/__init__.py": "contracts",
    "schemas/datasets/__init__.py": "contracts",
    "schemas/raw/*.py": "format {stem}",
    "schemas/datasets/*.py": "dataset {stem}",
    "schemas/tables/*.py": "tables",
    "schemas/checking/*.py": "contracts",
    "schemas/*.py": "contracts",
    "warehouse/adoption.py": "landing",
    # Who writes when, what is begun early, which states are forgotten, how one is let in, and words: no row is touched.
    "warehouse/errors.py": None,
    "warehouse/locks.py": None,
    "warehouse/ordered_pool.py": None,
    "warehouse/retention.py": None,
    "warehouse/server.py": None,
    "warehouse/storage.py": None,
    "warehouse/*.py": "storing",
    # These ask about numbers, compare and copy them; the changes of scores alone are kept with each quarter.
    "transforms/analysis/score_changes.py": "scoring",
    "transforms/analysis/*.py": None,
    "transforms/publishing/*.py": None,
    "transforms/definitions/*.py": "definitions",
    "transforms/staging/*.py": "staging",
    "transforms/telemetry/*.py": "telemetry",
    "transforms/building/*.py": "building",
    "transforms/scoring/*.py": "scoring",
    "transforms/*.py": "building",
    "flows/sources/reading/__init__.py": "landing",
    "flows/sources/reading/*.py": "reading {stem}",
    "flows/sources/__init__.py": "landing",
    "flows/sources/*.py": "format {stem}",
    # What a server answers, and what the demo makes up, is in files, which are hashed as any others.
    "flows/landing/pull.py": None,
    "flows/demo/*.py": None,
    "flows/landing/*.py": "landing",
    # These run in an order what is done elsewhere, look, and show.
    "flows/orchestration/*.py": None,
    "flows/status/*.py": None,
    "flows/reports/*.py": None,
    "flows/commands/*.py": None,
    "flows/*.py": None,
}
"""Fingerprint of a module, by the first pattern that fits its path; none for one that cannot change a number."""

_FOLLOWED = ("format ", "reading ", "dataset ")
"""Fingerprints of single modules: what rests on one of them rests on those that it imports, too."""


class Fingerprints:
    """Fingerprints of a state of the code.

    Args:
        modules: content of each module, by its path from the package, e.g. ``transforms/scoring/judge.py``.
    """

    def __init__(self, modules: Mapping[str, bytes]) -> None:
        self._modules = dict(sorted(modules.items()))

    @cached_property
    def names(self) -> dict[str, str | None]:
        """Fingerprint of each module; none for one that cannot change a number.

        Raises:
            LookupError: a module is in no room that is known.
        """
        return {path: _fingerprint_of(path) for path in self._modules}

    @cache  # noqa: B019 - there is one object per process, beside those that tests make
    def hash_of(self, *names: str) -> str:
        """SHA-256 of every module of some fingerprints, and of those that single modules among them import.

        Raises:
            LookupError: there is no such fingerprint.
        """
        if unknown := set(names) - set(self.names.values()):
            raise LookupError(f"There is no fingerprint {', '.join(sorted(unknown))}. Known: {self._known()}.")
        return self._digest(self._modules_of(names))

    def everything(self) -> str:
        """SHA-256 of every module that can change a number."""
        return self._digest(path for path, name in self.names.items() if name)

    def of_reading(self, format_name: str, dataset: str | None = None) -> str:
        """Hash of the code that turns a file into raw rows: its reader and contract, the landing, the checks.

        Args:
            format_name: name of the format; ``template`` for our own.
            dataset: module of ``schemas/datasets`` that holds the contract of the rows of a template.
        """
        of_rows = () if dataset is None else (f"dataset {dataset}",)
        return self.hash_of(f"format {format_name}", *of_rows, "landing", "contracts", "storing")

    def of_staging(self, dataset: str) -> str:
        """Hash of the code that turns raw rows into a dataset, beside its feeds.

        Args:
            dataset: module of ``schemas/datasets`` that holds its contract.
        """
        return self.hash_of(f"dataset {dataset}", "staging", "telemetry", "definitions", "contracts", "storing")

    def of_facts(self) -> str:
        """Hash of the code that reads and checks reference facts."""
        return self.hash_of("definitions", "tables", "contracts")

    def of_quarter(self) -> dict[str, str]:
        """Hashes of the rooms that turn staged rows into numbers, by room."""
        rooms = ("building", "contracts", "definitions", "scoring", "storing", "tables", "telemetry")
        return {room: self.hash_of(room) for room in rooms}

    def _digest(self, paths: Iterable[str]) -> str:
        digest = hashlib.sha256()
        for path in paths:
            digest.update(path.encode() + b"\0" + hashlib.sha256(self._modules[path]).digest())
        return digest.hexdigest()

    def _known(self) -> str:
        return ", ".join(sorted({name for name in self.names.values() if name}))

    def _modules_of(self, names: tuple[str, ...]) -> list[str]:
        found: set[str] = set()
        following = [path for path, name in self.names.items() if name in names]
        while following:
            path = following.pop()
            if path not in found:
                found.add(path)
                following += self._imported_beside(path) if _is_followed(self.names[path]) else []
        return sorted(found)

    def _imported_beside(self, path: str) -> list[str]:
        """Modules that a module imports and that have a fingerprint to themselves."""
        imported = {f"{name.replace('.', '/')}.py" for name in _imports(self._modules[path])}
        return [other for other in imported if _is_followed(self.names.get(other))]


@cache
def installed() -> Fingerprints:
    """Fingerprints of the package as it is installed."""
    root = Path(__file__).parents[1]
    paths = (path for floor in FLOORS for path in (root / floor).rglob("*.py"))
    return Fingerprints({path.relative_to(root).as_posix(): path.read_bytes() for path in paths})


def _is_followed(name: str | None) -> bool:
    return name is not None and name.startswith(_FOLLOWED)


def _fingerprint_of(path: str) -> str | None:
    for pattern, name in ROOMS.items():
        if PurePosixPath(path).match(pattern):
            return name and name.format(stem=PurePosixPath(path).stem)
    raise LookupError(f"{path} is in no room of config/fingerprints.py. Say there which fingerprint it moves.")


@cache
def _imports(module: bytes) -> frozenset[str]:
    """Modules of the package that a module may import, without the package's name."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(module)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("suanheng."):
            name = node.module.removeprefix("suanheng.")
            names |= {name, *(f"{name}.{member.name}" for member in node.names)}
    return frozenset(names)
