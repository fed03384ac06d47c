"""One scorecard as a page that needs nothing but itself."""

from suanheng.flows.reports.charts import trend
from suanheng.flows.reports.pages import render
from suanheng.flows.reports.read import Row, ScorecardView
from suanheng.flows.reports.texts import LANGUAGES, texts

_RECONCILED = ("bill_kwh", "meter_kwh", "device_kwh")


def pages(view: ScorecardView) -> dict[str, str]:
    """Return the scorecard as HTML, by language; charts have no words and are drawn once for all."""
    everything = view.indicators + view.supplementary
    content = {
        "view": view,
        "is_simulated": view.composite["is_simulated"],
        "has_values": any(row["value"] is not None for row in view.indicators),
        "indicators_by_dimension": _by_dimension(view),
        "everything": everything,
        "statuses": sorted({row["status"] for row in everything}),
        "history": view.history.rows(named=True),
        "is_mixed": view.history["methodology_hash"].n_unique() > 1,
        "composite_trend": None,
        "dimension_trends": {},
        "reconciled": _RECONCILED,
        "largest_kwh": _largest(view.reconciliation),
    } | _trends(view)
    return {
        language: render(
            "scorecard",
            texts(language),
            others=[texts(other) for other in LANGUAGES if other != language],
            **content,
        )
        for language in LANGUAGES
    }


def _by_dimension(view: ScorecardView) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = {row["dimension"]: [] for row in view.dimensions}
    for row in view.indicators:
        groups.setdefault(row["dimension"], []).append(row)
    return groups


def _largest(reconciliation: Row | None) -> float:
    """Return the end of the common scale of the energy bars, kWh."""
    known = (reconciliation or {}).items()
    return max((float(kwh) for name, kwh in known if name in _RECONCILED and kwh is not None), default=0.0)


def _trends(view: ScorecardView) -> dict[str, object]:
    """Draw the composite and each dimension over time; one period alone is no trend."""
    if view.history.height < 2:
        return {}
    kind = view.composite["period_kind"]
    return {
        "composite_trend": trend(view.history, kind),
        "dimension_trends": {
            row["dimension"]: trend(view.dimension_history.filter(dimension=row["dimension"]), kind, "small")
            for row in view.dimensions
        },
    }
