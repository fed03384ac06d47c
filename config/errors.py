"""The base of every error of the package, and errors about settings: every fault with file, line and key."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """What a program that runs suanheng learns."""

    DONE = 0
    ERROR = 1
    USAGE = 2
    INPUT_REFUSED = 3
    PART_FAILED = 4


class SuanhengError(Exception):
    """An error whose message is all that a reader needs: what is wrong, where, what was expected, and what to do.

    Every error that the package defines is one, so that a caller can distinguish them from mistakes in the code.

    Attributes:
        exit_code: with what the command line ends where nothing else handles it.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.USAGE


@dataclass(frozen=True)
class Fault:
    """One thing in a settings file that cannot be used.

    Attributes:
        file: name of the file.
        line: line in it, from 1; ``None`` where the file is missing.
        place: keys and positions that lead there.
        expected: what must hold.
        got: what was found; never a secret.
        do: what to do about it.
    """

    file: str
    line: int | None
    place: str
    expected: str
    got: str
    do: str

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}, line {self.line}"
        return f"{where}, {self.place}: expected {self.expected}, but got {self.got}; {self.do}"


class BadSettings(SuanhengError):
    """Raised when a settings file is missing or says something that cannot be used.

    Args:
        message: what cannot be used; where there are faults, what they are in.
        faults: every fault that was found; each becomes a line below the message.
    """

    def __init__(self, message: str, faults: Sequence[Fault] = ()) -> None:
        super().__init__("\n  - ".join([message, *map(str, faults)]))
        self.faults = tuple(faults)


def is_fault_of_work(error: BaseException) -> bool:
    """Whether an error is about what was worked on, and not the wish of somebody that the process should end.

    Libraries that are written in Rust panic where they meet what they did not expect; Python sees that as an exception
    that is no ``Exception``. Each has a class of its own by the same name.
    """
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"
