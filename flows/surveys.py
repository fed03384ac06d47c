"""Who surveys the large files of a run: this process, or the workers of a Dask cluster."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import pyarrow as pa

from suanheng.config.sources import BoundFile
from suanheng.config.workspace import Workspace
from suanheng.flows.landing import Waiting, shown
from suanheng.transforms import in_place
from suanheng.transforms.in_place import Surveyor
from suanheng.warehouse.lake import Lake


def will_survey(lake: Lake, workspace: Workspace, files: Iterable[BoundFile]) -> bool:
    """Whether a large file lies at a path that nobody has heard of: then this run will survey, here or elsewhere.

    What is new for certain is known only once all files were hashed; what is wrong with one is told when it is read.
    """
    known = set(lake.frame("SELECT path FROM ops.files").to_series())
    unheard = (file for file in files if shown(file.path, workspace.root) not in known)
    try:
        return any(in_place.is_candidate(lake, file.source.raw_table, file.path, file.site_id) for file in unheard)
    except (pa.ArrowException, OSError):
        return False


@contextmanager
def surveying(lake: Lake, workspace: Workspace, groups: Sequence[Sequence[Waiting]]) -> Iterator[Surveyor]:
    """``with surveying(…) as surveyor:`` surveys the large files among those that wait, ahead where there are workers.

    Args:
        lake: the warehouse.
        workspace: names the Dask scheduler, if any.
        groups: files, in the order in which they will be taken in.
    """
    waiting = [file for files in groups for file in files if workspace.dask and _is_surveyed(lake, file)]
    if not waiting:
        yield in_place.survey_whole
        return
    # Most workspaces have no workers, and Dask takes a second to import.
    from suanheng.flows.dask_surveys import surveying_on, tasks_of

    tasks = [task for file in waiting for task in tasks_of(lake, file.bound.path, file.bound.site_id)]
    with surveying_on(str(workspace.dask), tasks) as surveyor:
        yield surveyor


def _is_surveyed(lake: Lake, file: Waiting) -> bool:
    is_read = not (file.is_moved or file.repairs)
    return is_read and in_place.is_candidate(lake, file.table, file.bound.path, file.bound.site_id)
