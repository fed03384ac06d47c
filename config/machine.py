"""What of the machine a run may use."""

import os


def processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0))
