"""Opens files whatever they are compressed with, and never takes more of one into memory than is documented."""

import bz2
import gzip
import io
import json
import lzma
import zipfile
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO, Any, BinaryIO

import pyarrow as pa

from suanheng.schemas.checking.records import UnreadableFile

WHOLE_FILE_BYTES = 64 * 2**20
"""Largest content of a file that its reader must hold whole, after unpacking."""

INFLATED_BYTES = 64 * 2**30
"""Largest content of a compressed file that is read piece by piece: a bomb ends here, a year of telemetry does not."""

_BROKEN = (OSError, EOFError, zlib.error, lzma.LZMAError)
_UNPACK: dict[bytes, Callable[[Any], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
    b"\x28\xb5\x2f\xfd": partial(pa.input_stream, compression="zstd"),
}
_ARCHIVES = {b"PK\x03\x04": "ZIP", b"PK\x05\x06": "ZIP", b"7z\xbc\xaf\x27\x1c": "7z", b"Rar!\x1a\x07": "RAR"}
_TAR_SIGNATURE, _TAR_AT = b"ustar", 257
_PART_OF_EVERY_WORKBOOK = "[Content_Types].xml"
_ENDINGS = (".gz", ".bz2", ".xz", ".zst")


def bare_name(path: Path) -> str:
    """Name of a file without the ending that says how it is compressed: ``bills.csv`` of ``bills.csv.gz``."""
    return path.stem if path.suffix.lower() in _ENDINGS else path.name


def opened(path: Path) -> BinaryIO:
    """Open a plain, gzip, bzip2, xz or zstd file for reading; what it is shows in its first bytes, not in its name.

    An archive is not opened: which of its files is meant, and whether they are all of one format, nobody has said.

    Raises:
        UnreadableFile: it is an archive and no workbook; on reading, where the file is cut off or damaged, or inflates
            beyond 64 GiB.
    """
    with path.open("rb") as file:
        beginning = file.read(6)
    unpack = next((unpack for signature, unpack in _UNPACK.items() if beginning.startswith(signature)), None)
    stream = io.BufferedReader(_Unpacked(path, unpack(path)) if unpack else io.FileIO(path))
    kind = _archive(stream.peek(_TAR_AT + len(_TAR_SIGNATURE)))
    if kind is not None and not (kind == "ZIP" and unpack is None and _may_be_workbook(path)):
        raise UnreadableFile(
            f"{path.name} is an archive",
            expected="one file, plain or compressed with gzip, bzip2, xz or zstd",
            got=f"a {kind} archive",
            do="Unpack it, look at what it holds, and hand in the files that are meant.",
        )
    return stream


def _archive(beginning: bytes) -> str | None:
    """Kind of archive that content begins as, if any."""
    if beginning[_TAR_AT:].startswith(_TAR_SIGNATURE):
        return "TAR"
    return next((kind for signature, kind in _ARCHIVES.items() if beginning.startswith(signature)), None)


def _may_be_workbook(path: Path) -> bool:
    """Whether a ZIP archive is an Office file, or a broken one, from its list of contents; nothing is unpacked."""
    try:
        with zipfile.ZipFile(path) as archive:
            return _PART_OF_EVERY_WORKBOOK in archive.namelist()
    except zipfile.BadZipFile:
        return True


def whole(path: Path, at_most: int = WHOLE_FILE_BYTES) -> bytes:
    """Content of a file that cannot be read piece by piece.

    Raises:
        UnreadableFile: it holds more than ``at_most`` bytes.
    """
    with opened(path) as file:
        content = file.read(at_most + 1)
    if len(content) > at_most:
        raise UnreadableFile(
            f"{path.name} is too large to be read as one document",
            expected=f"at most {at_most // 2**20} MiB when unpacked",
            got="more",
            do="Export it in parts, e.g. one file a month.",
        )
    return content


def json_document(path: Path, refusal: Callable[[str], UnreadableFile]) -> Any:
    """The one JSON document a file holds.

    Args:
        path: the file; with or without a byte-order mark, compressed or not.
        refusal: makes the error of a file that is no JSON, from what was found instead.
    """
    try:
        return json.loads(whole(path).decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise refusal(f"no JSON: {error}") from None


class _Unpacked(io.RawIOBase):
    """A stream that is unpacked as it is read, and says in words where that fails."""

    def __init__(self, path: Path, stream: IO[bytes]) -> None:
        self._path, self._stream, self._given = path, stream, 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Unpack as much as fits."""
        try:
            data = self._stream.read(len(buffer))
        except _BROKEN as error:
            raise UnreadableFile(
                f"{self._path.name} cannot be unpacked",
                expected="a whole compressed file",
                got=str(error) or type(error).__name__,
                do="Copy or export it again.",
            ) from None
        self._given += len(data)
        if self._given > INFLATED_BYTES:
            raise UnreadableFile(
                f"{self._path.name} unpacks to more than any export holds",
                expected=f"at most {INFLATED_BYTES // 2**30} GiB",
                got="more",
                do="Find out where it comes from; hand it in unpacked if it is genuine.",
            )
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close what is unpacked too."""
        self._stream.close()
        super().close()
