"""The count of the house: right on a small one invented here, and its rules hold in this one."""

from pathlib import Path

import pytest

from tests import house
from tests.house import House, Rule

ROOT = Path(__file__).parents[1]

HOUSE = {
    "config/__init__.py": "",
    "config/workspace.py": "import tomllib",
    "schemas/gate.py": "from suanheng.config import workspace",
    "transforms/scoring/__init__.py": "",
    "transforms/scoring/laws.py": "from suanheng.config.workspace import read",
    "transforms/scoring/fit.py": "from suanheng.transforms.scoring.laws import linear",
    "transforms/building/build.py": "import suanheng.transforms.scoring.fit\nimport suanheng.transforms.scoring.laws",
    "transforms/rollups/energy.sql": "SELECT 1",
    "flows/__init__.py": "",
    "flows/nightly.py": "from suanheng.flows import night\n@flow(name='nightly')\ndef nightly(): ...",
    "flows/night.py": "import suanheng.schemas.gate\ndef run():\n    from suanheng.flows.reports.pages import write",
    "flows/reports/pages.py": "from suanheng.transforms import building",
}
"""A house in which nothing offends."""


def _built(root: Path, files: dict[str, str]) -> House:
    for name, text in (HOUSE | files).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return House(root)


def test_rooms_arrows_and_levels(tmp_path: Path) -> None:
    # In flows: nightly imports night, night imports reports within a function. In transforms: two imports, one arrow.
    table = [line.split() for line in house.counted(_built(tmp_path, {}))]
    assert table[1] == ["flows", "3", "2", "3", "4", "7"]
    assert table[2] == ["transforms", "2", "1", "2", "4", "4"]
    assert table[3] == ["warehouse", "0", "0", "-", "0", "0"]
    assert table[5] == ["config", "1", "0", "1", "2", "1"]
    assert [line for line in table if line[:1] == ["flows"]][1:] == [
        ["flows", "3:", "nightly"],
        ["flows", "2:", "night"],
        ["flows", "1:", "reports"],
    ]


def test_nothing_offends_in_a_tidy_house(tmp_path: Path) -> None:
    tidy = _built(tmp_path, {})
    assert [sentence for rule in house.RULES for sentence in rule(tidy)] == []


FUNCTION_OF_61_LINES = "class Builder:\n    def build(self):\n" + "        x = 1\n" * 60


@pytest.mark.parametrize(
    ("rule", "files", "stated"),
    [
        (house.loose_modules, {"flows/landing.py": "def flow(): ..."}, ["flows/landing.py is loose"]),
        (house.loose_modules, {"transforms/build.py": ""}, ["transforms/build.py is loose"]),
        (house.long_functions, {"schemas/a.py": FUNCTION_OF_61_LINES}, ["schemas/a.py: build has 61 lines"]),
        (house.long_functions, {"bench/a.py": FUNCTION_OF_61_LINES}, ["bench/a.py: build has 61 lines"]),
        (house.long_functions, {"schemas/a.py": FUNCTION_OF_61_LINES.removesuffix("        x = 1\n")}, []),
        (house.long_modules, {"docs/generate.py": "x = 1\n" * 401}, ["docs/generate.py has 401 lines"]),
        (house.long_modules, {"schemas/a.py": "x = 1\n" * 400}, []),
        (
            house.crowded_folders,
            {f"flows/demo/part_{n}.py": "" for n in range(14)} | {f"flows/sources/{n}.py": "" for n in range(14)},
            ["flows/demo holds 14 modules"],
        ),
        (
            house.upward_imports,
            {"config/sites.py": "from suanheng import warehouse", "warehouse/__init__.py": ""},
            ["config/sites.py imports suanheng.warehouse"],
        ),
        (
            house.without_fingerprint,
            {"transforms/weighing/weigh.py": ""},
            ["transforms/weighing/weigh.py is in no room of config/fingerprints.py"],
        ),
        (
            house.circles,
            {"transforms/scoring/laws.py": "def fit():\n    import suanheng.transforms.scoring.fit"},
            ["modules import each other", "rooms of transforms/scoring import each other"],
        ),
        (
            house.circles,
            {"transforms/scoring/grade.py": "from suanheng.transforms.building import build", "transforms/x.py": ""},
            ["rooms of transforms import each other in a circle: building <- scoring <- building"],
        ),
    ],
)
def test_each_rule_names_what_offends_it(tmp_path: Path, rule: Rule, files: dict[str, str], stated: list[str]) -> None:
    found = list(rule(_built(tmp_path, files)))
    assert len(found) == len(stated)
    assert all(sentence.startswith(start) for sentence, start in zip(found, stated, strict=True)), found


def test_nothing_offends_in_the_product() -> None:
    product = House(ROOT)
    assert [sentence for rule in house.RULES for sentence in rule(product)] == []
