"""The publishing flow: freeze the scorecard of one site and period as a new revision."""

from contextlib import nullcontext
from datetime import datetime

from suanheng.config.workspace import Workspace
from suanheng.flows.pipeline import make_tables, new_run_id
from suanheng.transforms.publishing.publish import Publication, latest_publication, publish
from suanheng.transforms.scoring.methodology import find, load
from suanheng.warehouse.lake import reading, writing


def publish_scorecard(
    workspace: Workspace, site_id: str, period: str, now: datetime, author: str | None = None, note: str | None = None
) -> Publication:
    """Publish, in a transaction of its own; see ``transforms.publishing.publish``."""
    run_id = new_run_id("publish", now)
    methodology = load(workspace.methodology)
    with writing(workspace) as lake:
        make_tables(lake, workspace, run_id)
        latest = latest_publication(lake, site_id, period)
        with reading(workspace, latest["snapshot_id"]) if latest else nullcontext() as before:
            return publish(
                lake,
                before,
                site_id,
                period,
                methodology,
                find(workspace.methodology),
                now,
                run_id,
                author or workspace.author,
                note,
            )
