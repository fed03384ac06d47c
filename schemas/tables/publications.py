"""Contracts of what was published: revisions of scorecards, frozen as they were, and why each differs from the last."""

import polars as pl

from suanheng.schemas.columns import choice, count, instant, text
from suanheng.schemas.contract import Column, Contract
from suanheng.schemas.tables.indicators import PERIOD_KINDS, site_and_period
from suanheng.schemas.tables.scorecards import COMPOSITES, DIMENSIONS, SCORED_INDICATORS

STATES = ("provisional", "final", "restated")
"""What a revision counts as. Before its period is over a scorecard is too early to be published at all."""

CAUSES = (
    "file added",
    "file replaced",
    "file withdrawn",
    "staging changed",
    "reference fact changed",
    "methodology changed",
    "recipes changed",
    "period ended",
    "not explained",
)
"""Why a number differs between two revisions: the closed list. The last one is a defect and is shown as one."""


def _publication_id() -> dict:
    return {
        "publication_id": Column(
            pl.String,
            "Publication: site/period/r and the number of its revision.",
            matches=r"[^/]+/[^/]+/r\d+",
            required=True,
        )
    }


def _sha256(meaning: str):
    return Column(pl.String, meaning, matches="[0-9a-f]{64}", required=True)


PUBLICATIONS = Contract(
    "publications",
    "one published revision of the scorecard of one site and period; append-only",
    key=("publication_id",),
    columns={
        **_publication_id(),
        **site_and_period(),
        "period_kind": choice(PERIOD_KINDS, "Kind of period.", required=True),
        "revision": count("1 for the first, higher for each after it.", at_least=1, required=True),
        "state": choice(STATES, "What the revision counts as.", required=True),
        "published_at_utc": instant("When it was published.", required=True),
        "published_by": Column(pl.String, "Who published it.", required=True),
        "note": text("What the publisher wants said with it."),
        "snapshot_id": count("Snapshot of the warehouse it was made from.", required=True),
        "as_of": Column(pl.Date, "The present it was built with, at the site.", required=True),
        "methodology": Column(pl.String, "Name of the methodology.", required=True),
        "methodology_hash": _sha256("SHA-256 of the methodology file."),
        "methodology_text": Column(pl.String, "The methodology file, whole.", required=True),
        "reference_hash": _sha256("SHA-256 over the reference tables."),
        "code_version": Column(pl.String, "Version of suanheng.", required=True),
        "code_hash": _sha256("SHA-256 of the recipes and the scoring code."),
        "numbers_hash": _sha256("SHA-256 over every published number."),
        "run_id": Column(pl.String, "Run that published it.", required=True),
    },
)

PUBLICATION_REASONS = Contract(
    "publication_reasons",
    "one reason why a revision differs from the one before it",
    key=("publication_id", "cause", "subject"),
    columns={
        **_publication_id(),
        "cause": choice(CAUSES, "What has changed.", required=True),
        "subject": Column(
            pl.String, "What it has changed in: a path, a fact, a methodology, a dataset.", required=True
        ),
        "indicators": Column(
            pl.List(pl.String), "Indicators that rest on it and whose numbers changed.", required=True
        ),
        "before": text("What it was: a hash, a row, a version."),
        "after": text("What it is."),
    },
)


def _published(scored: Contract) -> Contract:
    """The frozen copy of a scorecard table: the same columns, and whose they are in front."""
    return Contract(
        f"published_{scored.name}",
        f"{scored.one_row_is}, as published",
        key=("publication_id", *scored.key),
        columns={**_publication_id(), **scored.columns},
        rules=scored.rules,
    )


PUBLISHED: dict[str, Contract] = {
    scored.name: _published(scored) for scored in (COMPOSITES, DIMENSIONS, SCORED_INDICATORS)
}
"""Frozen copies of the scorecard tables, by the name of the original."""

PUBLISHING: dict[str, Contract] = {
    table.name: table for table in (PUBLICATIONS, PUBLICATION_REASONS, *PUBLISHED.values())
}
