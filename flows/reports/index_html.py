"""The start page: every scorecard of every site, and every comparison."""

from suanheng.flows.reports.pages import render
from suanheng.flows.reports.read import Row, Scorecards, site_of
from suanheng.flows.reports.texts import LANGUAGES, texts

_KINDS = ("year", "quarter", "month")


def page(scorecards: Scorecards, language: str) -> str:
    """Return the start page as HTML in one language."""
    composites = scorecards.composites
    return render(
        "index",
        texts(language),
        others=[texts(other) for other in LANGUAGES if other != language],
        is_simulated=bool(composites["is_simulated"].any()),
        sites=[
            {"site": site_of(scorecards, site_id), "periods": _by_kind(rows.rows(named=True))}
            for (site_id,), rows in composites.group_by("site_id", maintain_order=True)
        ],
        comparisons=_by_kind(
            composites.unique("period").select("period", "period_kind", "period_start").rows(named=True)
        ),
    )


def _by_kind(rows: list[Row]) -> dict[str, list[Row]]:
    """Sort periods into years, quarters and months, the newest first."""
    newest_first = sorted(rows, key=lambda row: row["period_start"], reverse=True)
    return {kind: [row for row in newest_first if row["period_kind"] == kind] for kind in _KINDS}
