"""The methodology of a scorecard: as stored with a publication, or as the workspace names it now."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from suanheng.config.workspace import Workspace
from suanheng.transforms.scoring.methodology import Methodology, load


def as_published(row: Mapping[str, Any]) -> Methodology:
    """The methodology as it was stored with a publication, not as a file of that name says now.

    Args:
        row: row of ``scorecards.publications``.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{row['methodology']}.yaml"
        path.write_bytes(row["methodology_text"].encode())
        return load(path)


def as_built(workspace: Workspace, composite: Mapping[str, Any]) -> Methodology | None:
    """The methodology of a scorecard as known now; ``None`` where the workspace's is not the one it was built with.

    Args:
        workspace: where.
        composite: row of ``scorecards.composites``.
    """
    methodology = load(workspace.methodology)
    return methodology if methodology.hash == composite["methodology_hash"] else None
