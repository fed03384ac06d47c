"""Whether the settings of a workspace can be used: all files are held to their models, all faults said in one go."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from suanheng.config.errors import BadSettings, Fault
from suanheng.config.pulls import Pull, read_pulls
from suanheng.config.sites import Site, read_sites, stated_site_ids
from suanheng.config.sources import Source, read_sources
from suanheng.config.suanheng_toml import stated_methodology
from suanheng.config.workspace import SETTINGS_FILE, Workspace, open_workspace
from suanheng.schemas.formats import readable
from suanheng.schemas.staged import DATASETS
from suanheng.transforms.scoring.methodology import load


@dataclass(frozen=True)
class Settings:
    """All that the settings files of a workspace state.

    Attributes:
        workspace: ``suanheng.toml``.
        sites: ``sites.toml``.
        sources: ``sources.toml``.
        pulls: ``pulls.toml``.
    """

    workspace: Workspace
    sites: list[Site]
    sources: list[Source]
    pulls: list[Pull]


def read_settings(folder: Path) -> Settings:
    """Read every settings file of a workspace, and the methodology; write nothing.

    A file that cannot be used hides no fault of another. Sources and pulls are held to the sites that ``sites.toml``
    states, also where it has faults, unless it is no TOML at all. Reference facts and corrections are not read.

    Args:
        folder: folder with ``suanheng.toml``.

    Raises:
        BadSettings: there is no workspace here, or something in it cannot be used; with every fault of every file.
    """
    root = folder.resolve()
    if not (root / SETTINGS_FILE).exists():
        open_workspace(root)
    faults: list[Fault] = []
    with _noted(faults):
        workspace = open_workspace(root)
    site_ids = stated_site_ids(root / "sites.toml")
    with _noted(faults):
        sites = read_sites(root / "sites.toml")
    with _noted(faults):
        sources = read_sources(root / "sources.toml", readable(), DATASETS, site_ids)
    with _noted(faults):
        pulls = read_pulls(root / "pulls.toml", site_ids)
    if methodology := stated_methodology(root / SETTINGS_FILE):
        with _noted(faults):
            load(methodology)
    if faults:
        raise BadSettings(f"{root} holds settings that cannot be used. Nothing was changed.", faults)
    return Settings(workspace, sites, sources, pulls)


@contextmanager
def _noted(faults: list[Fault]) -> Iterator[None]:
    """Go on behind a file that cannot be used, with its faults noted."""
    try:
        yield
    except BadSettings as bad:
        if not bad.faults:
            raise
        faults += bad.faults
