"""Reference facts are read again only where what states them has changed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from suanheng.config.errors import BadSettings
from suanheng.config.workspace import Workspace, open_workspace
from suanheng.schemas.tables.reference import REFERENCE
from suanheng.transforms.building.tables import make_tables
from suanheng.transforms.definitions import reference
from suanheng.warehouse.lake import Lake, Writer, writing

OWN = """\
reference_id,name,value,unit,meaning,valid_from,valid_to,source,confidence,is_usable
parameters/mine,mine,{},1,Ours.,2000-01-01,9999-12-31,https://example.org,high,true
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "suanheng.toml").touch()
    (tmp_path / "sites.toml").touch()
    return open_workspace(tmp_path)


@pytest.fixture
def lake(workspace: Workspace) -> Iterator[Lake]:
    with writing(workspace) as lake:
        make_tables(lake)
        yield lake


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Tables whose facts were read from their files."""
    names: list[str] = []
    facts = reference.facts

    def listed(name: str, workspace: Workspace):
        names.append(name)
        return facts(name, workspace)

    monkeypatch.setattr(reference, "facts", listed)
    return names


def own(workspace: Workspace, value: str) -> None:
    """State a parameter of the workspace's own."""
    workspace.reference_folder.mkdir(exist_ok=True)
    (workspace.reference_folder / "parameters.csv").write_text(OWN.format(value))


def value_of(lake: Lake) -> float | None:
    return lake.value("SELECT value FROM reference.parameters WHERE name = 'mine'")


def test_facts_that_lie_as_before_are_not_read(lake, workspace, read) -> None:
    assert {"indicators", "parameters"} <= set(reference.refresh(lake, workspace))
    assert sorted(read) == sorted(REFERENCE)
    read.clear()
    assert reference.refresh(lake, workspace) == []
    assert read == []


def test_a_fact_of_the_workspace_comes_changes_and_goes(lake, workspace, read) -> None:
    reference.refresh(lake, workspace)
    for value, expected in (("3", 3.0), ("4", 4.0)):
        read.clear()
        own(workspace, value)
        assert reference.refresh(lake, workspace) == ["parameters"]
        assert read == ["parameters"]
        assert value_of(lake) == expected
    (workspace.reference_folder / "parameters.csv").unlink()
    assert reference.refresh(lake, workspace) == ["parameters"]
    assert value_of(lake) is None


def test_the_same_facts_written_otherwise_are_read_and_not_loaded_again(lake, workspace, read) -> None:
    own(workspace, "3")
    reference.refresh(lake, workspace)
    read.clear()
    own(workspace, "3.0")
    assert reference.refresh(lake, workspace) == []
    assert read == ["parameters"]
    read.clear()
    assert reference.refresh(lake, workspace) == []
    assert read == []


def test_a_wrong_fact_is_refused_until_it_is_repaired(lake, workspace) -> None:
    reference.refresh(lake, workspace)
    own(workspace, "many")
    for _ in range(2):
        with pytest.raises(BadSettings, match="parameters"):
            reference.refresh(lake, workspace)


def test_an_older_warehouse_that_does_not_know_what_facts_were_read_from(lake, workspace, read) -> None:
    reference.refresh(lake, workspace)
    lake.execute("UPDATE ops.reference_tables SET source_hash = NULL")
    read.clear()
    assert reference.refresh(lake, workspace) == []
    assert sorted(read) == sorted(REFERENCE)
    read.clear()
    assert reference.refresh(lake, workspace) == []
    assert read == []


def test_an_empty_file_of_the_workspace_is_not_taken_for_none(lake, workspace) -> None:
    reference.refresh(lake, workspace)
    workspace.reference_folder.mkdir()
    (workspace.reference_folder / "parameters.csv").touch()
    for _ in range(2):
        with pytest.raises(BadSettings, match="is empty"):
            reference.refresh(lake, workspace)


def test_facts_are_held_to_a_rule_that_came_with_another_version(lake, workspace, read, monkeypatch) -> None:
    reference.refresh(lake, workspace)
    read.clear()
    monkeypatch.setattr(reference, "_reading_code", lambda: "another version")
    assert reference.refresh(lake, workspace) == []
    assert sorted(read) == sorted(REFERENCE)


def test_who_loaded_facts_stays_known_when_they_are_read_again(lake, workspace, monkeypatch) -> None:
    reference.refresh(lake, workspace)
    monkeypatch.setattr(reference, "_reading_code", lambda: "another version")
    before = lake.value("SELECT max(snapshot_id) FROM ducklake_snapshots('lake')")
    first, lake.writer = lake.run_id, Writer("author", "second")
    reference.refresh(lake, workspace)
    assert set(lake.frame("SELECT run_id FROM ops.reference_tables").to_series()) == {first}
    assert lake.value("SELECT max(snapshot_id) FROM ducklake_snapshots('lake')") == before + 1
