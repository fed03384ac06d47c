"""Loaded by a Dask worker as it starts: the worker is killed without warning while it is at its second part."""

import os
import signal
from itertools import count
from typing import Any

from distributed import Worker

from suanheng.flows.landing import survey_on_dask

_numbers = count(1)
_survey = survey_on_dask.survey


def _survey_and_die(*arguments: Any) -> Any:
    found = _survey(*arguments)
    if next(_numbers) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return found


def dask_setup(worker: Worker) -> None:
    """Called by the worker."""
    survey_on_dask.survey = _survey_and_die
