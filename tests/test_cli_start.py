"""How the command line starts: what is slow to load is loaded by the verb that needs it."""

import subprocess
import sys
from importlib.metadata import version

import pytest
from typer.testing import CliRunner

from suanheng.flows.commands import app

SLOW = (
    *("great_expectations", "pandas", "pandera", "prefect", "rdflib", "SALib", "scipy", "spdx_tools", "altair"),
    "suanheng.config.settings",
)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["sql", "--help"], ["doctor", "--help"]])
def test_verbs_that_only_ask_load_nothing_slow(arguments, tmp_path):
    code = (
        "import atexit, sys; from suanheng.flows.commands import main; sys.argv = ['suanheng', *sys.argv[1:]];"
        f"atexit.register(lambda: print('loaded', *[name for name in {SLOW} if name in sys.modules])); main()"
    )
    command = [sys.executable, "-c", code, *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert ended.stdout.splitlines()[-1] == "loaded"


def test_the_version_is_that_of_the_package():
    ended = CliRunner().invoke(app, ["--version"])
    assert (ended.exit_code, ended.stdout) == (0, f"suanheng {version('suanheng')}\n")
