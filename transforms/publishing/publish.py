"""Publishing a scorecard: its numbers are frozen with all that is needed to recompute them."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from suanheng.config.errors import SuanhengError
from suanheng.schemas.tables.publications import PUBLICATION_REASONS, PUBLICATIONS, PUBLISHED
from suanheng.transforms.analysis.lineage import NotThere
from suanheng.transforms.building.build import code_hash
from suanheng.transforms.building.periods import Scope, add_months
from suanheng.transforms.building.staleness import stale_scopes
from suanheng.transforms.publishing.causes import Cause, causes, gather
from suanheng.transforms.publishing.numbers import Numbers, of_publication, of_scorecards
from suanheng.transforms.scoring.methodology import Methodology
from suanheng.warehouse.lake import Lake


class NotPublished(SuanhengError):
    """Raised when a scorecard cannot be published as it is, with what to do."""


@dataclass(frozen=True)
class Request:
    """What somebody wants published.

    Attributes:
        site_id: site.
        period: period, e.g. ``2023Q2``.
        now: the present.
        note: what to say with it.
        accept: why to publish although the gate fails.
        author: who publishes; the author of the workspace where it is not said.
    """

    site_id: str
    period: str
    now: datetime
    note: str | None = None
    accept: str | None = None
    author: str | None = None


@dataclass(frozen=True)
class Publication:
    """A published revision.

    Attributes:
        row: its row of ``scorecards.publications``.
        reasons: why it differs from the revision before it; empty for the first.
        is_new: whether it was made now; otherwise the numbers are those of the latest revision, which stands.
    """

    row: dict[str, Any]
    reasons: list[Cause]
    is_new: bool


def state_on(today: date, period_end: date, final_after_days: int, was_final: bool) -> str:
    """State of a revision that is published on a day.

    Before late bills and corrected meters can be expected to be in, it is provisional. The first one after that is
    final, and whatever differs from a final one restates it.
    """
    if was_final:
        return "restated"
    return "provisional" if today < period_end + timedelta(days=final_after_days) else "final"


def publish(
    lake: Lake, before: Lake | None, request: Request, methodology: Methodology, methodology_file: Path
) -> Publication:
    """Freeze a scorecard as a new revision, unless the latest one says the same.

    Args:
        lake: the warehouse, open to write.
        before: the warehouse at the snapshot of the latest revision; ``None`` where there is none.
        request: what is to be published.
        methodology: the methodology it is scored with.
        methodology_file: its file, which is kept with the numbers.

    Raises:
        NotThere: there is no such scorecard.
        NotPublished: the period is not over, or its scorecard is not up to date.
    """
    site_id, period = request.site_id, request.period
    numbers = scorecard_to_publish(lake, request, methodology)
    latest = latest_publication(lake, site_id, period)
    state = _state(lake, request, numbers.composite["period_end"], latest)
    if latest and _says_the_same(latest, numbers, state):
        return Publication(latest, [], is_new=False)
    revision = latest["revision"] + 1 if latest else 1
    publication_id = f"{site_id}/{period}/r{revision}"
    with lake.transaction(f"publish {publication_id}"):
        row = {
            "publication_id": publication_id,
            "revision": revision,
            "state": state,
            "methodology_text": methodology_file.read_bytes().decode(),
            **_circumstances(lake, request),
            **_identity(numbers),
        }
        reasons = _reasons(lake, before, latest, row, numbers) if latest and before else []
        lake.insert("scorecards.publications", pl.DataFrame([row], schema=PUBLICATIONS.dtypes()))
        lake.insert("scorecards.publication_reasons", _as_rows(publication_id, reasons))
        for table, rows in numbers.tables.items():
            frozen = rows.with_columns(publication_id=pl.lit(publication_id))
            lake.insert(f"scorecards.{PUBLISHED[table].name}", frozen.select(list(PUBLISHED[table].columns)))
    return Publication(row, reasons, is_new=True)


def _state(lake: Lake, request: Request, period_end: date, latest: Mapping[str, Any] | None) -> str:
    today = _today(lake, request)
    was_final = latest is not None and latest["state"] != "provisional"
    return state_on(today, period_end, _final_after_days(lake, today), was_final)


def _circumstances(lake: Lake, request: Request) -> dict[str, Any]:
    """By whom, when and from what a scorecard is published.

    To be asked within the transaction: nobody can forget the snapshot before it is known to be published.
    """
    return {
        "published_at_utc": request.now.astimezone(UTC).replace(tzinfo=None),
        "published_by": lake.writer.author,
        "note": request.note,
        "run_id": lake.run_id,
        "snapshot_id": lake.value("SELECT max(snapshot_id) FROM ducklake_snapshots('lake')"),
        "as_of": _built_as_of(lake, request.site_id, request.period),
        "reference_hash": _reference_hash(lake),
        "code_version": version("suanheng"),
        "code_hash": code_hash(),
    }


def _identity(numbers: Numbers) -> dict[str, Any]:
    """What a scorecard is of and says."""
    of = ("site_id", "period", "period_kind", "methodology", "methodology_hash")
    return {**{name: numbers.composite[name] for name in of}, "numbers_hash": numbers.signature()}


def scorecard_to_publish(lake: Lake, request: Request, methodology: Methodology) -> Numbers:
    """The numbers of a scorecard that may be published.

    Raises:
        NotThere: there is no such scorecard.
        NotPublished: the period is not over, or its scorecard is not up to date.
    """
    numbers = of_scorecards(lake, request.site_id, request.period)
    if numbers is None:
        raise NotThere(f"{request.site_id} has no scorecard for {request.period}. See which there are: suanheng status")
    _refuse_too_early(numbers.composite, _today(lake, request))
    _refuse_stale(lake, numbers.composite, methodology, request.now)
    return numbers


def _today(lake: Lake, request: Request) -> date:
    zone = ZoneInfo(lake.value("SELECT time_zone FROM reference.sites WHERE site_id = ?", [request.site_id]))
    return request.now.astimezone(zone).date()


def latest_publication(lake: Lake, site_id: str, period: str, on: datetime | None = None) -> dict[str, Any] | None:
    """Row of the latest revision, or of the one that was in force at a moment (UTC); ``None`` where there is none."""
    rows = lake.frame(
        "SELECT * FROM scorecards.publications WHERE site_id = ? AND period = ? AND published_at_utc <= ? "
        "ORDER BY revision DESC LIMIT 1",
        [site_id, period, on or datetime.max],
    )
    return None if rows.is_empty() else rows.row(0, named=True)


def publication(lake: Lake, name: str) -> dict[str, Any]:
    """Row of a publication by its id, ``site/period/r1``, or of the latest by ``site/period``.

    Raises:
        NotThere: there is no such publication; the message names those there are.
    """
    query = (
        "SELECT * FROM scorecards.publications WHERE publication_id = ? OR site_id || '/' || period = ? "
        "ORDER BY revision DESC LIMIT 1"
    )
    rows = lake.frame(query, [name, name])
    if rows.is_empty():
        known = lake.frame("SELECT publication_id FROM scorecards.publications ORDER BY site_id, period, revision")
        raise NotThere(
            f"There is no publication {name!r}. Known: "
            f"{', '.join(known['publication_id']) or 'none; make one with: suanheng publish SITE PERIOD'}."
        )
    return rows.row(0, named=True)


def _refuse_too_early(composite: dict[str, Any], today: date) -> None:
    if today < composite["period_end"]:
        raise NotPublished(
            f"{composite['site_id']} {composite['period']} is too early to be published: it ends on "
            f"{composite['period_end'] - timedelta(days=1)}, and today is {today} there. Publish it afterwards."
        )


def _refuse_stale(lake: Lake, composite: dict[str, Any], methodology: Methodology, now: datetime) -> None:
    stale = stale_scopes(lake, scopes_behind(lake, composite), methodology, now)
    if stale:
        names = ", ".join(quarter.scope.name for quarter in stale)
        raise NotPublished(
            f"{composite['site_id']} {composite['period']} is not up to date: {names} changed since it was built. "
            "Build it first, with: suanheng nightly"
        )


def scopes_behind(lake: Lake, composite: dict[str, Any]) -> list[Scope]:
    """Quarters whose facts a scorecard sums: those of the trailing year up to the end of its period."""
    first = add_months(composite["period_end"], -12)
    query = (
        "SELECT DISTINCT date_trunc('quarter', month_start)::DATE FROM reference.site_months "
        "WHERE site_id = ? AND month_start >= ? AND month_start < ? ORDER BY ALL"
    )
    starts = lake.frame(query, [composite["site_id"], first, composite["period_end"]]).to_series()
    return [Scope(composite["site_id"], start, add_months(start, 3)) for start in starts]


def _final_after_days(lake: Lake, today: date) -> int:
    query = (
        "SELECT value FROM reference.parameters WHERE name = 'final_after_days' AND is_usable "
        "AND ? BETWEEN valid_from AND valid_to"
    )
    return int(lake.value(query, [today]))


def _built_as_of(lake: Lake, site_id: str, period: str) -> date:
    """The present that the quarter was built with in which the period closes."""
    query = (
        "SELECT as_of FROM ops.builds JOIN reference.site_periods USING (site_id) WHERE site_id = ? AND period = ? "
        "AND quarter_start = date_trunc('quarter', closing_month)::DATE"
    )
    return lake.value(query, [site_id, period])


def _says_the_same(latest: dict[str, Any], numbers: Numbers, state: str) -> bool:
    stands = latest["state"] == state or (latest["state"] == "final" and state == "restated")
    return stands and latest["numbers_hash"] == numbers.signature()


def _reference_hash(lake: Lake) -> str:
    facts = lake.frame("SELECT name, content_hash FROM ops.reference_tables ORDER BY name").rows()
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def _reasons(lake: Lake, before: Lake, latest: dict[str, Any], row: dict[str, Any], numbers: Numbers) -> list[Cause]:
    published = of_publication(lake, latest["publication_id"])
    if published is None:
        return []
    return causes_between(
        (before, published, latest["code_hash"]),
        (lake, numbers, row["code_hash"]),
        changed_indicators(published, numbers),
    )


def causes_between(
    earlier: tuple[Lake, Numbers, str], later: tuple[Lake, Numbers, str], changed: Iterable[str]
) -> list[Cause]:
    """Why two scorecards of the same site and period differ: for each the warehouse, its numbers, and its code hash."""
    facts = sorted(
        {
            fact
            for _, numbers, _ in (earlier, later)
            for rows in numbers.tables["indicators"]["reference_rows"]
            for fact in rows
        }
    )
    before, after = (
        gather(lake, numbers.composite, facts, code, is_over=not _is_too_early(numbers))
        for lake, numbers, code in (earlier, later)
    )
    return causes(before, after, changed)


def changed_indicators(before: Numbers, after: Numbers) -> list[str]:
    """Indicators of which any figure differs."""
    earlier, later = before.figures(), after.figures()
    return sorted(
        {
            name
            for table, name, column in earlier.keys() | later.keys()
            if table == "indicators" and earlier.get((table, name, column)) != later.get((table, name, column))
        }
    )


def _is_too_early(numbers: Numbers) -> bool:
    statuses = numbers.tables["indicators"]["status"]
    return bool(len(statuses)) and bool((statuses == "too early").all())


def _as_rows(publication_id: str, reasons: list[Cause]) -> pl.DataFrame:
    rows = [
        {"publication_id": publication_id, **asdict(reason), "indicators": list(reason.indicators)}
        for reason in reasons
    ]
    return pl.DataFrame(rows, schema=PUBLICATION_REASONS.dtypes())
