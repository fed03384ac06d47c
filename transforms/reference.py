"""Loads reference facts: those of the package, those of the workspace, the sites and the catalogue of indicators."""

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

import suanheng.config
from suanheng.config.sites import read_sites
from suanheng.config.workspace import BadSettings, Workspace
from suanheng.schemas.contract import Contract
from suanheng.schemas.gate import Chunk, check
from suanheng.schemas.reference import REFERENCE
from suanheng.schemas.spine import CATALOGUE, SITES
from suanheng.transforms.build import catalogue
from suanheng.warehouse.lake import Lake

PACKAGED = Path(next(iter(suanheng.config.__path__))) / "reference"


def refresh(lake: Lake, workspace: Workspace, run_id: str) -> list[str]:
    """Replace every reference table whose facts have changed; names of those that were.

    Raises:
        BadSettings: a fact breaks its contract. Nothing is scored with facts that may be wrong.
    """
    known = dict(lake.frame("SELECT name, content_hash FROM ops.reference_tables").iter_rows())
    changed = []
    for name, rows in stated(workspace).items():
        content_hash = hash_of(rows)
        if known.get(name) != content_hash:
            _replace(lake, name, rows, content_hash, run_id, workspace.author)
            changed.append(name)
    return changed


def stated(workspace: Workspace) -> dict[str, pl.DataFrame]:
    """Every reference table as the files of the package and the workspace state it now.

    Raises:
        BadSettings: a fact breaks its contract.
    """
    sites = pl.DataFrame(read_sites(workspace.sites_file), schema=SITES.dtypes())
    tables = {"sites": sites, "indicators": catalogue().select(list(CATALOGUE.columns))}
    return {**tables, **{name: facts(name, workspace) for name in REFERENCE}}


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
    rows = pl.read_csv(path, infer_schema=False)
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


def _replace(lake: Lake, name: str, rows: pl.DataFrame, content_hash: str, run_id: str, author: str) -> None:
    with lake.transaction(author, f"{run_id}: reference {name}"):
        lake.execute(f"DELETE FROM reference.{name}")
        lake.insert(f"reference.{name}", rows)
        lake.execute("DELETE FROM ops.reference_tables WHERE name = ?", [name])
        lake.execute(
            "INSERT INTO ops.reference_tables BY NAME SELECT ? AS name, ? AS content_hash, ? AS row_count, ? AS run_id",
            [name, content_hash, rows.height, run_id],
        )
