"""Who surveys the large files of a run: this process, the first of them ahead, or the workers of a Dask cluster."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from suanheng.config.sources import BoundFile
from suanheng.config.workspace import Workspace
from suanheng.flows.file_hashes import state_of
from suanheng.flows.landing import Waiting, shown
from suanheng.transforms import in_place
from suanheng.transforms.batch_survey import Grounds, Survey
from suanheng.transforms.device_series import grounds
from suanheng.transforms.in_place import Surveyor
from suanheng.transforms.survey import begin_survey, first_instant, parts, surveyed
from suanheng.warehouse.lake import Lake


def first_unheard(lake: Lake, workspace: Workspace, files: Iterable[BoundFile]) -> BoundFile | None:
    """The first large file at a path that nobody has heard of: this run will survey it, unless it is a copy.

    Whether it is one is known only once it was hashed; what is wrong with it is told when it is read.
    """
    known = set(lake.frame("SELECT path FROM ops.files").to_series())
    for file in files:
        with suppress(pa.ArrowException, OSError):
            is_unheard = shown(file.path, workspace.root) not in known
            if is_unheard and in_place.is_candidate(lake, file.source.raw_table, file.path, file.site_id):
                return file
    return None


@contextmanager
def surveying_ahead(lake: Lake, file: BoundFile | None) -> Iterator[Surveyor]:
    """``with surveying_ahead(…) as surveyor:`` surveys a file here meanwhile, and others when they are asked for.

    Args:
        lake: the warehouse.
        file: the file, if any; it may turn out that nobody asks for it.
    """
    if file is None:
        yield in_place.survey_whole
        return
    with ThreadPoolExecutor(in_place.threads(lake), thread_name_prefix="survey") as pool:
        try:
            yield _Ahead(pool, lake, file).survey
        finally:
            pool.shutdown(cancel_futures=True)


class _Ahead:
    """A file whose survey was begun before it was known whether, and as what, it will be taken in."""

    def __init__(self, pool: Executor, lake: Lake, file: BoundFile) -> None:
        self._path = file.path
        self._slices: list[Future[Survey]] = []
        # Whatever is wrong with the file is said of it when it is taken in.
        with suppress(Exception):
            self._begun_as = _as_it_lies(lake, file.path, file.site_id)
            self._slices = begin_survey(pool, parts(file.path), self._begun_as.grounds)

    def survey(self, lake: Lake, path: Path, site_id: str) -> Survey:
        """Survey a file; what was begun counts if neither the file nor what a survey rests on has changed since."""
        if path == self._path:
            slices, self._slices = self._slices, []
            wait(slices)
            if slices and self._begun_as == _as_it_lies(lake, path, site_id):
                return surveyed(slices)
        return in_place.survey_whole(lake, path, site_id)


@dataclass(frozen=True)
class _AsItLies:
    state: list[int]
    grounds: Grounds


def _as_it_lies(lake: Lake, path: Path, site_id: str) -> _AsItLies:
    return _AsItLies(state_of(path), grounds(lake, site_id, first_instant(path)))


@contextmanager
def surveying(
    lake: Lake, workspace: Workspace, groups: Sequence[Sequence[Waiting]], here: Surveyor
) -> Iterator[Surveyor]:
    """``with surveying(…) as surveyor:`` surveys the large files among those that wait, ahead where there are workers.

    Args:
        lake: the warehouse.
        workspace: names the Dask scheduler, if any.
        groups: files, in the order in which they will be taken in.
        here: surveys where there is no scheduler.
    """
    waiting = [file for files in groups for file in files if workspace.dask and _is_surveyed(lake, file)]
    if not waiting:
        yield here
        return
    # Most workspaces have no workers, and Dask takes a second to import.
    from suanheng.flows.dask_surveys import surveying_on, tasks_of

    tasks = [task for file in waiting for task in tasks_of(lake, file.bound.path, file.bound.site_id)]
    with surveying_on(str(workspace.dask), tasks) as surveyor:
        yield surveyor


def _is_surveyed(lake: Lake, file: Waiting) -> bool:
    is_read = not (file.is_moved or file.repairs)
    return is_read and in_place.is_candidate(lake, file.table, file.bound.path, file.bound.site_id)
