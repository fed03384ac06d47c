"""Lets a connection into the object store that holds the warehouse's Parquet files."""

import os

import duckdb

from suanheng.config.errors import BadSettings
from suanheng.config.workspace import Workspace
from suanheng.warehouse.engine import quoted
from suanheng.warehouse.errors import Unreachable

_CREDENTIALS = {"KEY_ID": "AWS_ACCESS_KEY_ID", "SECRET": "AWS_SECRET_ACCESS_KEY"}


def let_in(connection: duckdb.DuckDBPyConnection, workspace: Workspace) -> None:
    """Give a connection the credentials of the workspace's ``s3://`` place, and see whether they open it.

    Raises:
        BadSettings: there are no credentials in the environment.
        Unreachable: the store does not answer, does not know them, or has no such bucket.
    """
    options = {name.upper(): value for name, value in vars(workspace.storage).items() if value is not None}
    options |= {name: os.environ[variable] for name, variable in _CREDENTIALS.items() if os.environ.get(variable)}
    if missing := [variable for name, variable in _CREDENTIALS.items() if name not in options]:
        raise BadSettings(
            f"The warehouse's files are in {workspace.data_path}, but the environment does not say "
            f"{' and '.join(missing)}. Set it there; suanheng.toml is no place for it."
        )
    if token := os.environ.get("AWS_SESSION_TOKEN"):
        options["SESSION_TOKEN"] = token
    stated = ", ".join(f"{name} {quoted(value)}" for name, value in options.items())
    connection.execute(f"CREATE SECRET storage (TYPE s3, SCOPE {quoted(workspace.data_path)}, {stated})")
    try:
        connection.execute(f"FROM glob({quoted(workspace.data_path + '/.reachable*')})")
    except (duckdb.IOException, duckdb.HTTPException) as error:
        said = str(error).partition("\n\nLINE 1:")[0]
        raise Unreachable(
            f"The object store of {workspace.data_path} cannot be used: {said}\n"
            "See that it runs, that [storage] in suanheng.toml names it, that the bucket is there, and that "
            f"{' and '.join(_CREDENTIALS.values())} belong to it."
        ) from None
