"""Every error of the package has one base, and the command line says each in its own words, with its exit code."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from suanheng.config.errors import BadSettings, ExitCode, SuanhengError
from suanheng.config.fingerprints import FLOORS
from suanheng.flows import commands
from suanheng.schemas.checking.records import UnreadableFile
from suanheng.warehouse.errors import NoWarehouse

ROOT = Path(__file__).parents[1]


def _errors() -> Iterator[type[BaseException]]:
    """Every class of exceptions that a module of the package defines."""
    for floor in FLOORS:
        for path in sorted((ROOT / floor).rglob("*.py")):
            name = ".".join(("suanheng", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")
            for member in vars(import_module(name)).values():
                if isinstance(member, type) and issubclass(member, BaseException) and member.__module__ == name:
                    yield member


def test_every_error_has_the_same_base_and_says_when_it_is_raised() -> None:
    found = {error for error in _errors() if error is not SuanhengError}
    assert {BadSettings, NoWarehouse, UnreadableFile} <= found
    assert [error for error in found if not issubclass(error, SuanhengError)] == []
    assert [error for error in found if not (error.__doc__ or "").startswith("Raised ")] == []


def test_errors_end_with_the_exit_codes_that_are_documented() -> None:
    """Nothing was done, but where a file or a recipe is broken, and where parts failed or were withheld."""
    other = {error.__name__: error.exit_code for error in _errors() if error.exit_code != ExitCode.USAGE}
    assert other == {"UnreadableFile": 1, "BadRecipe": 1, "PartsFailed": 4, "Withheld": 4}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BadSettings("there is no such period"), 2),
        (UnreadableFile("a.csv is empty", expected="a header", got="nothing", do="Export it again."), 1),
    ],
)
def test_the_command_line_says_an_error_and_no_traceback(
    error: SuanhengError, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _run(error, monkeypatch)
    with pytest.raises(SystemExit) as ended:
        commands.main()
    assert ended.value.code == code
    assert capsys.readouterr().err == f"{error}\n"


def test_the_command_line_hides_no_mistake_in_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    _run(ValueError("a bug"), monkeypatch)
    with pytest.raises(ValueError, match="a bug"):
        commands.main()


def _run(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every verb raise an error."""

    def verb() -> None:
        raise error

    monkeypatch.setattr(commands, "app", verb)
