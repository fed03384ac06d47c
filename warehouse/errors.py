"""What can go wrong with a warehouse."""

from suanheng.config.errors import SuanhengError


class NoWarehouse(SuanhengError):
    """Raised when a workspace has no warehouse yet."""


class Unreachable(SuanhengError):
    """Raised when the catalog's server or the object store does not answer, or does not let one in."""


class Busy(SuanhengError):
    """Raised when another writer has held what is needed for longer than a workspace wants to wait."""


class Conflict(SuanhengError):
    """Raised when a transaction rests on what another writer has changed meanwhile. Nothing of it was written."""


class NewerWarehouse(SuanhengError):
    """Raised when a newer version has renamed what is in a warehouse: this one would not find it."""


class Unavailable(SuanhengError):
    """Raised when something outside, as a server, is not there or not whole: it may be so later.

    Args:
        message: what is wrong.
        wait_s: how long it wants to be left alone.
    """

    def __init__(self, message: str, wait_s: float = 0) -> None:
        super().__init__(message)
        self.wait_s = wait_s
