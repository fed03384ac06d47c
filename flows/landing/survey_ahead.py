"""Who surveys the large files of a run: this process, or the workers of a Dask cluster."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pyarrow as pa

from suanheng.config.errors import is_fault_of_work
from suanheng.config.sources import SourceFile
from suanheng.config.workspace import Workspace
from suanheng.flows.landing import in_place
from suanheng.flows.landing.file_hashes import state_of
from suanheng.flows.landing.in_place import Surveyor
from suanheng.flows.landing.pending import Waiting, shown
from suanheng.transforms.telemetry.quarter_sums import survey_inputs
from suanheng.transforms.telemetry.survey import Slices, begin_survey, first_instant, parts, surveyed
from suanheng.transforms.telemetry.survey_batch import Survey
from suanheng.warehouse.lake import Lake

_UNREADABLE = (pa.ArrowException, OSError, LookupError, ValueError, OverflowError)
"""What Arrow and dates raise of a file that is broken, or that is being replaced."""


def first_new_file(lake: Lake, workspace: Workspace, files: Iterable[SourceFile]) -> SourceFile | None:
    """The first large file, in the order of ingesting, at a path at which there was none before.

    This run will survey it, unless it is a copy, which is known only once it was hashed; what is wrong with it is
    reported when it is ingested.
    """
    known = set(lake.frame("SELECT path FROM ops.files").to_series())
    new = [file for file in files if shown(file.path, workspace.root) not in known]
    for file in sorted(new, key=lambda file: (file.site_id, file.source.raw_table, file.path.as_posix())):
        with suppress(*_UNREADABLE):
            if in_place.is_candidate(lake, file.source.raw_table, file.path, file.site_id):
                return file
    return None


@contextmanager
def prefetched_survey(lake: Lake, file: SourceFile | None) -> Iterator["PrefetchedSurvey"]:
    """``with prefetched_survey(…) as prefetched:`` surveys a file in threads meanwhile.

    Args:
        lake: the warehouse.
        file: the file, if any; it may turn out that nobody asks for it.
    """
    with ThreadPoolExecutor(in_place.threads(lake), thread_name_prefix="survey") as executor:
        prefetched = PrefetchedSurvey(lake, file, executor)
        try:
            yield prefetched
        finally:
            prefetched.give_up()


class PrefetchedSurvey:
    """The survey of a file, begun before it is known whether, and as what, the file will be ingested.

    Args:
        lake: the warehouse.
        file: the file, if any.
        executor: threads to survey it.
    """

    def __init__(self, lake: Lake, file: SourceFile | None, executor: Executor) -> None:
        self.path = file.path if file else None
        self._slices: Slices | None = None
        if file is None:
            return
        self._state = state_of(file.path)
        # What is wrong with the file is reported when it is ingested.
        with suppress(*_UNREADABLE):
            self._survey_inputs = survey_inputs(lake, file.site_id, first_instant(file.path))
            self._slices = begin_survey(executor, parts(file.path), self._survey_inputs)

    def survey(self, lake: Lake, path: Path, site_id: str) -> Survey:
        """Survey a file here; what was begun counts if neither the file nor what it rests on has changed since."""
        if (
            path == self.path
            and self._slices
            and survey_inputs(lake, site_id, first_instant(path)) == self._survey_inputs
        ):
            slices, self._slices = self._slices, None
            with slices:
                found = self._found(slices, path)
            if found is not None:
                return found
        return in_place.survey_whole(lake, path, site_id)

    def _found(self, slices: Slices, path: Path) -> Survey | None:
        """What was found, or nothing where the file was replaced meanwhile: it may then look like a broken one."""
        try:
            found = surveyed(slices)
        except BaseException as error:
            if not is_fault_of_work(error) or state_of(path) == self._state:
                raise
            return None
        return found if state_of(path) == self._state else None

    def give_up(self) -> None:
        """Survey no more of it, and forget what was found."""
        if self._slices:
            self._slices.close()
        self._slices = None


@contextmanager
def surveying(
    lake: Lake, workspace: Workspace, groups: Sequence[Sequence[Waiting]], prefetched: PrefetchedSurvey
) -> Iterator[Surveyor]:
    """``with surveying(…) as surveyor:`` surveys the large files among those that wait, several at once on workers.

    Args:
        lake: the warehouse.
        workspace: names the Dask scheduler, if any.
        groups: files, in the order in which they will be ingested.
        prefetched: the survey of one of them; surveys the others too where there is no scheduler.
    """
    files = [file for group in groups for file in group]
    if not any(file.bound.path == prefetched.path and _is_surveyed(lake, file) for file in files):
        prefetched.give_up()
    waiting = [file for file in files if workspace.dask and _is_surveyed(lake, file)]
    if not waiting:
        yield prefetched.survey
        return
    # Most workspaces have no workers, and Dask takes a second to import.
    from suanheng.flows.landing.survey_on_dask import surveying_on, tasks_of

    tasks = [task for file in waiting for task in tasks_of(lake, file.bound.path, file.bound.site_id)]
    with surveying_on(str(workspace.dask), tasks) as surveyor:
        yield surveyor


def _is_surveyed(lake: Lake, file: Waiting) -> bool:
    is_read = not (file.is_moved or file.repairs)
    return is_read and in_place.is_candidate(lake, file.table, file.bound.path, file.bound.site_id)
