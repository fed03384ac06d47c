"""What a Prefect server shows of a run beside its state: what has changed, and where the scorecards are."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from prefect import runtime
from prefect.artifacts import create_markdown_artifact, create_table_artifact

SHOWN = 50
"""Names that a cell or a list holds at most; the rest is counted."""


def show(done: dict[str, Any]) -> None:
    """Keep what a run did as artifacts of its flow run: a table of changes, and links to the scorecards it wrote.

    Args:
        done: what it did, as ``Outcome.as_dict`` gives it.
    """
    create_table_artifact(changes(done), key=_key("changes"), description="What this run changed.")
    if pages := [Path(path) for path in done["reports"] if path.endswith(".html")]:
        create_markdown_artifact(links(pages), key=_key("scorecards"), description="Scorecards that this run wrote.")


def show_closings(closings: list[dict[str, Any]]) -> None:
    """Keep what came of every site's period as a table: published, unchanged, or withheld and why."""
    create_table_artifact(closings, key=_key("publications"), description="What this run published.")


def show_expired(done: dict[str, Any]) -> None:
    """Keep how many snapshots were forgotten, and how many stay for publications, as a table."""
    rows = [{"what": f"snapshots {name.replace('_', ' ')}", "how many": len(found)} for name, found in done.items()]
    create_table_artifact(rows, key=_key("snapshots"), description="What this run forgot.")


def changes(done: dict[str, Any]) -> list[dict[str, Any]]:
    """One row per kind of change, with its count and what it was; one row per part that failed."""
    refused = [f"{landing['path']}: {landing['problem']}" for landing in done["landings"] if landing["problem"]]
    ingested = [landing["path"] for landing in done["landings"] if not landing["problem"]]
    staged = [f"{part['dataset']} of {part['site_id']}" for part in done["stagings"]]
    parts = [*done["landings"], *done["stagings"]]
    names = [*(landing["path"] for landing in done["landings"]), *staged]
    holding = [name for name, part in zip(names, parts, strict=True) if part["rows_quarantined"]]
    return [
        _row("files ingested", len(ingested), ingested),
        _row("records read", sum(landing["rows_read"] for landing in done["landings"])),
        _row("files refused", len(refused), refused),
        _row("records quarantined", sum(part["rows_quarantined"] for part in parts), holding),
        _row("datasets staged", len(staged), staged),
        _row("quarters built", len(done["built"]), done["built"]),
        _row("report files written", len(done["reports"])),
        _row("parts failed", len(done["failures"])),
        *(_row("failed", 1, [f"{part}: {why}"]) for part, why in done["failures"].items()),
    ]


def links(pages: Sequence[Path]) -> str:
    """A list of links to pages on the machine that wrote them, start pages first."""
    ordered = sorted(pages, key=lambda page: (not page.name.startswith("index."), page))
    lines = [f"- [{'/'.join(page.parts[-2:])}]({page.as_uri()})" for page in ordered[:SHOWN]]
    return "\n".join([*lines, *_rest(len(ordered))])


def _row(what: str, how_many: int, which: Iterable[str] = ()) -> dict[str, Any]:
    names = list(which)
    return {"what": what, "how many": how_many, "which": ", ".join([*names[:SHOWN], *_rest(len(names))])}


def _rest(count: int) -> list[str]:
    return [f"… and {count - SHOWN} more"] if count > SHOWN else []


def _key(name: str) -> str:
    return f"{runtime.flow_run.flow_name}-{name}"
