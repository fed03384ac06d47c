"""Loads reference facts: those of the package, those of the workspace, the sites and the catalogue of indicators."""

import hashlib
from collections.abc import Callable, Collection
from functools import cache
from pathlib import Path
from typing import Any

import pandera
import polars as pl

import suanheng.config
import suanheng.schemas
from suanheng.config import fingerprints
from suanheng.config.errors import BadSettings
from suanheng.config.sites import read_sites
from suanheng.config.workspace import Workspace
from suanheng.schemas.checking.records import Chunk, check
from suanheng.schemas.contract import Contract
from suanheng.schemas.tables.ops import REFERENCE_TABLES
from suanheng.schemas.tables.reference import REFERENCE
from suanheng.schemas.tables.spine import CATALOGUE, SITES
from suanheng.transforms.definitions.catalogue import catalogue
from suanheng.warehouse.lake import Lake

PACKAGED = Path(next(iter(suanheng.config.__path__))) / "reference"


def refresh(lake: Lake, workspace: Workspace) -> list[str]:
    """Replace every reference table whose facts have changed; names of those that were.

    Facts are read only where their files, or what reads them, have changed since they were last read.

    Raises:
        BadSettings: a fact breaks its contract. Nothing is scored with facts that may be wrong.
    """
    query = "SELECT name, content_hash, source_hash FROM ops.reference_tables"
    known = {name: tuple(hashes) for name, *hashes in lake.frame(query).iter_rows()}
    sources = {name: _source_hash(name, workspace) for name in REFERENCE}
    as_before = {name for name, source_hash in sources.items() if known.get(name, ())[1:] == (source_hash,)}
    changed, written_otherwise = [], []
    for name, rows in stated(workspace, as_before).items():
        content_hash = hash_of(rows)
        if known.get(name, ())[:1] != (content_hash,):
            _replace(lake, name, rows, content_hash, sources.get(name))
            changed.append(name)
        elif name in sources:
            written_otherwise.append(name)
    if written_otherwise:
        with lake.transaction("what reference facts were read from"):
            for name in written_otherwise:
                lake.execute("UPDATE ops.reference_tables SET source_hash = ? WHERE name = ?", [sources[name], name])
    return changed


def stated(workspace: Workspace, but: Collection[str] = ()) -> dict[str, pl.DataFrame]:
    """Every reference table as the files of the package and the workspace state it now.

    Args:
        workspace: where.
        but: tables of facts that are left out.

    Raises:
        BadSettings: a fact breaks its contract.
    """
    sites = pl.DataFrame([site.model_dump() for site in read_sites(workspace.sites_file)], schema=SITES.dtypes())
    tables = {"sites": sites, "indicators": catalogue().select(list(CATALOGUE.columns))}
    return {**tables, **{name: facts(name, workspace) for name in REFERENCE if name not in but}}


def hash_of(rows: pl.DataFrame) -> str:
    """Hash of the rows of a reference table, as ``ops.reference_tables`` keeps it."""
    return hashlib.sha256(rows.write_csv().encode()).hexdigest()


def facts(name: str, workspace: Workspace) -> pl.DataFrame:
    """Facts of one reference table: the package's, each replaced by the workspace's of the same ``reference_id``.

    Raises:
        BadSettings: a fact breaks its contract, alone or beside the others.
    """
    contract = REFERENCE[name]
    own = workspace.reference_folder / f"{name}.csv"
    if not own.exists():
        return _packaged(PACKAGED, name)
    together = pl.concat([_packaged(PACKAGED, name), _read(own, contract)]).unique(
        "reference_id", keep="last", maintain_order=True
    )
    numbered = together.with_row_index("row_number", offset=1)
    return _held(numbered, contract, lambda row: f"{own}, beside the package's facts, {row['reference_id']}")


@cache
def _packaged(folder: Path, name: str) -> pl.DataFrame:
    """Facts of the package, which do not change while it runs."""
    return _read(folder / f"{name}.csv", REFERENCE[name])


def _read(path: Path, contract: Contract) -> pl.DataFrame:
    try:
        rows = pl.read_csv(path, infer_schema=False)
    except pl.exceptions.NoDataError:
        raise BadSettings(
            f"{path} is empty. Expected a line that names columns, of: {', '.join(contract.columns)}. "
            "Write it again, or remove the file."
        ) from None
    if unknown := set(rows.columns) - set(contract.columns):
        raise BadSettings(f"{path}: unknown column {', '.join(sorted(unknown))}. Known: {', '.join(contract.columns)}.")
    numbered = rows.with_row_index("row_number", offset=2)
    return _held(numbered, contract, lambda row: f"{path}, line {row['row_number']}")


def _held(rows: pl.DataFrame, contract: Contract, place: Callable[[dict[str, Any]], str]) -> pl.DataFrame:
    checked = check(Chunk(rows), contract, time_zone="UTC")
    if checked.rejected.height:
        number, message = checked.rejected.select("row_number", "message").row(0)
        first = rows.row(by_predicate=pl.col("row_number") == number, named=True)
        raise BadSettings(
            f"{place(first)}: {message}. {checked.rejected.height} facts break the contract; repair them."
        )
    return checked.accepted.drop("row_number")


def _source_hash(name: str, workspace: Workspace) -> str:
    """Hash of the files that state a table of facts, and of what reads and checks them."""
    own = workspace.reference_folder / f"{name}.csv"
    stated = (_packaged_content(PACKAGED, name), own.read_bytes() if own.exists() else None)
    return hashlib.sha256(repr((_reading_code(), *stated)).encode()).hexdigest()


@cache
def _packaged_content(folder: Path, name: str) -> bytes:
    return (folder / f"{name}.csv").read_bytes()


@cache
def _reading_code() -> str:
    """Hash of the code that reads and checks facts, in any of which a rule may change."""
    return repr((pl.__version__, pandera.__version__, fingerprints.installed().of_facts()))


def _replace(lake: Lake, name: str, rows: pl.DataFrame, content_hash: str, source_hash: str | None) -> None:
    entry = [name, content_hash, source_hash, rows.height, lake.run_id]
    with lake.transaction(f"reference {name}"):
        lake.execute(f"DELETE FROM reference.{name}")
        lake.insert(f"reference.{name}", rows)
        lake.execute("DELETE FROM ops.reference_tables WHERE name = ?", [name])
        lake.insert("ops.reference_tables", pl.DataFrame([entry], schema=REFERENCE_TABLES.dtypes(), orient="row"))
