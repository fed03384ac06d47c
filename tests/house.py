# ruff: noqa: T201 - what it prints is its result
"""Count the rooms of the house and the imports between them, and refuse what must not come back.

``python -m tests.house [FOLDER]`` reads this repository, or another checkout of it, and ends with 1 where something
offends. Nothing of the product is run: everything is read off the source.

How it is counted:

- A **floor** is one of the five folders that install as the package. Of two floors the later one stands on the earlier:
  ``config``, ``schemas``, ``warehouse``, ``transforms``, ``flows``.
- A **room** of a folder is a module in it, or a folder in it that holds modules, however deep. ``__init__.py`` stands
  for the folder and is no room of it. Folders of SQL or data alone import nothing and are no rooms.
- An **arrow** leads from one room to another of the same folder where any module of the first imports one of the
  second, at its head or within a function, or for type checking only. Several imports from room to room are one arrow.
- A room stands on **level** 1 where it imports no other room of its folder, and else one level above the highest that
  it imports.
"""

import ast
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path, PurePosixPath

from suanheng.config.fingerprints import FLOORS, Fingerprints

SCRIPTS = ("bench", "docs")
"""Folders of scripts beside the product, held to the same lengths."""

PROSE = {"night", "order", "plan", "publish", "replay", "report", "units_of_work"}
"""Modules at the root of ``flows/`` that hold no Prefect flow: what a night is made of, and the runs that somebody
waits for at a command line, ``publish`` and ``replay``, which need no Prefect."""

CATALOGUES = {PurePosixPath(folder) for folder in ("flows/commands", "flows/sources", "schemas/raw")}
"""Folders of one module per entry, which nobody reads as a whole: they may be long."""

LINES_OF_A_FUNCTION = 60
LINES_OF_A_MODULE = 400
MODULES_OF_A_FOLDER = 13

Imports = Mapping[str, Collection[str]]
"""What each room or module imports of the others."""


