"""A file is hashed again only where it may have changed; that is stated by its size, its times and its inode."""

import os
import time
from hashlib import sha256
from pathlib import Path

import pytest

from suanheng.flows.landing import file_hashes
from suanheng.flows.landing.file_hashes import RESTED_NS, FileHashes


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.csv"
    path.write_text("one", encoding="utf-8")
    return path


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """The present is a minute later than the disk's: files just written have rested."""
    now_ns = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now_ns() + 60 * 10**9)


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Paths whose content was read."""
    read: list[Path] = []
    digest = file_hashes._digest
    monkeypatch.setattr(file_hashes, "_digest", lambda path: (read.append(path), digest(path))[1])
    return read


def of(place: Path, path: Path) -> str:
    hashes = FileHashes(place / "hashes.json")
    found = hashes.of(path)
    hashes.keep()
    return found


@pytest.mark.usefixtures("later")
def test_files_are_hashed_ahead_each_once(tmp_path: Path, hashed: list[Path]) -> None:
    files = [tmp_path / f"{number}.csv" for number in range(20)]
    for number, file in enumerate(files):
        file.write_text(str(number), encoding="utf-8")
    hashes = FileHashes(tmp_path / "hashes.json")
    with hashes.ahead([*files, tmp_path / "gone.csv"]):
        found = [hashes.of(file) for file in files]
    assert found == [sha256(str(number).encode()).hexdigest() for number in range(20)]
    assert sorted(hashed) == sorted(files)
    hashes.keep()
    again = FileHashes(tmp_path / "hashes.json")
    with again.ahead(files):
        assert [again.of(file) for file in files] == found
    assert len(hashed) == 20


@pytest.mark.usefixtures("later")
def test_a_file_that_is_replaced_after_it_was_hashed_ahead_is_hashed_again(tmp_path: Path, file: Path) -> None:
    hashes = FileHashes(tmp_path / "hashes.json")
    with hashes.ahead([file]):
        assert hashes.of(file) == sha256(b"one").hexdigest()
        fresh = file.with_suffix(".new")
        fresh.write_text("two", encoding="utf-8")
        fresh.replace(file)
        assert hashes.of(file) == sha256(b"two").hexdigest()
        file.unlink()
        assert hashes.of(file) == sha256(file.as_posix().encode()).hexdigest()


@pytest.mark.usefixtures("later")
def test_a_rested_file_is_read_once(tmp_path: Path, file: Path, hashed: list[Path]) -> None:
    assert [of(tmp_path, file), of(tmp_path, file)] == [sha256(b"one").hexdigest()] * 2
    assert hashed == [file]


@pytest.mark.usefixtures("later")
@pytest.mark.parametrize("keeps_its_time", [False, True])
def test_a_changed_file_is_read_again_also_where_its_size_and_time_are_as_before(
    tmp_path: Path, file: Path, keeps_its_time: bool
) -> None:
    before = file.stat()
    of(tmp_path, file)
    time.sleep(0.01)  # longer than a tick of this disk's clock
    file.write_text("two", encoding="utf-8")
    if keeps_its_time:
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert of(tmp_path, file) == sha256(b"two").hexdigest()


@pytest.mark.usefixtures("later")
def test_another_file_in_its_place_is_read_also_where_its_size_and_time_are_the_same(
    tmp_path: Path, file: Path
) -> None:
    of(tmp_path, file)
    other = tmp_path / "b.csv"
    other.write_text("two", encoding="utf-8")
    os.utime(other, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))
    other.replace(file)

    assert of(tmp_path, file) == sha256(b"two").hexdigest()


def test_a_file_changed_just_before_is_not_trusted_as_it_may_change_within_the_same_tick(
    tmp_path: Path, file: Path, hashed: list[Path]
) -> None:
    of(tmp_path, file)
    of(tmp_path, file)

    assert hashed == [file, file]
    assert not (tmp_path / "hashes.json").exists()


def test_a_copy_with_an_old_time_is_not_trusted_while_it_is_fresh(
    tmp_path: Path, file: Path, hashed: list[Path]
) -> None:
    an_hour_ago = time.time_ns() - 3600 * 10**9
    os.utime(file, ns=(an_hour_ago, an_hour_ago))
    of(tmp_path, file)
    of(tmp_path, file)

    assert hashed == [file, file]


def test_two_changes_within_a_tick_are_both_seen(tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk whose clock stands still: every change leaves the same size, times and inode."""
    ticked = file.stat()
    monkeypatch.setattr(Path, "stat", lambda self, **_: ticked)
    monkeypatch.setattr(time, "time_ns", lambda: ticked.st_mtime_ns + RESTED_NS - 1)
    of(tmp_path, file)
    file.write_text("two", encoding="utf-8")

    assert of(tmp_path, file) == sha256(b"two").hexdigest()


@pytest.mark.usefixtures("later")
def test_what_cannot_be_opened_is_not_remembered(tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path) -> str:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(file_hashes, "_digest", fail)
        assert of(tmp_path, file) == sha256(file.as_posix().encode()).hexdigest()

    assert of(tmp_path, file) == sha256(b"one").hexdigest()


@pytest.mark.usefixtures("later")
def test_a_torn_or_deleted_memory_costs_only_time(tmp_path: Path, file: Path) -> None:
    (tmp_path / "hashes.json").write_text('{"a', encoding="utf-8")

    assert of(tmp_path, file) == sha256(b"one").hexdigest()


@pytest.mark.usefixtures("later")
def test_a_file_that_is_gone_is_forgotten(tmp_path: Path, file: Path) -> None:
    of(tmp_path, file)
    other = tmp_path / "b.csv"
    other.write_text("two", encoding="utf-8")
    of(tmp_path, other)

    assert list(FileHashes(tmp_path / "hashes.json")._known) == [other.as_posix()]
