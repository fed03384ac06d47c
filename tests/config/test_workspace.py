"""Settings of a workspace: each that cannot be used is named, with what was expected."""

from pathlib import Path

import pytest

from suanheng.config.errors import BadSettings
from suanheng.config.suanheng_toml import Storage
from suanheng.config.workspace import Workspace, open_workspace


def workspace_with(folder: Path, text: str) -> Workspace:
    (folder / "suanheng.toml").write_text(text)
    return open_workspace(folder)


def test_without_settings_the_warehouse_lies_in_the_workspace(tmp_path) -> None:
    workspace = workspace_with(tmp_path, "")
    assert workspace.catalog == f"sqlite:{tmp_path}/lake/catalog.sqlite"
    assert workspace.data_path == f"{tmp_path}/lake/data"
    assert workspace.storage == Storage(endpoint=None, region=None, url_style=None, use_ssl=True)
    assert workspace.wait_s is None


def test_a_warehouse_may_lie_on_servers(tmp_path) -> None:
    workspace = workspace_with(
        tmp_path,
        """
        [warehouse]
        catalog = "postgres:host=db.example dbname=lake"
        data_path = "s3://centres/lake"
        wait_s = 600

        [storage]
        endpoint = "s3.example:9000"
        region = "eu-central-1"
        url_style = "path"
        use_ssl = false
        """,
    )
    assert workspace.catalog == "postgres:host=db.example dbname=lake"
    assert workspace.data_path == "s3://centres/lake"
    assert workspace.storage == Storage(
        endpoint="s3.example:9000", region="eu-central-1", url_style="path", use_ssl=False
    )
    assert workspace.wait_s == 600


@pytest.mark.parametrize(
    ("section", "setting", "said"),
    [
        (
            "warehouse",
            'catalog = "mysql:host=db"',
            r"sqlite:<path>, or postgres:.*, but got \"mysql:host=db\"",
        ),
        ("warehouse", 'catalog = "sqlite:"', 'but got "sqlite:"'),
        ("warehouse", 'catalog = "postgres:host=db"', "expected .*dbname=lake"),
        ("warehouse", "catalog = 1", "expected text, but got 1"),
        ("warehouse", 'data_path = "s3://"', r"expected a folder, or s3://<bucket>/<prefix>.*, but got \"s3://\""),
        ("warehouse", 'data_path = "gs://bucket/lake"', 'but got "gs://bucket/lake"'),
        ("warehouse", "threads = 0", "expected 1 or more, but got 0; write e.g. threads = 2"),
        ("warehouse", "threads = 1.5", "expected a whole number, but got 1.5"),
        ("warehouse", "wait_s = -1", "expected 0 or more, but got -1; write e.g. wait_s = 600"),
        ("warehouse", "wait_s = true", "expected a number, but got true"),
        ("warehouse", "wait_s = inf", "expected a finite number, but got inf"),
        ("warehouse", "thread = 1", r"one of the keys author, .*, but got thread; did you mean threads\?"),
        (
            "storage",
            'endpoint = "https://s3.example"',
            'expected a host without https://, but got "https://s3.example"',
        ),
        ("storage", "region = 1", "expected text, but got 1"),
        ("storage", 'url_style = "hosted"', 'expected one of path, vhost, but got "hosted"'),
        ("storage", 'use_ssl = "no"', 'expected true or false, but got "no"; write e.g. use_ssl = true'),
        ("storage", 'secret = "x"', "one of the keys endpoint, region, url_style, use_ssl, but got secret; remove it"),
        ("workers", 'dask = "127.0.0.1:8786"', "expected the address of a Dask scheduler"),
        ("scoring", 'methodology = "hqc2024"', r"expected one of .*hqc-2024, or the path.*; did you mean hqc-2024\?"),
        ("scoring", 'methodology = "ours.yaml"', 'path of a YAML file, but got "ours.yaml"'),
        ("reports", 'folder = ""', "expected some text"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(tmp_path, section, setting, said) -> None:
    key = setting.split(" =")[0]
    with pytest.raises(BadSettings, match=rf"suanheng\.toml, line 2, {section}\.{key}: .*{said}"):
        workspace_with(tmp_path, f"[{section}]\n{setting}\n")


@pytest.mark.parametrize("place", ["postgres:dbname=lake password=s3cret", "postgres:host=db password=s3cret"])
def test_a_password_is_refused_and_not_repeated(tmp_path, place) -> None:
    with pytest.raises(BadSettings, match=r"PGPASSWORD or in ~/\.pgpass") as refused:
        workspace_with(tmp_path, f'[warehouse]\ncatalog = "{place}"\n')
    assert "s3cret" not in str(refused.value)


def test_a_methodology_of_ones_own_is_looked_for_from_the_workspace(tmp_path, monkeypatch) -> None:
    (tmp_path / "ours.yaml").touch()
    monkeypatch.chdir("/")
    assert workspace_with(tmp_path, '[scoring]\nmethodology = "ours.yaml"').methodology == f"{tmp_path}/ours.yaml"
    assert workspace_with(tmp_path, "").methodology == "hqc-2024"


def test_where_there_is_no_workspace_it_says_how_to_make_one(tmp_path) -> None:
    with pytest.raises(BadSettings, match=f"(?s)does not exist.*suanheng init {tmp_path}") as refused:
        open_workspace(tmp_path)
    assert refused.value.faults[0].line is None
