"""Corrections as they are written: every fault is named, with the entry it is in."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from suanheng.config.corrections import PACKAGED, read_corrections
from suanheng.config.errors import BadSettings

GOOD: dict[str, Any] = {
    "id": "meter-in-wh",
    "dataset": "facility_readings",
    "match": {"site": "site-a", "where": {"meter_id": "it-1"}, "from": "2023-02-01", "to": "2023-03-01"},
    "action": "scale",
    "column": "energy_kwh",
    "factor": 0.001,
    "expect": {"at_least": 100_000, "at_most": 2_000_000},
    "reason": "The meter was read in Wh in February.",
    "source": "mail of the metering service of 2023-03-04",
    "provided_by": "metering service",
    "date": "2023-03-05",
}


def read(folder: Path, *entries: Any) -> list[Any]:
    (folder / "corrections").mkdir(exist_ok=True)
    text = yaml.safe_dump(list(entries), allow_unicode=True)
    (folder / "corrections" / "meters.yaml").write_text(text, encoding="utf-8")
    return read_corrections(folder / "corrections", folder)


def test_a_good_one_is_read(tmp_path: Path) -> None:
    (correction,) = read(tmp_path, GOOD)
    assert (correction.correction_id, correction.file) == ("meter-in-wh", "corrections/meters.yaml")
    assert correction.concerns("site-a")
    assert not correction.concerns("site-b")


def test_days_may_be_written_bare(tmp_path: Path) -> None:
    (tmp_path / "corrections").mkdir()
    text = yaml.safe_dump([GOOD]).replace("'2023-02-01'", "2023-02-01")
    assert "from: 2023-02-01" in text
    (tmp_path / "corrections" / "meters.yaml").write_text(text, encoding="utf-8")
    (correction,) = read_corrections(tmp_path / "corrections", tmp_path)
    assert correction.definition["match"]["from"] == "2023-02-01"


def test_a_workspace_needs_none(tmp_path: Path) -> None:
    assert len(read_corrections(tmp_path / "corrections", tmp_path)) == len(list(PACKAGED.glob("*.yaml")))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"reason": None}, r"entry 1 \(meter-in-wh\), reason: None is not of type 'string'"),
        ({"colour": "red"}, r"entry 1 \(meter-in-wh\).*'colour' was unexpected"),
        ({"match": {}}, "match"),
        ({"action": "mend"}, "'mend' is not one of"),
        ({"factor": 1}, "factor"),
        ({"action": "override", "value": 5}, "override knows no factor. Remove it"),
        ({"action": "drop"}, "drop knows no factor. Remove it"),
        ({"match": {"from": "2023-02-30"}}, "from is 2023-02-30, which is no day of the calendar"),
        ({"match": {"from": "2023-03-01", "to": "2023-03-01"}}, "is not before match.to"),
        ({"expect": "a lot"}, "scale needs a number or a range"),
        ({"expect": {"at_least": 100}}, "would be scaled again once the source is mended"),
        ({"expect": {"at_least": 100, "at_most": 200_000}}, "would be scaled again once the source is mended"),
        ({"expect": 0}, "would be scaled again once the source is mended"),
    ],
)
def test_every_fault_is_named(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    with pytest.raises(BadSettings, match=words):
        read(tmp_path, {**GOOD, **change})


def test_an_action_without_its_value_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="meter-in-wh: scale needs factor"):
        read(tmp_path, {key: value for key, value in GOOD.items() if key != "factor"})


def test_two_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match=r"meter-in-wh is there twice, in corrections/meters.yaml"):
        read(tmp_path, GOOD, GOOD)


def test_a_file_that_is_no_yaml_is_refused(tmp_path: Path) -> None:
    (tmp_path / "corrections").mkdir()
    (tmp_path / "corrections" / "broken.yaml").write_text("- id: [", encoding="utf-8")
    with pytest.raises(BadSettings, match=r"broken.yaml is not a YAML file"):
        read_corrections(tmp_path / "corrections", tmp_path)
