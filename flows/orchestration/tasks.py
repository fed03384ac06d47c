"""The tasks of Prefect, one per step of a run: each task run is one part of the step, named after what it works on."""

from collections.abc import Callable
from typing import Any

from prefect import Task
from prefect.cache_policies import NO_CACHE

from suanheng.warehouse.errors import Unavailable

RETRY_AFTER_S = [30.0, 120.0]
"""Seconds before a part that failed for want of something outside is tried again."""


def do_part(part: str, work: Callable[[], Any]) -> Any:
    """Do one part of a step.

    Args:
        part: what it works on, e.g. ``qinglan 2023Q2``: names the task run.
        work: does it.
    """
    return work()


def _may_pass(task: Any, run: Any, state: Any) -> bool:
    """Whether a part failed for a reason that may pass by itself."""
    return isinstance(state.data, Unavailable)


def _task(step: str) -> Task[..., Any]:
    return Task(
        do_part,
        name=step,
        task_run_name=f"{step}: {{part}}",
        cache_policy=NO_CACHE,
        persist_result=False,
        retries=len(RETRY_AFTER_S),
        retry_delay_seconds=list(RETRY_AFTER_S),
        retry_jitter_factor=0.5,
        retry_condition_fn=_may_pass,
    )


pull = _task("pull")
ingest = _task("ingest")
stage = _task("stage")
build = _task("build")
report = _task("report")
compare = _task("compare")
publish = _task("publish")

TASKS = {task.name: task for task in (pull, ingest, stage, build, report, compare, publish)}
"""Every task, by the step it is of."""
