"""Verbs that prepare: init, demo, template, doctor."""

import csv
import platform
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any

import typer

from suanheng.config.errors import BadSettings, ExitCode, SuanhengError
from suanheng.config.workspace import SETTINGS_FILE, open_workspace
from suanheng.flows.commands.console import (
    JsonOption,
    WorkspaceOption,
    fail,
    say_json,
    say_table,
    words,
)

NEEDED = (
    "duckdb",
    "duckdb-extension-ducklake",
    "duckdb-extension-httpfs",
    "duckdb-extension-postgres-scanner",
    "duckdb-extension-sqlite-scanner",
    "prefect",
    "pandera",
    "polars",
)
"""Packages that suanheng does not run without."""

SETTINGS = """\
# Settings of this suanheng workspace. Paths are relative to this file.

[warehouse]
catalog = "sqlite:lake/catalog.sqlite"
data_path = "lake/data"
# With some thousand devices or fewer, more threads only wait for each other. Remove the line for larger sites.
threads = 1

[scoring]
methodology = "hqc-2024"

[reports]
folder = "reports"
"""
SITES = """\
# The centres that are scored. One [[site]] each.
#
# [[site]]
# site_id = "my-centre"
# name_en = "My centre"
# name_zh = "示例中心"
# time_zone = "Asia/Shanghai"
# region_code = "CN-HE"        # ISO 3166-2, decides the grid factor
# commissioned_on = 2022-01-01
"""
SOURCES = """\
# What comes in. One [[source]] per format and place; {site} in a path is the site.
#
# [[source]]
# format = "template"
# dataset = "utility_bills"
# files = "landing/{site}/utility_bills/*"
# cadence = "monthly"          # hourly, daily, weekly, monthly, quarterly, yearly or once
# time_zone = "Asia/Shanghai"  # needed where times carry no offset
# evidence = "metered"         # metered, measured, declared, estimated or simulated
"""


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command()(init)
    app.command()(demo)
    app.command()(template)
    app.command()(doctor)


def init(folder: Annotated[Path, typer.Argument(help="Where.")] = Path(), as_json: JsonOption = False) -> None:
    """Make a workspace: settings, a landing zone, an empty list of sites and sources."""
    if (folder / SETTINGS_FILE).exists():
        raise BadSettings(f"{folder / SETTINGS_FILE} is there already. Nothing was changed.")
    (folder / "landing").mkdir(parents=True, exist_ok=True)
    for name, text in ((SETTINGS_FILE, SETTINGS), ("sites.toml", SITES), ("sources.toml", SOURCES)):
        if not (folder / name).exists():
            (folder / name).write_text(text, encoding="utf-8")
    if as_json:
        say_json({"workspace": str(folder)})
        return
    words.print(f"{folder}: fill in sites.toml and sources.toml, put files into landing/, then: suanheng nightly")


def demo(folder: Annotated[Path, typer.Argument(help="Where.")] = Path("demo"), as_json: JsonOption = False) -> None:
    """Run the whole pipeline on generated data of three fictitious centres."""
    from suanheng.flows.commands.run import nightly
    from suanheng.flows.demo import generate

    if not (folder / SETTINGS_FILE).exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / SETTINGS_FILE).write_text(SETTINGS, encoding="utf-8")
        words.print(f"Generating simulated data of three fictitious centres in {folder} …")
        generate(folder)
    try:
        nightly(folder, as_json)
    finally:
        if not as_json:
            for page in sorted((folder / "reports").glob("index.*.html")):
                words.print(f"Scorecards: {page}", markup=False)


