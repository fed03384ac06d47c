"""Reproducing a publication: everything right of staged is computed again, from its own snapshot, and compared."""

from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from suanheng.config.workspace import Workspace
from suanheng.transforms.building.build import code_hash, scope_variables
from suanheng.transforms.building.scratch import ScratchDatabase
from suanheng.transforms.definitions.catalogue import fill, indicator_recipes
from suanheng.transforms.definitions.recipes import in_build_order
from suanheng.transforms.publishing.methodologies import as_published
from suanheng.transforms.publishing.numbers import TABLES, Numbers, of_publication
from suanheng.transforms.publishing.publish import publication, scopes_behind
from suanheng.transforms.scoring.methodology import Methodology
from suanheng.transforms.scoring.scorecard import score
from suanheng.warehouse.lake import Lake, reading


@dataclass(frozen=True)
class Reproduction:
    """What came of computing a publication again.

    Attributes:
        publication_id: which.
        figures: how many figures were compared.
        differing: every figure that differs: level, name, column, published, recomputed.
        signature_holds: whether the published numbers are still those that were signed.
        code_is_the_same: whether recipes and scoring code are those it was published with.
    """

    publication_id: str
    figures: int
    differing: list[dict[str, Any]]
    signature_holds: bool
    code_is_the_same: bool

    @property
    def is_exact(self) -> bool:
        """Whether every number came out as published."""
        return self.signature_holds and not self.differing


def reproduce(workspace: Workspace, name: str) -> Reproduction:
    """Recompute a published scorecard and compare every number, bit for bit.

    Rollups, facts, indicators and scores are made anew from the staged rows and reference facts of the publication's
    snapshot and from the methodology text stored with it. Nothing is written.

    Args:
        workspace: where.
        name: id of the publication, or ``site/period`` for the latest.

    Raises:
        NotThere: there is no such publication.
    """
    with reading(workspace) as lake:
        row = publication(lake, name)
        published = of_publication(lake, row["publication_id"])
    if published is None:
        raise RuntimeError(f"{row['publication_id']} has no published numbers: the warehouse was tampered with")
    with reading(workspace, row["snapshot_id"]) as lake:
        recomputed = _recompute(lake, row, published.composite, as_published(row))
    differing = _differences(published, recomputed)
    return Reproduction(
        publication_id=row["publication_id"],
        figures=len(published.figures()),
        differing=differing,
        signature_holds=published.signature() == row["numbers_hash"],
        code_is_the_same=code_hash() == row["code_hash"],
    )


def _recompute(lake: Lake, row: dict[str, Any], composite: dict[str, Any], methodology: Methodology) -> Numbers:
    scratch = ScratchDatabase(lake)
    scratch.lay_out(row["site_id"])
    zone = ZoneInfo(lake.value("SELECT time_zone FROM reference.sites WHERE site_id = ?", [row["site_id"]]))
    as_of = datetime.combine(row["as_of"], time(12), zone).astimezone(UTC)
    scopes = [scope_variables(lake, scope, as_of, methodology.carbon) for scope in scopes_behind(lake, composite)]
    indicators = scratch.fill(in_build_order("rollups"), indicator_recipes(), scopes, fill())
    scored = score(indicators, methodology, lake.frame("SELECT * FROM reference.indicators"))
    return Numbers({table: getattr(scored, table).filter(period=row["period"]) for table in TABLES})


def _differences(published: Numbers, recomputed: Numbers) -> list[dict[str, Any]]:
    before, after = published.figures(), recomputed.figures()
    return [
        {
            "level": place[0],
            "name": place[1],
            "figure": place[2],
            "published": before.get(place),
            "recomputed": after.get(place),
        }
        for place in sorted(before.keys() | after.keys())
        if before.get(place) != after.get(place)
    ]
