"""Hashes of files' contents, computed again only where the disk says that a file may have changed."""

import hashlib
import json
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from suanheng.config.machine import processors

RESTED_NS = 10 * 10**9
"""How long a file must have been untouched before its hash is remembered.

A file that is changed twice within one tick of its disk's clock has the same times after both. Ticks are up to 2 s
long, so of a file that was changed just before it was hashed nobody can say whether it was changed again.
"""

_PIECE_BYTES = 8 * 2**20
_MTIME, _CTIME = 1, 2


@dataclass(frozen=True)
class _Hashed:
    """The hash of a file, and what the disk said of the file before it was read; nothing where it does not let one."""

    seen: list[int]
    file_id: str


class FileHashes:
    """What is remembered of the files of a landing zone: a cache, of one machine; without it everything is hashed.

    Args:
        place: file it is kept in; need not exist.
    """

    def __init__(self, place: Path) -> None:
        self._place = place
        self._known = _read(place)
        self._asked: dict[str, list[int | str]] = {}
        self._ahead: dict[Path, Future[_Hashed]] = {}

    @contextmanager
    def ahead(self, paths: Iterable[Path]) -> Iterator[None]:
        """``with hashes.ahead(paths):`` hashes files in threads meanwhile; whoever asks for one waits for it."""
        with ThreadPoolExecutor(processors(), thread_name_prefix="hash") as pool:
            self._ahead = {path: pool.submit(self._hashed, path) for path in dict.fromkeys(paths)}
            try:
                yield
            finally:
                pool.shutdown(cancel_futures=True)
                self._ahead = {}

    def of(self, path: Path) -> str:
        """SHA-256 of the content; of the path where the content cannot be opened, as ``hash_of_content`` gives it."""
        if path in self._ahead:
            hashed = self._ahead[path].result()
            # It may have been replaced since, as while another writer was waited for.
            if hashed.seen == state_of(path):
                return hashed.file_id
        return self._hashed(path).file_id

    def _hashed(self, path: Path) -> _Hashed:
        began_ns = time.time_ns()
        seen = state_of(path)
        *seen_before, file_id = self._known.get(path.as_posix(), [""])
        if not seen:
            return _Hashed(seen, _of_path(path))
        try:
            if seen_before != seen:
                file_id = _digest(path)
                if any(abs(began_ns - changed_ns) < RESTED_NS for changed_ns in seen[_MTIME : _CTIME + 1]):
                    return _Hashed(seen, file_id)
        except OSError:
            return _Hashed(seen, _of_path(path))
        self._asked[path.as_posix()] = [*seen, file_id]
        return _Hashed(seen, str(file_id))

    def keep(self) -> None:
        """Remember the files that were asked for, and no others."""
        asked = dict(self._asked)
        if asked == self._known:
            return
        self._place.parent.mkdir(parents=True, exist_ok=True)
        beside = self._place.with_suffix(".new")
        beside.write_text(json.dumps(asked), encoding="utf-8")
        beside.replace(self._place)


def state_of(path: Path) -> list[int]:
    """What says whether a file has changed: length, times and which file it is; nothing where there is none."""
    try:
        at = path.stat()
    except OSError:
        return []
    return [at.st_size, at.st_mtime_ns, at.st_ctime_ns, at.st_ino]


def hash_of_content(path: Path) -> str:
    """Hash of the content; of the path where the content cannot be opened, so that the file is refused by its name."""
    try:
        return _digest(path)
    except OSError:
        return _of_path(path)


def _digest(path: Path) -> str:
    # In pieces of this size it seldom waits for other threads, which it must between two pieces.
    digest, piece = hashlib.sha256(), memoryview(bytearray(min(path.stat().st_size, _PIECE_BYTES) or 1))
    with path.open("rb", buffering=0) as file:
        while length := file.readinto(piece):
            digest.update(piece[:length])
    return digest.hexdigest()


def _of_path(path: Path) -> str:
    return hashlib.sha256(path.as_posix().encode()).hexdigest()


def _read(place: Path) -> dict[str, list[int | str]]:
    try:
        return json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
