"""Guards of the packaging: what is installed is what is here, and nothing shadows anything."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PARTS = ("config", "flows", "schemas", "transforms", "warehouse")
DATA = {".sql", ".toml", ".yaml", ".csv", ".json", ".jinja", ".css"}


def _sources(*suffixes: str) -> set[str]:
    return {
        path.relative_to(ROOT).as_posix()
        for part in PARTS
        for path in (ROOT / part).rglob("*")
        if path.suffix in suffixes and "__pycache__" not in path.parts
    }


@pytest.fixture(scope="module")
def wheel_files(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Names in a wheel built from a clean sdist of this tree."""
    out = tmp_path_factory.mktemp("dist")
    clean = tmp_path_factory.mktemp("clean") / "suanheng"
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
    for name in filter(None, tracked.decode().split("\0")):
        if (ROOT / name).is_file():
            (clean / name).parent.mkdir(parents=True, exist_ok=True)
            (clean / name).write_bytes((ROOT / name).read_bytes())
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(clean)],
        check=True,
        capture_output=True,
    )
    return set(zipfile.ZipFile(next(out.glob("*.whl"))).namelist())


def test_wheel_ships_exactly_what_is_here(wheel_files: set[str]) -> None:
    shipped = {name.removeprefix("suanheng/") for name in wheel_files if name.startswith("suanheng/")}
    here = _sources(".py", *DATA)
    assert here - shipped == set(), "in the tree, but not in the wheel"
    assert shipped - here == set(), "in the wheel, but not in the tree"


def test_wheel_puts_no_generic_name_into_site_packages(wheel_files: set[str]) -> None:
    tops = {name.split("/")[0] for name in wheel_files}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"suanheng"}


def test_every_package_is_listed() -> None:
    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    there = {"suanheng." + Path(name).parent.as_posix().replace("/", ".") for name in _sources(".py")}
    assert listed == there


def test_no_flow_shadows_a_module() -> None:
    # Prefect's path loader puts flows/ first on sys.path.
    names = {path.stem for path in (ROOT / "flows").iterdir() if not path.name.startswith("__")}
    dependencies = {"polars", "prefect", "pandera", "duckdb", "rich", "typer", "numpy", "altair"}
    assert names & (set(sys.stdlib_module_names) | dependencies) == set()


def test_every_entrypoint_loads_strictly() -> None:
    from prefect.flows import load_flow_from_entrypoint

    deployments = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    assert {deployment["name"] for deployment in deployments} >= {"nightly", "backfill"}
    for deployment in deployments:
        path, name = deployment["entrypoint"].split(":")
        loaded = load_flow_from_entrypoint(f"{ROOT / path}:{name}", use_placeholder_flow=False)
        assert loaded.name == deployment["name"]
        unknown = set(deployment.get("parameters", {})) - set(loaded.parameters.properties)
        assert not unknown, f"{deployment['name']}: no parameter {unknown}"


def test_readers_and_reports_know_neither_prefect_nor_sql_engines() -> None:
    for name in sorted(_sources(".py")):
        if name.startswith(("flows/sources/", "flows/reports/")):
            text = (ROOT / name).read_text(encoding="utf-8")
            assert "import prefect" not in text and "from prefect" not in text, name
            assert "import duckdb" not in text, name


def test_only_the_warehouse_attaches_duckdb() -> None:
    for name in sorted(_sources(".py")):
        if not name.startswith("warehouse/"):
            assert "duckdb.connect" not in (ROOT / name).read_text(encoding="utf-8"), name