@dataclass(frozen=True)
class Module:
    """One source file.

    Attributes:
        path: its path from the root of the repository.
        text: what it holds.
    """

    path: PurePosixPath
    text: str

    @property
    def name(self) -> str:
        """The name it is imported by, e.g. ``suanheng.flows.nightly``; of an ``__init__.py`` that of its folder."""
        parts = self.path.parent.parts if self.is_init else self.path.with_suffix("").parts
        return ".".join(("suanheng", *parts))

    @property
    def is_init(self) -> bool:
        """Whether it is the ``__init__.py`` of its folder."""
        return self.path.name == "__init__.py"

    @property
    def lines(self) -> int:
        """How many lines it has."""
        return len(self.text.splitlines())

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax."""
        return ast.parse(self.text)

    @property
    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        """Every function and method that it defines, inner ones too."""
        return (node for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))

    def imports(self, known: Collection[str]) -> set[str]:
        """Those of the known modules that it imports; ``from a import b`` imports ``a.b`` where that is a module."""
        found: set[str] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                parts = (f"{node.module}.{alias.name}" for alias in node.names)
                found |= {part if part in known else node.module for part in parts}
        return found & set(known) - {self.name}


class House:
    """The product's modules and the scripts beside them, as they stand in a folder.

    Args:
        root: root of a checkout.
    """

    def __init__(self, root: Path) -> None:
        self.modules = {module.name: module for floor in FLOORS for module in _modules_in(root, floor)}
        self.scripts = [module for folder in SCRIPTS for module in _modules_in(root, folder)]
        self.imports: Imports = {name: module.imports(self.modules) for name, module in self.modules.items()}

    @property
    def folders(self) -> list[PurePosixPath]:
        """Every folder that holds modules, floors included."""
        return sorted({module.path.parent for module in self.modules.values()})

    def rooms(self, folder: PurePosixPath) -> Imports:
        """The rooms of a folder, each with those that it imports."""
        room_of = {
            name: module.path.relative_to(folder).parts[0].removesuffix(".py")
            for name, module in self.modules.items()
            if module.path.is_relative_to(folder) and module.path != folder / "__init__.py"
        }
        imported: dict[str, set[str]] = {room: set() for room in room_of.values()}
        for name, room in room_of.items():
            imported[room] |= {room_of[other] for other in self.imports[name] if other in room_of} - {room}
        return imported


def _modules_in(root: Path, folder: str) -> Iterator[Module]:
    for path in sorted((root / folder).rglob("*.py")):
        yield Module(PurePosixPath(path.relative_to(root).as_posix()), path.read_text(encoding="utf-8"))


def levels(imports: Imports) -> dict[str, int]:
    """The level of every room.

    Raises:
        CycleError: some of them import each other in a circle.
    """
    found: dict[str, int] = {}
    for room in TopologicalSorter(imports).static_order():
        found[room] = 1 + max((found[other] for other in imports[room]), default=0)
    return found


def loose_modules(house: House) -> Iterator[str]:
    """Modules at the root of a floor of rooms that should be in one of them."""
    for module in house.modules.values():
        where, name = module.path.parent.as_posix(), module.path.stem
        if module.is_init:
            continue
        if where == "transforms":
            yield f"{module.path} is loose. Move it into the folder it serves."
        if where == "flows" and name not in PROSE and not _holds_flow(module):
            allowed = ", ".join(sorted(PROSE))
            yield f"{module.path} is loose: it holds no Prefect flow and is none of {allowed}. Move it into a folder."


def _holds_flow(module: Module) -> bool:
    decorators = (decorator for function in module.functions for decorator in function.decorator_list)
    called = (decorator.func if isinstance(decorator, ast.Call) else decorator for decorator in decorators)
    return any(isinstance(name, ast.Name) and name.id == "flow" for name in called)


def long_functions(house: House) -> Iterator[str]:
    """Functions that do not fit on a screen, from ``def`` to the last line, docstring included."""
    for module in (*house.modules.values(), *house.scripts):
        for function in module.functions:
            lines = (function.end_lineno or function.lineno) - function.lineno + 1
            if lines > LINES_OF_A_FUNCTION:
                yield f"{module.path}: {function.name} has {lines} lines, at most {LINES_OF_A_FUNCTION}. Part it."


def long_modules(house: House) -> Iterator[str]:
    """Modules that hold more than one can keep in mind."""
    for module in (*house.modules.values(), *house.scripts):
        if module.lines > LINES_OF_A_MODULE:
            yield f"{module.path} has {module.lines} lines, at most {LINES_OF_A_MODULE}. Part it by reasons to change."


def crowded_folders(house: House) -> Iterator[str]:
    """Folders of more modules than one looks through; SQL and data, one file per table, are not counted."""
    for folder in house.folders:
        inside = [module for module in house.modules.values() if module.path.parent == folder and not module.is_init]
        if len(inside) > MODULES_OF_A_FOLDER and folder not in CATALOGUES:
            yield f"{folder} holds {len(inside)} modules, at most {MODULES_OF_A_FOLDER}. Make a folder within it."


def upward_imports(house: House) -> Iterator[str]:
    """Imports from a higher floor."""
    for name, imported in house.imports.items():
        for other in sorted(imported):
            if _floor(other) > _floor(name):
                yield f"{house.modules[name].path} imports {other}, which stands above it. Move what it needs down."


def _floor(name: str) -> int:
    return FLOORS.index(name.split(".")[1])


def circles(house: House) -> Iterator[str]:
    """Modules, and rooms of any folder, that import each other in a circle; one circle of each graph."""
    graphs = [("modules", house.imports), *((f"rooms of {folder}", house.rooms(folder)) for folder in house.folders)]
    for what, imports in graphs:
        try:
            levels(imports)
        except CycleError as error:
            # It gives who is imported before who imports.
            circle = " <- ".join(error.args[1])
            yield f"{what} import each other in a circle: {circle}. Move what they share below them."


def without_fingerprint(house: House) -> Iterator[str]:
    """Modules of which nobody has said what is made again when they change."""
    for module in house.modules.values():
        try:
            _ = Fingerprints({module.path.as_posix(): b""}).names
        except LookupError as error:
            yield str(error)


Rule = Callable[[House], Iterator[str]]

RULES: tuple[Rule, ...] = (
    loose_modules,
    long_functions,
    long_modules,
    crowded_folders,
    upward_imports,
    circles,
    without_fingerprint,
)
"""What must not come back, each giving a sentence per offence. How many parameters a function may have, ruff holds."""


def counted(house: House) -> Iterator[str]:
    """The table of floors from the top down, and under it the rooms of each by level."""
    yield f"{'floor':<12}{'rooms':>6}{'arrows':>8}{'levels':>8}{'modules':>9}{'lines':>8}"
    plans = {floor: house.rooms(PurePosixPath(floor)) for floor in reversed(FLOORS)}
    for floor, rooms in plans.items():
        modules = [module for module in house.modules.values() if module.path.parts[0] == floor]
        arrows = sum(map(len, rooms.values()))
        highest = max(_levels_or_none(rooms).values(), default="-")
        lines = sum(module.lines for module in modules)
        yield f"{floor:<12}{len(rooms):>6}{arrows:>8}{highest:>8}{len(modules):>9}{lines:>8}"
    for floor, rooms in plans.items():
        yield ""
        found = _levels_or_none(rooms)
        for level in sorted(set(found.values()), reverse=True):
            names = ", ".join(sorted(room for room in found if found[room] == level))
            yield f"{floor} {level}: {names}"


def _levels_or_none(rooms: Imports) -> dict[str, int]:
    """Levels of rooms; none where they stand in a circle, which ``circles`` states."""
    try:
        return levels(rooms)
    except CycleError:
        return {}


def main() -> int:
    """Print the count and the offences; how many there are decides the exit code."""
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1]
    house = House(root)
    offences = [sentence for rule in RULES for sentence in rule(house)]
    print(*counted(house), "", *offences, f"{len(offences)} offences", sep="\n")
    return 1 if offences else 0


if __name__ == "__main__":
    sys.exit(main())
