"""Publishing a scorecard: the gate, the frozen revision, and the pages that are kept with it."""

import json
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from suanheng.config.errors import ExitCode, SuanhengError
from suanheng.config.workspace import Workspace
from suanheng.flows import reports
from suanheng.flows.order import new_run_id
from suanheng.schemas.tables.ops import EXPECTATIONS
from suanheng.transforms.building.tables import make_tables
from suanheng.transforms.publishing.expectations import Finding, Gate, hold_to_expectations
from suanheng.transforms.publishing.publish import (
    Publication,
    Request,
    latest_publication,
    publish,
    scorecard_to_publish,
)
from suanheng.transforms.scoring.methodology import find, load
from suanheng.warehouse.lake import Lake, reading, writing


class Withheld(SuanhengError):
    """Raised when the gate does not let a scorecard through; names every expectation that fails, and its rows.

    Args:
        scorecard: site and period.
        failing: critical expectations that do not hold.
        page: where the gate's page is.
    """

    exit_code = ExitCode.PART_FAILED

    def __init__(self, scorecard: str, failing: list[Finding], page: Path) -> None:
        faults = "\n".join(
            f"  - {finding.table}: expected {finding.expectation}; {finding.observed}: "
            + ", ".join(json.dumps(row, ensure_ascii=False, default=str) for row in finding.rows)
            for finding in failing
        )
        super().__init__(
            f"{scorecard} is withheld, the gate does not let it through:\n{faults}\n"
            f'See {page}. Repair what it names, or publish with --accept "REASON", which is stored.'
        )
        self.failing = failing


@dataclass(frozen=True)
class Published:
    """What came of publishing.

    Attributes:
        publication: the revision.
        gate: what the gate found.
        files: pages kept with it; empty where the latest revision stands.
    """

    publication: Publication
    gate: Gate
    files: list[Path]


def publish_scorecard(workspace: Workspace, request: Request) -> Published:
    """Hold a scorecard to the expectations of the gate, freeze it, and keep the gate's page and the reports with it.

    Raises:
        NotThere: there is no such scorecard.
        NotPublished: it is too early, or not up to date.
        Withheld: the gate fails and nobody accepts it.
    """
    with writing(workspace, new_run_id("publish", request.now), request.author) as lake:
        make_tables(lake)
        return lake.unit(request.site_id, lambda: _held_and_frozen(lake, workspace, request))


def _held_and_frozen(lake: Lake, workspace: Workspace, request: Request) -> Published:
    site_id, period = request.site_id, request.period
    methodology = load(workspace.methodology)
    composite = scorecard_to_publish(lake, request, methodology).composite
    gate = hold_to_expectations(lake, composite)
    if gate.failing and request.accept is None:
        page = _write(workspace.publications / site_id / period / "withheld.html", gate.page)
        _record(lake, gate, request, None)
        raise Withheld(f"{site_id} {period}", gate.failing, page)
    latest = latest_publication(lake, site_id, period)
    with reading(workspace, latest["snapshot_id"]) if latest else nullcontext() as before:
        made = publish(lake, before, request, methodology, find(workspace.methodology))
    _record(lake, gate, request, made)
    files = []
    if made.is_new:
        folder = workspace.publications / made.row["publication_id"]
        files = [_write(folder / "gate.html", gate.page), *reports.write(lake.frame, site_id, period, folder)]
    return Published(made, gate, files)


def _record(lake: Lake, gate: Gate, request: Request, made: Publication | None) -> None:
    rows = [
        {
            "run_id": lake.run_id,
            "site_id": request.site_id,
            "period": request.period,
            "publication_id": made.row["publication_id"] if made and made.is_new else None,
            "table_name": finding.table,
            "expectation": finding.expectation,
            "severity": finding.severity,
            "holds": finding.holds,
            "observed": finding.observed,
            "rows": json.dumps(finding.rows, ensure_ascii=False, default=str),
            "accepted_because": None if finding.holds or made is None else request.accept,
        }
        for finding in gate.findings
    ]
    with lake.transaction("gate"):
        lake.insert("ops.expectations", pl.DataFrame(rows, schema=EXPECTATIONS.dtypes()))


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
