"""Compressed inputs: read like plain ones, refused in words where they are damaged or too large."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile

import pyarrow as pa
import pytest

from suanheng.flows.sources import template
from suanheng.flows.sources.reading import files
from suanheng.flows.sources.reading.files import bare_name, opened, whole
from suanheng.schemas.checking.records import UnreadableFile


def _zstd(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return sink.getvalue().to_pybytes()


PACKED = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zst": _zstd}


@pytest.mark.parametrize("ending", PACKED)
def test_a_packed_file_is_read_like_a_plain_one(ending, gated, samples, tmp_path):
    plain = samples / "sacct_spellings.txt"
    packed = tmp_path / f"jobs.txt.{ending}"
    packed.write_bytes(PACKED[ending](plain.read_bytes()))
    assert bare_name(packed) == "jobs.txt"
    expected, _ = gated("sacct", plain, {}, "UTC")
    read, _ = gated("sacct", packed, {}, "UTC")
    assert read.equals(expected)


def test_the_first_bytes_count_not_the_name(tmp_path):
    path = tmp_path / "plain.gz"
    path.write_bytes(b"not packed at all")
    assert opened(path).read() == b"not packed at all"


@pytest.mark.parametrize("ending", PACKED)
def test_a_packed_file_that_is_cut_off_is_refused(ending, tmp_path):
    path = tmp_path / f"cut.{ending}"
    path.write_bytes(PACKED[ending](bytes(range(256)) * 400)[:-20])
    with pytest.raises(UnreadableFile, match=r"cannot be unpacked.*Copy or export it again"):
        opened(path).read()


def test_a_document_is_held_whole_only_up_to_its_limit(tmp_path):
    path = tmp_path / "large.json.gz"
    path.write_bytes(gzip.compress(b" " * 5_000_000))
    assert len(whole(path, 5_000_000)) == 5_000_000
    with pytest.raises(UnreadableFile, match="at most 3 MiB when unpacked"):
        whole(path, 3 * 2**20)


def test_a_bomb_ends_at_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "INFLATED_BYTES", 2**20)
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(b"0" * 2**22))
    with pytest.raises(UnreadableFile, match="unpacks to more than any export holds"), opened(path) as file:
        while file.read(2**16):
            pass


def _archive(kind, content):
    buffer = io.BytesIO()
    if kind == "ZIP":
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("jobs.txt", content)
    elif kind == "TAR":
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            entry = tarfile.TarInfo("jobs.txt")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    else:
        buffer.write({"7z": b"7z\xbc\xaf\x27\x1c", "RAR": b"Rar!\x1a\x07\x01\x00"}[kind] + content)
    return buffer.getvalue()


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gz"])
@pytest.mark.parametrize("kind", ["ZIP", "TAR", "7z", "RAR"])
@pytest.mark.parametrize("format", ["sacct", "cyclonedx", "green_button"])
def test_p09_an_archive_is_never_unpacked_blindly(format, kind, pack, gated, samples, tmp_path):
    content = (samples / "sacct_spellings.txt").read_bytes()
    path = tmp_path / "delivery"
    path.write_bytes(pack(_archive(kind, content)))
    with pytest.raises(
        UnreadableFile, match=rf"is an archive.*got a {kind} archive\. Unpack it, look at what it holds"
    ):
        gated(format, path, {}, "UTC")


def test_p09_a_template_in_an_archive_is_refused_too(tmp_path):
    path = tmp_path / "bills.csv"
    path.write_bytes(_archive("ZIP", b"meter_id\n"))
    with pytest.raises(UnreadableFile, match="is an archive"):
        list(template.read(path, {"dataset": "utility_bills"}))
