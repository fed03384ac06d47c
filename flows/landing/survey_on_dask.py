"""Surveys by the workers of a Dask cluster, through prefect-dask.

A task is a part of a file. It reads the file and nothing else, writes nothing, and always comes to the same: a worker
that dies costs time, and a part that is surveyed twice changes nothing. What was found goes to the one process that
writes to the warehouse, file by file and in its order. Tasks are plain functions, which Prefect does not track one by
one, so workers need no Prefect server.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from distributed import Client, Future, get_worker
from prefect_dask import DaskTaskRunner

from suanheng.config.errors import is_fault_of_work
from suanheng.flows.landing.in_place import NotSurveyed, Surveyor
from suanheng.transforms.telemetry.quarter_sums import survey_code, survey_inputs
from suanheng.transforms.telemetry.survey import Part, first_instant, parts, survey, together
from suanheng.transforms.telemetry.survey_batch import Survey, SurveyInputs
from suanheng.warehouse.lake import Lake
from suanheng.warehouse.ordered_pool import OrderedPool, Workers

PARTS_PER_THREAD = 4
"""Parts per thread of the cluster that are begun before they are asked for; what they find waits on the workers."""

PATIENCE_S = 30
"""How long a scheduler may take to answer, and a cluster without a worker to get one."""


@dataclass(frozen=True)
class Task:
    """What a worker is asked for.

    Attributes:
        site_id: site it is surveyed for; of one path, each site has tasks of its own.
        part: part of a file, by a path that means the same file to every worker.
        survey_inputs: what the survey rests on besides.
        size: length of the file in bytes.
        changed_ns: when it was last changed.
        code: hash of the code that surveys here.
    """

    site_id: str
    part: Part
    survey_inputs: SurveyInputs = field(hash=False)
    size: int
    changed_ns: int
    code: str


def tasks_of(lake: Lake, path: Path, site_id: str) -> list[Task]:
    """The parts of a file as it is now, each as a task."""
    rests_on, status, code = survey_inputs(lake, site_id, first_instant(path)), path.stat(), survey_code()
    return [Task(site_id, part, rests_on, status.st_size, status.st_mtime_ns, code) for part in parts(path)]


def survey_there(task: Task) -> Survey | Exception:
    """Survey a part on a worker.

    Returns:
        What was found, or what is wrong with the file.

    Raises:
        NotSurveyed: this worker does not have the file, or surveys by other code.
    """
    path, worker = task.part.path, get_worker().address
    if survey_code() != task.code:
        raise NotSurveyed(
            f"Dask worker {worker} has another version of suanheng. Expected that of the process that asks. "
            "Install the same one there and start the worker again."
        )
    size = path.stat().st_size if path.is_file() else None
    if size != task.size:
        got = "no file" if size is None else f"a file of {size} bytes"
        raise NotSurveyed(
            f"Dask worker {worker} finds {got} at {path}. Expected the file of {task.size} bytes that is there for "
            "the process that asks. Let all workers see the landing zone under the same path."
        )
    try:
        return survey([task.part], task.survey_inputs)
    except BaseException as error:
        if not is_fault_of_work(error):
            raise
        # What is wrong with a file is said of the file; what is raised here is said of the cluster.
        return error if isinstance(error, Exception) else RuntimeError(f"{type(error).__name__}: {error}")


@contextmanager
def surveying_on(address: str, tasks: Iterable[Task]) -> Iterator[Surveyor]:
    """``with surveying_on(…) as surveyor:`` surveys on a cluster, where parts are begun in the order given.

    Args:
        address: of the scheduler.
        tasks: parts of files, in the order in which they will be asked for.
    """
    with DaskTaskRunner(address=address, client_kwargs={"timeout": PATIENCE_S}) as runner:
        try:
            cluster = _Cluster(_joined(runner, address), address)
        except NotSurveyed as error:
            yield _unable(error)
            return
        with OrderedPool(cluster, tasks) as pool:
            yield _survey_by(pool, cluster, address)


def _joined(runner: DaskTaskRunner, address: str) -> Client:
    try:
        client = runner.client
    except (OSError, ValueError) as error:
        raise NotSurveyed(
            f"No Dask scheduler answers at {address}, which suanheng.toml names as workers.dask: {error}. "
            f"Expected an answer within {PATIENCE_S} s. Start it (dask scheduler), or remove the setting; "
            "the files wait until the next run."
        ) from error
    try:
        client.wait_for_workers(1, timeout=PATIENCE_S)
    except TimeoutError as error:
        raise _without_workers(address) from error
    return client


def _without_workers(address: str) -> NotSurveyed:
    return NotSurveyed(
        f"The Dask scheduler at {address} has no worker. Expected at least one within {PATIENCE_S} s. "
        f"Start some (dask worker {address}); the files wait until the next run."
    )


def _unable(problem: NotSurveyed) -> Surveyor:
    def survey(lake: Lake, path: Path, site_id: str) -> Survey:
        raise problem

    return survey


class _Cluster(Workers[Task, Future]):
    """The workers of a Dask cluster.

    Args:
        client: connected to the scheduler.
        address: of the scheduler.
    """

    def __init__(self, client: Client, address: str) -> None:
        self._client, self._address = client, address

    def places(self) -> int:
        """Parts that are under way: a few for each thread that the cluster has at present."""
        return PARTS_PER_THREAD * sum(self._client.nthreads().values())

    def begin(self, task: Task, place: int) -> Future:
        """Have a part surveyed by some worker."""
        return self._client.submit(survey_there, task, pure=False)

    def give_up(self, begun: Future) -> None:
        """Let the scheduler forget a part, and what was found in it."""
        begun.release()

    def outcome(self, begun: Future) -> Survey | Exception:
        """What a worker came to.

        Raises:
            NotSurveyed: no worker is left.
        """
        while not begun.done():
            try:
                begun.exception(timeout=PATIENCE_S)
            except TimeoutError:
                if not self._client.nthreads():
                    raise _without_workers(self._address) from None
        return begun.result()


def _survey_by(pool: OrderedPool[Task, Future], cluster: _Cluster, address: str) -> Surveyor:
    """Surveys all parts of a file, whether they are under way or not."""

    def found(task: Task) -> Survey:
        try:
            outcome = cluster.outcome(pool.ask(task))
        except NotSurveyed:
            raise
        except Exception as error:
            raise NotSurveyed(
                f"The Dask cluster at {address} lost a part of {task.part.path}: "
                f"{type(error).__name__}: {error}. "
                "See the logs of its scheduler and workers; the file waits until the next run."
            ) from error
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return lambda lake, path, site_id: together([found(task) for task in tasks_of(lake, path, site_id)])