def template(
    dataset: Annotated[str, typer.Argument(help="Dataset.")],
    folder: Annotated[Path, typer.Option("--to", help="Folder to write to.")] = Path(),
    parquet: Annotated[bool, typer.Option(help="Parquet instead of CSV.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write an empty template of a dataset, and what its columns mean."""
    from suanheng.schemas.formats import template as template_of
    from suanheng.schemas.staged import DATASETS

    if dataset not in DATASETS:
        raise BadSettings(f"There is no dataset {dataset!r}. There are: {', '.join(DATASETS)}.")
    contract = template_of(dataset).contract
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{dataset}.{'parquet' if parquet else 'csv'}"
    if path.exists():
        raise BadSettings(f"{path} is there already. Nothing was changed.")
    if parquet:
        import polars as pl

        pl.DataFrame(schema=contract.dtypes()).write_parquet(path)
    else:
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerow(contract.columns)
    columns = [_described(name, column) for name, column in contract.columns.items()]
    if as_json:
        say_json({"file": str(path), "one_row_is": contract.one_row_is, "columns": columns})
        return
    words.print(f"{path}: one row is {contract.one_row_is}", markup=False)
    say_table(columns)


def _described(name: str, column: Any) -> dict[str, Any]:
    return {
        "column": name,
        "unit": column.unit,
        "required": "yes" if column.must_be_given else "",
        "meaning": column.meaning,
        "also accepted as": ", ".join(column.spellings),
    }


def doctor(workspace: WorkspaceOption = Path(), as_json: JsonOption = False) -> None:
    """Check the installation and the workspace, and say what to do."""
    checks = [_python(), *map(_package, NEEDED), _extensions()]
    faults = None
    try:
        checks.append(_workspace(workspace))
        checks += _factors(workspace)
    except BadSettings as error:
        faults = str(error)
        checks.append(_check("workspace", str(workspace), faults if as_json else "Repair its settings: see below."))
    if as_json:
        say_json(checks)
    else:
        say_table(checks)
    if faults and not as_json:
        fail(faults, ExitCode.USAGE)
    good = all(check["ok"] == "yes" for check in checks)
    sys.exit(ExitCode.USAGE if faults else ExitCode.DONE if good else ExitCode.ERROR)


def _check(what: str, found: str, problem: str = "") -> dict[str, str]:
    return {"what": what, "ok": "no" if problem else "yes", "found": found, "do": problem}


def _python() -> dict[str, str]:
    old = sys.version_info < (3, 11)
    return _check("Python", platform.python_version(), "Install Python 3.11 or newer." if old else "")


def _package(name: str) -> dict[str, str]:
    try:
        return _check(name, version(name))
    except PackageNotFoundError:
        return _check(
            name, "not installed", "Install suanheng again with its pinned constraints: make clean, then make test"
        )


def _extensions() -> dict[str, str]:
    from suanheng.warehouse.engine import EXTENSIONS, extension_path

    missing = [name for name in EXTENSIONS if not extension_path(name).exists()]
    pinned = f"Install duckdb-extension-* of version {version('duckdb')}." if missing else ""
    return _check("DuckDB extensions", ", ".join(missing) + " missing" if missing else "loadable", pinned)


def _factors(folder: Path) -> list[dict[str, str]]:
    """Whether every carbon factor that was looked for is known; nothing before the first night."""
    import duckdb

    from suanheng.flows.status.missing_factors import missing_factors
    from suanheng.warehouse.lake import reading

    try:
        with reading(open_workspace(folder)) as lake:
            missing = missing_factors(lake)
    except (SuanhengError, duckdb.Error):
        return []
    return [
        _check(
            "carbon factors",
            f"none for {row['region']} in {row['year']} ({row['kind']}); nearest: {row['nearest']}",
            f"Add a row to {row['add to']} with the columns {row['columns']}.",
        )
        for row in missing
    ]


def _workspace(folder: Path) -> dict[str, str]:
    from suanheng.config.sources import source_files
    from suanheng.flows.orchestration.settings_check import read_settings

    settings = read_settings(folder)
    files = list(source_files(settings.workspace.root, settings.sources))
    strangers = {file.site_id for file in files} - {site.site_id for site in settings.sites}
    problem = f"Add to sites.toml: {', '.join(sorted(strangers))}." if strangers else ""
    free_gib = shutil.disk_usage(settings.workspace.root).free / 2**30
    counts = f"{len(settings.sites)} sites, {len(settings.sources)} sources, {len(settings.pulls)} pulls"
    return _check("workspace", f"{counts}, {len(files)} files, {free_gib:.0f} GiB free", problem)
