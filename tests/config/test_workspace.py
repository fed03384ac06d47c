"""Settings of a workspace: each that cannot be used is named, with what was expected."""

from pathlib import Path

import pytest

from suanheng.config.workspace import BadSettings, Storage, Workspace, open_workspace


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
    assert workspace.storage == Storage("s3.example:9000", "eu-central-1", "path", False)
    assert workspace.wait_s == 600


@pytest.mark.parametrize(
    ("section", "setting", "said"),
    [
        (
            "warehouse",
            'catalog = "mysql:host=db"',
            r"catalog is 'mysql:host=db'\. Expected sqlite:<path>.*or postgres:",
        ),
        ("warehouse", 'catalog = "sqlite:"', "catalog is 'sqlite:'"),
        ("warehouse", 'catalog = "postgres:host=db"', "Expected .*dbname=lake"),
        ("warehouse", "catalog = 1", "catalog is 1"),
        ("warehouse", 'catalog = "postgres:dbname=lake password=x"', r"holds a password.*PGPASSWORD or in ~/\.pgpass"),
        ("warehouse", 'data_path = "s3://"', r"data_path is 's3://'\. Expected a folder, or s3://<bucket>/<prefix>"),
        ("warehouse", 'data_path = "gs://bucket/lake"', "data_path is 'gs://bucket/lake'"),
        ("warehouse", "wait_s = -1", "wait_s is -1. Expected seconds from 0"),
        ("warehouse", "wait_s = true", "wait_s is True"),
        ("storage", 'endpoint = "https://s3.example"', "endpoint is .*Expected a host without https://"),
        ("storage", "region = 1", "region is 1. Expected a text"),
        ("storage", 'url_style = "hosted"', "url_style is 'hosted'. Expected path or vhost"),
        ("storage", 'use_ssl = "no"', "use_ssl is 'no'. Expected true or false, e.g. use_ssl = true"),
        ("storage", 'secret = "x"', "unknown setting storage.secret"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(tmp_path, section, setting, said) -> None:
    with pytest.raises(BadSettings, match=said):
        workspace_with(tmp_path, f"[{section}]\n{setting}\n")
