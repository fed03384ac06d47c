"""How a flow ends: what it did is shown, and parts that failed make the run a failed one."""

from typing import Any

from prefect.client.schemas.objects import State
from prefect.states import Failed

from suanheng.config.errors import ExitCode, SuanhengError
from suanheng.flows.orchestration.artifacts import show


class PartsFailed(SuanhengError):
    """Raised when parts of a run failed. Everything else is done and kept; what they should have replaced is as it was.

    Args:
        done: what the run did, as plain data.
    """

    exit_code = ExitCode.PART_FAILED

    def __init__(self, done: dict[str, Any]) -> None:
        failures = done["failures"]
        parts = "\n".join(f"  - {part}: {why}" for part, why in failures.items())
        super().__init__(f"{len(failures)} failed, everything else is done:\n{parts}")
        self.done = done


def conclude(done: dict[str, Any]) -> dict[str, Any] | State:
    """Show what a run did in the Prefect server.

    Args:
        done: what it did, as plain data; ``failures`` holds the parts that failed, with the reason.

    Returns:
        The same; where a part failed, a failed state that names it, which raises ``PartsFailed`` to whoever called
        the flow.
    """
    show(done)
    if not done["failures"]:
        return done
    failed = PartsFailed(done)
    return Failed(message=str(failed), data=failed)
