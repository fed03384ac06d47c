"""What can go wrong with a warehouse, each stated in a sentence."""


class NoWarehouse(Exception):  # noqa: N818
    """Raised when a workspace has no warehouse yet."""


class Unreachable(Exception):  # noqa: N818
    """Raised when the catalog's server or the object store does not answer, or does not let one in."""


class Busy(Exception):  # noqa: N818
    """Raised when another writer has held what is needed for longer than a workspace wants to wait."""


class Conflict(Exception):  # noqa: N818
    """Raised when a transaction rests on what another writer has changed meanwhile. Nothing of it was written."""


class NewerWarehouse(Exception):  # noqa: N818
    """Raised when a newer version has renamed what is in a warehouse: this one would not find it."""


class Unavailable(Exception):  # noqa: N818
    """Raised when something outside, as a server, is not there or not whole: it may be so later.

    Args:
        message: what is wrong.
        wait_s: how long it wants to be left alone.
    """

    def __init__(self, message: str, wait_s: float = 0) -> None:
        super().__init__(message)
        self.wait_s = wait_s
