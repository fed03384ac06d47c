"""Sources: what each must say, and how it is refused where it does not."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from suanheng.config.errors import BadSettings
from suanheng.config.sources import CADENCES, read_sources


@dataclass
class Readable:
    times: str
    options: tuple[str, ...] = ()


FORMATS = {"template": Readable("stated"), "sacct": Readable("local", ("fields",))}


def read(folder: Path, **binding: str):
    path = folder / "sources.toml"
    lines = [f'{key} = "{value}"' for key, value in {"site": "site-a", "files": "landing/*", **binding}.items()]
    path.write_text("\n".join(["[[source]]", *lines]), encoding="utf-8")
    return read_sources(path, FORMATS, {"utility_bills"})


def test_a_format_without_zones_needs_one_in_its_binding(tmp_path: Path) -> None:
    with pytest.raises(BadSettings) as refused:
        read(tmp_path, format="sacct")
    # Where, what was expected and found, and what to write.
    assert str(refused.value) == (
        f"{tmp_path / 'sources.toml'} cannot be used:\n"
        "  - sources.toml, line 1, [[source]] number 1, time_zone: expected the zone of the times in a file of format "
        'sacct, which carry none, but got nothing; add e.g. time_zone = "Asia/Shanghai"'
    )
    assert read(tmp_path, format="sacct", time_zone="Asia/Shanghai")[0].time_zone == "Asia/Shanghai"


def test_a_format_that_states_its_zones_needs_none(tmp_path: Path) -> None:
    assert read(tmp_path, format="template", dataset="utility_bills")[0].time_zone is None


@pytest.mark.parametrize("cadence", CADENCES)
def test_a_cadence_may_be_stated(tmp_path: Path, cadence: str) -> None:
    assert read(tmp_path, format="template", dataset="utility_bills", cadence=cadence)[0].cadence == cadence


def test_without_a_cadence_nothing_is_ever_late(tmp_path: Path) -> None:
    assert read(tmp_path, format="template", dataset="utility_bills")[0].cadence is None


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("cadence", "fortnightly", "one of hourly, daily, weekly, monthly, quarterly, yearly, once"),
        ("format", "sacctt", r"one of sacct, template, but got \"sacctt\"; did you mean sacct\?"),
        ("dataset", "bills", r"one of utility_bills, but got \"bills\""),
        ("time_zone", "Peking", "the name of an IANA time zone"),
        ("time_zone", "Asia/Shanghia", r"did you mean Asia/Shanghai\?"),
        ("evidence", "guessed", "one of metered, measured, declared, estimated, simulated"),
        ("encoding", "gb", "a text encoding"),
        ("encoding", "base64", "a text encoding"),
        ("site", "A b", "small letters, digits, - and _"),
        ("files", "/data/{site}/*.csv", "an absolute one without"),
    ],
)
def test_a_value_that_is_not_known_is_refused_with_those_that_are(tmp_path, key, value, said) -> None:
    binding = {"format": "template", "dataset": "utility_bills", key: value}
    with pytest.raises(BadSettings, match=rf"number 1, {key}: expected .*{said}") as refused:
        read(tmp_path, **binding)
    assert [fault.got for fault in refused.value.faults] == [f'"{value}"']


def test_files_are_of_some_site(tmp_path: Path) -> None:
    path = tmp_path / "sources.toml"
    path.write_text('[[source]]\nformat = "template"\ndataset = "utility_bills"\nfiles = "landing/*"\n')
    with pytest.raises(
        BadSettings, match=r'site: expected the site of the files, but got nothing; add e\.g\. site = "'
    ):
        read_sources(path, FORMATS, {"utility_bills"})


def test_an_option_that_the_format_does_not_know_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sources.toml"
    source = (
        '[[source]]\nformat = "sacct"\nfiles = "x"\nsite = "a"\ntime_zone = "UTC"\noptions = { NAME = ["JobID"] }\n'
    )
    path.write_text(source.replace("NAME", "fields"))
    assert read_sources(path, FORMATS, set())[0].options == {"fields": ["JobID"]}
    path.write_text(source.replace("NAME", "field"))
    with pytest.raises(BadSettings, match=r"line 6, .*sacct knows: fields, but got field; did you mean fields\?"):
        read_sources(path, FORMATS, set())


def test_a_source_is_of_a_site_that_exists_where_sites_are_known(tmp_path: Path) -> None:
    read(tmp_path, format="template", dataset="utility_bills")
    path = tmp_path / "sources.toml"
    assert read_sources(path, FORMATS, {"utility_bills"}, {"site-a"})[0].site == "site-a"
    with pytest.raises(BadSettings, match=r'a site of sites\.toml: site-b, but got "site-a"; did you mean site-b\?'):
        read_sources(path, FORMATS, {"utility_bills"}, {"site-b"})
