"""Bindings: what each must say, and how it is refused where it does not."""

from pathlib import Path

import pytest

from suanheng.config.sources import CADENCES, read_sources
from suanheng.config.workspace import BadSettings

FORMATS = {"template": "stated", "sacct": "local"}


def read(folder: Path, **binding: str):
    path = folder / "sources.toml"
    lines = [f'{key} = "{value}"' for key, value in {"site": "site-a", "files": "landing/*", **binding}.items()]
    path.write_text("\n".join(["[[source]]", *lines]), encoding="utf-8")
    return read_sources(path, FORMATS, {"utility_bills"})


def test_a_format_without_zones_needs_one_in_its_binding(tmp_path: Path) -> None:
    with pytest.raises(BadSettings) as refused:
        read(tmp_path, format="sacct")
    # Where, what is wrong, what was expected, and what to write.
    assert str(refused.value) == (
        f"{tmp_path / 'sources.toml'}, [[source]] number 1: no time_zone, and the times in a file of format sacct "
        'carry none. Expected the zone they were written in, e.g. time_zone = "Asia/Shanghai".'
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
    ("key", "value"),
    [("cadence", "fortnightly"), ("format", "sacctt"), ("time_zone", "Peking"), ("encoding", "gb"), ("site", "A b")],
)
def test_a_value_that_is_not_known_is_refused_with_those_that_are(tmp_path: Path, key: str, value: str) -> None:
    binding = {"format": "template", "dataset": "utility_bills", key: value}
    with pytest.raises(BadSettings, match=f"{key} is '{value}'. Expected "):
        read(tmp_path, **binding)
