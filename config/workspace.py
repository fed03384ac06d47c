"""A workspace: the folder that holds one operator's settings, landing zone, warehouse and reports."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from suanheng.config.suanheng_toml import Storage

SETTINGS_FILE = "suanheng.toml"


@dataclass(frozen=True)
class Workspace:
    """Where one operator's data is and with what it is scored.

    Attributes:
        root: the folder that holds ``suanheng.toml``.
        catalog: DuckLake catalog, ``sqlite:<path>`` or ``postgres:<connection string>``.
        data_path: folder of the warehouse's Parquet files, or their place ``s3://<bucket>/<prefix>``.
        storage: where the object store of an ``s3://`` place answers.
        reports: folder the reports are written to.
        methodology: name of a methodology file in ``config/methodology``, or path of one's own.
        author: who is named on the warehouse's snapshots.
        threads: threads of the warehouse; all processors where it is not set.
        wait_s: seconds a writer waits for another one; without end where it is not set.
        dask: address of the scheduler whose workers survey large files; this process does where it is not set.
    """

    root: Path
    catalog: str
    data_path: str
    storage: "Storage"
    reports: Path
    methodology: str
    author: str
    threads: int | None
    wait_s: float | None
    dask: str | None

    @property
    def sources_file(self) -> Path:
        """What comes in: files of which formats and sites."""
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


def open_workspace(folder: Path) -> Workspace:
    """Read the settings of a workspace.

    Raises:
        BadSettings: there is no workspace here, or a setting is unknown or cannot be; with every fault.
    """
    # The models take a tenth of a second to make; a verb that is only asked for help needs none.
    from suanheng.config.suanheng_toml import read_suanheng_toml

    root = folder.resolve()
    stated = read_suanheng_toml(root / SETTINGS_FILE)
    warehouse = stated.warehouse
    kind, _, location = warehouse.catalog.partition(":")
    is_folder = "://" not in warehouse.data_path
    return Workspace(
        root=root,
        catalog=f"sqlite:{root / location}" if kind == "sqlite" else warehouse.catalog,
        data_path=str(root / warehouse.data_path) if is_folder else warehouse.data_path.rstrip("/"),
        storage=stated.storage,
        reports=root / stated.reports.folder,
        methodology=stated.scoring.methodology,
        author=warehouse.author,
        threads=warehouse.threads,
        wait_s=warehouse.wait_s,
        dask=stated.workers.dask,
    )
