"""Bindings: which files are which format and site, how often they come, their time zone, their standing as evidence."""

import codecs
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

from suanheng.config.workspace import BadSettings, read_toml

SITE_ID = r"[a-z0-9][a-z0-9_-]{0,62}"
CADENCES = ("hourly", "daily", "weekly", "monthly", "quarterly", "yearly", "once")
"""How often new files of a source are expected."""

_KNOWN = {"format", "dataset", "files", "site", "cadence", "time_zone", "evidence", "encoding", "options"}
_EVIDENCE = ("metered", "measured", "declared", "estimated", "simulated")


@dataclass(frozen=True)
class Source:
    """One binding of ``sources.toml``.

    Attributes:
        format: name of the format.
        files: glob from the workspace, or an absolute one; ``{site}`` stands for a folder that is named as the site.
        site: site of every file, or ``None`` where the path says it.
        dataset: dataset of a ``template`` file.
        cadence: how often new files are expected; ``None`` where nobody said.
        time_zone: zone of local times in the files.
        evidence: kind of evidence the rows are.
        encoding: text encoding of the files.
        options: what the format's reader wants to know besides.
    """

    format: str
    files: str
    site: str | None
    dataset: str | None
    cadence: str | None
    time_zone: str | None
    evidence: str
    encoding: str
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def raw_table(self) -> str:
        """Table of stage raw that the files land in."""
        return f"template_{self.dataset}" if self.format == "template" else self.format


@dataclass(frozen=True)
class BoundFile:
    """A file that a binding matches."""

    path: Path
    site_id: str
    source: Source


def read_sources(path: Path, formats: Mapping[str, str], datasets: set[str]) -> list[Source]:
    """Read and check ``sources.toml``.

    Args:
        path: the file.
        formats: the formats that exist, each with what its times are; those whose times are ``local`` need a zone.
        datasets: names of the datasets that exist.

    Raises:
        BadSettings: a binding is incomplete or names something that does not exist.
    """
    return [
        _source(path, number, entry, formats, datasets)
        for number, entry in enumerate(read_toml(path).get("source", []), 1)
    ]


_time_zones = cache(available_timezones)
"""Names of the zones: asking for them walks through the whole time zone database."""


def _source(path: Path, number: int, entry: dict[str, Any], formats: Mapping[str, str], datasets: set[str]) -> Source:
    where = f"{path}, [[source]] number {number}"

    def refuse(problem: str, expected: str) -> None:
        raise BadSettings(f"{where}: {problem}. Expected {expected}.")

    if unknown := set(entry) - _KNOWN:
        refuse(f"unknown key {', '.join(sorted(unknown))}", f"only {', '.join(sorted(_KNOWN))}")
    if not isinstance(entry.get("format"), str) or entry["format"] not in formats:
        refuse(f"format is {entry.get('format')!r}", f"one of {', '.join(sorted(formats))}")
    if entry["format"] == "template" and entry.get("dataset") not in datasets:
        refuse(f"dataset is {entry.get('dataset')!r}", f"one of {', '.join(sorted(datasets))}")
    if not isinstance(entry.get("files"), str) or (Path(entry["files"]).is_absolute() and "{site}" in entry["files"]):
        refuse(f"files is {entry.get('files')!r}", "a glob, e.g. landing/{site}/bills/*.csv")
    if "site" not in entry and "{site}" not in entry["files"]:
        refuse("no site", 'site = "…", or {site} in files')
    if "site" in entry and not is_site_id(str(entry["site"])):
        refuse(f"site is {entry['site']!r}", "small letters, digits, - and _")
    if entry.get("cadence", "once") not in CADENCES:
        refuse(f"cadence is {entry['cadence']!r}", f"one of {', '.join(CADENCES)}")
    if formats[entry["format"]] == "local" and "time_zone" not in entry:
        refuse(
            f"no time_zone, and the times in a file of format {entry['format']} carry none",
            'the zone they were written in, e.g. time_zone = "Asia/Shanghai"',
        )
    if "time_zone" in entry and entry["time_zone"] not in _time_zones():
        refuse(f"time_zone is {entry['time_zone']!r}", "an IANA name, e.g. Asia/Shanghai")
    try:
        codecs.lookup(entry.get("encoding", "utf-8"))
    except LookupError:
        refuse(f"encoding is {entry['encoding']!r}", "a text encoding, e.g. utf-8 or gb18030")
    if entry.get("evidence", "declared") not in _EVIDENCE:
        refuse(f"evidence is {entry['evidence']!r}", f"one of {', '.join(_EVIDENCE)}")
    return Source(
        format=entry["format"],
        files=entry["files"],
        site=entry.get("site"),
        dataset=entry.get("dataset"),
        cadence=entry.get("cadence"),
        time_zone=entry.get("time_zone"),
        evidence=entry.get("evidence", "declared"),
        encoding=entry.get("encoding", "utf-8"),
        options=entry.get("options", {}),
    )


def bound_files(root: Path, sources: list[Source]) -> Iterator[BoundFile]:
    """Every file that a binding matches and whose site is known, by binding, then by path."""
    for source, path, site in matches(root, sources):
        if is_site_id(site):
            yield BoundFile(path, site, source)


def misplaced_files(root: Path, sources: list[Source]) -> Iterator[tuple[Path, str]]:
    """Files in a folder that should name a site and cannot, each with what to do."""
    for _, path, site in matches(root, sources):
        if not is_site_id(site):
            yield (
                path,
                f"The folder {site!r} should name a site. Expected small letters, digits, - and _. Rename the folder.",
            )


def matches(root: Path, sources: list[Source]) -> Iterator[tuple[Source, Path, str]]:
    """Every file that a binding matches, by binding, then by path, with what should be its site."""
    for source in sources:
        base, pattern = place_of(root, source)
        found = sorted(path for path in base.glob(str(pattern)) if path.is_file())
        for path in found:
            yield source, path, source.site or _folder_of_site(base, path, source)


def place_of(root: Path, source: Source) -> tuple[Path, Path]:
    """The folder that a binding's files are looked for from, and the glob from there."""
    pattern = Path(source.files.replace("{site}", "*"))
    base = Path(pattern.anchor) if pattern.is_absolute() else root
    return base, pattern.relative_to(pattern.anchor)


def is_site_id(name: str) -> bool:
    """Whether a name can be that of a site."""
    return re.fullmatch(SITE_ID, name) is not None


def _folder_of_site(base: Path, path: Path, source: Source) -> str:
    return path.relative_to(base).parts[Path(source.files).parts.index("{site}")]
