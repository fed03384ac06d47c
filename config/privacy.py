"""Nothing phones home: telemetry of dependencies is off unless the user turns it on in the environment."""

import os

QUIET = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    # A temporary server may take longer than the default 20 s to come up on a busy machine.
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
}


def keep_quiet() -> None:
    """Set what is not set yet."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
