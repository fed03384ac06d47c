"""Sources: which files are which format and site, how often they come, their time zone, their evidence class.

[[source]]
format = "template"
dataset = "utility_bills"
files = "landing/{site}/utility_bills/*.csv"
cadence = "monthly"
evidence = "metered"
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

from pydantic import Field, ValidationInfo, field_validator

from suanheng.config.settings import Table, did_you_mean, read, refusal
from suanheng.config.sites import SITE_ID, KnownSiteId, TimeZone

Cadence = Literal["hourly", "daily", "weekly", "monthly", "quarterly", "yearly", "once"]
CADENCES: tuple[str, ...] = get_args(Cadence)
"""How often new files of a source are expected."""

Evidence = Literal["metered", "measured", "declared", "estimated", "simulated"]


class Readable(Protocol):
    """What must be known of a format to check a source.

    Attributes:
        times: ``local`` where times in its files carry no zone, which the source must then state.
        options: names of what the source may say besides.
    """

    @property
    def times(self) -> str: ...  # noqa: D102

    @property
    def options(self) -> Collection[str]: ...  # noqa: D102


class Source(Table):
    """One source: files of one format."""

    format: str = Field(description="template, or the format of the files.", examples=["template"])
    dataset: str | None = Field(
        default=None,
        description="Dataset of a template; no other format has one.",
        examples=["utility_bills"],
        validate_default=True,
    )
    files: str = Field(
        description="Glob from the workspace, or an absolute one; {site} stands for a folder named as the site.",
        examples=["landing/{site}/bills/*.csv"],
    )
    site: KnownSiteId | None = Field(
        default=None,
        description="Site of every file, where the path does not say it.",
        examples=["my-centre"],
        validate_default=True,
    )
    cadence: Cadence | None = Field(
        default=None, description="How often new files are expected; nothing is late if left out.", examples=["monthly"]
    )
    time_zone: TimeZone | None = Field(
        default=None, description="Zone of times without an offset.", examples=["Asia/Shanghai"], validate_default=True
    )
    evidence: Evidence = Field(default="declared", description="Kind of evidence the rows are.", examples=["metered"])
    encoding: str = Field(default="utf-8", description="Encoding of text files.", examples=["gb18030"])
    options: dict[str, Any] = Field(
        default={}, description="What the format wants to know besides.", examples=[{"node": "gpu-07"}]
    )

    @property
    def raw_table(self) -> str:
        """Table of stage raw that the files land in."""
        return f"template_{self.dataset}" if self.format == "template" else self.format

    @field_validator("format")
    @classmethod
    def _existing_format(cls, name: str, info: ValidationInfo) -> str:
        return _one_of(_context(info)["formats"], name)

    @field_validator("dataset")
    @classmethod
    def _existing_dataset(cls, name: str | None, info: ValidationInfo) -> str | None:
        return _one_of(_context(info)["datasets"], name) if info.data.get("format") == "template" else name

    @field_validator("files")
    @classmethod
    def _glob_from_somewhere(cls, glob: str) -> str:
        if not glob or (Path(glob).is_absolute() and "{site}" in glob):
            raise refusal("a glob from the workspace, or an absolute one without {site}")
        return glob

    @field_validator("site")
    @classmethod
    def _stated_somewhere(cls, site: str | None, info: ValidationInfo) -> str | None:
        if site is None and "{site}" not in info.data.get("files", "{site}"):
            raise refusal("the site of the files", "nothing", 'add e.g. site = "my-centre", or {site} in files')
        return site

    @field_validator("time_zone")
    @classmethod
    def _stated_where_files_do_not(cls, zone: str | None, info: ValidationInfo) -> str | None:
        name = info.data.get("format")
        if zone is None and name is not None and _context(info)["formats"][name].times == "local":
            raise refusal(
                f"the zone of the times in a file of format {name}, which carry none",
                "nothing",
                'add e.g. time_zone = "Asia/Shanghai"',
            )
        return zone

    @field_validator("encoding")
    @classmethod
    def _existing_encoding(cls, name: str) -> str:
        try:
            "".encode(name)
        except (LookupError, ValueError):
            raise refusal("a text encoding, e.g. utf-8 or gb18030") from None
        return name

    @field_validator("options")
    @classmethod
    def _known_options(cls, options: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        name = info.data.get("format")
        known = _context(info)["formats"][name].options if name is not None else options
        if unknown := sorted(set(options) - set(known)):
            there = f"options that format {name} knows: {', '.join(sorted(known))}" if known else f"none for {name}"
            raise refusal(there, ", ".join(unknown), did_you_mean(unknown[0], known) or "remove what it does not know")
        return options


class SourcesFile(Table):
    """sources.toml of a suanheng workspace: what comes in."""

    source: list[Source] = Field(default=[], description="One entry per format and place.")


def _context(info: ValidationInfo) -> dict[str, Any]:
    """What ``read_sources`` was covered formats and datasets."""
    assert info.context is not None
    return info.context


def _one_of(known: Collection[str], name: str | None) -> str:
    if name is None or name not in known:
        got = "nothing" if name is None else None
        raise refusal(f"one of {', '.join(sorted(known))}", got, did_you_mean(name, known))
    return name


@dataclass(frozen=True)
class SourceFile:
    """A file that a source matches."""

    path: Path
    site_id: str
    source: Source


def read_sources(
    path: Path, formats: Mapping[str, Readable], datasets: Collection[str], sites: Collection[str] | None = None
) -> list[Source]:
    """Read ``sources.toml``.

    Args:
        path: the file.
        formats: the formats that exist.
        datasets: names of the datasets that exist.
        sites: ids of the sites that exist; any will do where it is not given.

    Raises:
        BadSettings: the file is missing, or a source is incomplete or names something that does not exist; with every
            fault.
    """
    return read(path, SourcesFile, {"formats": formats, "datasets": datasets, "sites": sites}).source


def source_files(root: Path, sources: list[Source]) -> Iterator[SourceFile]:
    """Every file that a source matches and whose site is known, by source, then by path."""
    for source, path, site in matches(root, sources):
        if is_site_id(site):
            yield SourceFile(path, site, source)


def misplaced_files(root: Path, sources: list[Source]) -> Iterator[tuple[Path, str]]:
    """Files in a folder that should name a site and cannot, each with what to do."""
    for _, path, site in matches(root, sources):
        if not is_site_id(site):
            yield (
                path,
                f"The folder {site!r} should name a site. Expected small letters, digits, - and _. Rename the folder.",
            )


def matches(root: Path, sources: list[Source]) -> Iterator[tuple[Source, Path, str]]:
    """Every file that a source matches, by source, then by path, with what should be its site."""
    for source in sources:
        base, pattern = place_of(root, source)
        found = sorted(path for path in base.glob(str(pattern)) if path.is_file())
        for path in found:
            yield source, path, source.site or _folder_of_site(base, path, source)


def place_of(root: Path, source: Source) -> tuple[Path, Path]:
    """The folder that a source's files are looked for from, and the glob from there."""
    pattern = Path(source.files.replace("{site}", "*"))
    base = Path(pattern.anchor) if pattern.is_absolute() else root
    return base, pattern.relative_to(pattern.anchor)


def is_site_id(name: str) -> bool:
    """Whether a name can be that of a site."""
    return re.fullmatch(SITE_ID, name) is not None


def _folder_of_site(base: Path, path: Path, source: Source) -> str:
    return path.relative_to(base).parts[Path(source.files).parts.index("{site}")]
