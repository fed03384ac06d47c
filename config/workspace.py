"""A workspace: the folder that holds one operator's settings, landing zone, warehouse and reports."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SETTINGS_FILE = "suanheng.toml"


class BadSettings(Exception):  # noqa: N818
    """Raised when a settings file is missing or says something that cannot be used."""


@dataclass(frozen=True)
class Workspace:
    """Where one operator's data lies and with what it is scored.

    Attributes:
        root: the folder that holds ``suanheng.toml``.
        catalog: DuckLake catalog, ``sqlite:<path>``.
        data_path: folder of the warehouse's Parquet files.
        reports: folder the reports are written to.
        methodology: name of a methodology file in ``config/methodology`` or path of one's own.
        author: who is named on the warehouse's snapshots.
        threads: threads of the warehouse; all processors where it is not set.
    """

    root: Path
    catalog: str
    data_path: Path
    reports: Path
    methodology: str
    author: str
    threads: int | None

    @property
    def sources_file(self) -> Path:
        """What comes in: bindings of files to formats and sites."""
        return self.root / "sources.toml"

    @property
    def sites_file(self) -> Path:
        """The centres that are scored."""
        return self.root / "sites.toml"

    @property
    def pulls_file(self) -> Path:
        """What is asked for from servers before anything comes in; need not exist."""
        return self.root / "pulls.toml"

    @property
    def reference_folder(self) -> Path:
        """Reference facts of the operator's own, beside those that come with the package."""
        return self.root / "reference"

    @property
    def publications(self) -> Path:
        """Pages kept with publications, by site, period and revision."""
        return self.root / "publications"

    @property
    def corrections_folder(self) -> Path:
        """Corrections of known errors in what the operator's sources deliver."""
        return self.root / "corrections"

    @property
    def repairs_folder(self) -> Path:
        """Repaired records, by site, raw table and content of the file they belong to."""
        return self.root / "repairs"

    @property
    def file_hashes(self) -> Path:
        """Hashes of the files in the landing zone, remembered from one run to the next; may be deleted at any time."""
        return self.root / "lake" / "file_hashes.json"

    @property
    def writer_lock(self) -> Path:
        """Held by the one process that writes."""
        return self.root / "lake" / "writer.lock"


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        BadSettings: the file is missing or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadSettings(f"{path} does not exist. Create a workspace with: suanheng init {path.parent}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSettings(f"{path} is not a TOML file: {error}. Repair the line it names.") from None


def open_workspace(folder: Path) -> Workspace:
    """Read the settings of a workspace.

    Raises:
        BadSettings: there is no workspace here, or a setting is unknown.
    """
    root = folder.resolve()
    path = root / SETTINGS_FILE
    settings = read_toml(path)
    known = {
        "warehouse": {"catalog", "data_path", "author", "threads"},
        "scoring": {"methodology"},
        "reports": {"folder"},
    }
    for section, values in settings.items():
        unknown = set(values) - known.get(section, set()) if isinstance(values, dict) else {section}
        if section not in known or unknown:
            raise BadSettings(
                f"{path}: unknown setting {section}.{', '.join(sorted(unknown))}. "
                f"Known: {', '.join(f'{s}.{k}' for s, keys in known.items() for k in sorted(keys))}."
            )
    warehouse = settings.get("warehouse", {})
    return Workspace(
        root=root,
        catalog=_rooted(root, warehouse.get("catalog", "sqlite:lake/catalog.sqlite")),
        data_path=root / warehouse.get("data_path", "lake/data"),
        reports=root / settings.get("reports", {}).get("folder", "reports"),
        methodology=settings.get("scoring", {}).get("methodology", "hqc-2024"),
        author=warehouse.get("author", "suanheng"),
        threads=_threads(path, warehouse.get("threads")),
    )


def _threads(path: Path, threads: object) -> int | None:
    if threads is not None and (not isinstance(threads, int) or isinstance(threads, bool) or threads < 1):
        raise BadSettings(
            f"{path}: warehouse.threads is {threads!r}. Expected a whole number from 1, e.g. threads = 2."
        )
    return threads


def _rooted(root: Path, catalog: str) -> str:
    kind, _, location = catalog.partition(":")
    if kind != "sqlite":
        raise BadSettings(
            f"{root / SETTINGS_FILE}: warehouse.catalog is {catalog!r}. "
            "Expected sqlite:<path>, e.g. sqlite:lake/catalog.sqlite."
        )
    return f"sqlite:{root / location}"
