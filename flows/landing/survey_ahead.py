"""Who surveys the large files of a run: this process, the first of them ahead, or the workers of a Dask cluster."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Executor, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from pathlib import Path

import pyarrow as pa

from suanheng.config.sources import BoundFile
from suanheng.config.workspace import Workspace
from suanheng.flows.landing import in_place
from suanheng.flows.landing.file_hashes import state_of
from suanheng.flows.landing.in_place import Surveyor
from suanheng.flows.landing.pending import Waiting, shown
from suanheng.transforms.telemetry.quarter_sums import grounds
from suanheng.transforms.telemetry.survey import begin_survey, first_instant, parts, surveyed
from suanheng.transforms.telemetry.survey_batch import Survey
from suanheng.warehouse.lake import Lake

_UNREADABLE = (pa.ArrowException, OSError, LookupError, ValueError, OverflowError)
"""What Arrow and dates raise of a file that is broken, or that is being replaced."""


def first_unheard(lake: Lake, workspace: Workspace, files: Iterable[BoundFile]) -> BoundFile | None:
    """The first large file, in the order of taking in, at a path that nobody has heard of.

    This run will survey it, unless it is a copy, which is known only once it was hashed; what is wrong with it is told
    when it is read.
    """
    known = set(lake.frame("SELECT path FROM ops.files").to_series())
    unheard = [file for file in files if shown(file.path, workspace.root) not in known]
    for file in sorted(unheard, key=lambda file: (file.site_id, file.source.raw_table, file.path.as_posix())):
        with suppress(*_UNREADABLE):
            if in_place.is_candidate(lake, file.source.raw_table, file.path, file.site_id):
                return file
    return None


@contextmanager
def surveying_ahead(lake: Lake, file: BoundFile | None) -> Iterator["Ahead"]:
    """``with surveying_ahead(…) as ahead:`` surveys a file in threads meanwhile.

    Args:
        lake: the warehouse.
        file: the file, if any; it may turn out that nobody asks for it.
    """
    with ThreadPoolExecutor(in_place.threads(lake), thread_name_prefix="survey") as pool:
        ahead = Ahead(lake, file, pool)
        try:
            yield ahead
        finally:
            ahead.give_up()


class Ahead:
    """A file whose survey is begun before it is known whether, and as what, it will be taken in.

    Args:
        lake: the warehouse.
        file: the file, if any.
        pool: threads to survey it.
    """

    def __init__(self, lake: Lake, file: BoundFile | None, pool: Executor) -> None:
        self.path = file.path if file else None
        self._slices: list[Future[Survey]] = []
        if file is None:
            return
        self._state = state_of(file.path)
        # What is wrong with the file is told when it is taken in.
        with suppress(*_UNREADABLE):
            self._grounds = grounds(lake, file.site_id, first_instant(file.path))
            self._slices = begin_survey(pool, parts(file.path), self._grounds)

    def survey(self, lake: Lake, path: Path, site_id: str) -> Survey:
        """Survey a file here; what was begun counts if neither the file nor what it rests on has changed since."""
        if path == self.path and self._slices and grounds(lake, site_id, first_instant(path)) == self._grounds:
            slices, self._slices = self._slices, []
            wait(slices, return_when=FIRST_EXCEPTION)
            if state_of(path) == self._state:
                return surveyed(slices)
            _cancel(slices)
        return in_place.survey_whole(lake, path, site_id)

    def give_up(self) -> None:
        """Survey no more of it, and forget what was found."""
        _cancel(self._slices)
        self._slices = []


def _cancel(slices: Iterable[Future[Survey]]) -> None:
    for piece in slices:
        piece.cancel()


@contextmanager
def surveying(
    lake: Lake, workspace: Workspace, groups: Sequence[Sequence[Waiting]], ahead: Ahead
) -> Iterator[Surveyor]:
    """``with surveying(…) as surveyor:`` surveys the large files among those that wait, ahead where there are workers.

    Args:
        lake: the warehouse.
        workspace: names the Dask scheduler, if any.
        groups: files, in the order in which they will be taken in.
        ahead: surveys where there is no scheduler.
    """
    files = [file for group in groups for file in group]
    if not any(file.bound.path == ahead.path and _is_surveyed(lake, file) for file in files):
        ahead.give_up()
    waiting = [file for file in files if workspace.dask and _is_surveyed(lake, file)]
    if not waiting:
        yield ahead.survey
        return
    # Most workspaces have no workers, and Dask takes a second to import.
    from suanheng.flows.landing.survey_on_dask import surveying_on, tasks_of

    tasks = [task for file in waiting for task in tasks_of(lake, file.bound.path, file.bound.site_id)]
    with surveying_on(str(workspace.dask), tasks) as surveyor:
        yield surveyor


def _is_surveyed(lake: Lake, file: Waiting) -> bool:
    is_read = not (file.is_moved or file.repairs)
    return is_read and in_place.is_candidate(lake, file.table, file.bound.path, file.bound.site_id)
