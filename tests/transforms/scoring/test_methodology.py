import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from suanheng.config.errors import BadSettings
from suanheng.schemas.tables.indicators import INDICATORS
from suanheng.transforms.definitions.catalogue import catalogue
from suanheng.transforms.scoring.fit import MethodologyMismatch, require_fit, unnamed_indicators
from suanheng.transforms.scoring.laws import FOLDER
from suanheng.transforms.scoring.methodology import InvalidMethodology, Methodology, load, shipped

SHIPPED = Path(str(FOLDER)) / "hqc-2024.yaml"


def document() -> dict[str, Any]:
    return yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))


@pytest.fixture
def saved(tmp_path: Path) -> Callable[[dict], Path]:
    def save(methodology: dict) -> Path:
        path = tmp_path / "hqc-2024.yaml"
        path.write_text(yaml.safe_dump(methodology, allow_unicode=True), encoding="utf-8")
        return path

    return save


def test_the_five_dimensions_and_twelve_indicators(methodology: Methodology):
    # the declared mapping: 3 + 2 + 2 + 2 + 3
    assert [(d.dimension, d.name_zh, len(d.indicators)) for d in methodology.dimensions] == [
        ("compute_efficiency", "算效", 3),
        ("intelligence_efficiency", "智效", 2),
        ("carbon_efficiency", "碳效", 2),
        ("accessibility", "可获得", 2),
        ("sustainability", "可持续", 3),
    ]
    assert len(methodology.indicators) == 12


def test_only_four_names_are_published(methodology: Methodology):
    # the report's other eight names are not public
    published = [i.name_zh for i in methodology.indicators if i.origin == "published"]

    assert published == ["理论算效", "实测性能", "资源利用率", "模算效率"]


def test_every_goalpost_says_where_it_comes_from(methodology: Methodology):
    posts = [post for i in methodology.indicators for post in (i.at_0, i.at_100)]

    assert all(post.source for post in posts)
    assert {post.origin for post in posts} <= {"published", "declared", "standard"}


def test_derived_goalposts_follow_from_their_sources(methodology: Methodology):
    goalposts = {i.indicator: (i.at_0.value, i.at_100.value) for i in methodology.indicators}

    assert goalposts["theoretical_efficiency"][1] == round(989_000 / 700)  # H100, W5
    assert goalposts["model_compute_efficiency"][1] == round(79.15 / 7.4, 1)  # W1
    operational = 0.7 * 1.5 * 0.5306 / (0.989 * 0.1)
    assert goalposts["operational_carbon_intensity"][0] == round(operational, 2)
    assert goalposts["lifecycle_carbon_intensity"][0] == round(operational + 164 / 26_280 / (0.989 * 0.1), 2)
    assert goalposts["affordability"] == (round(6 / 0.0312), round(6 / (0.312 * 0.563), 1))


@pytest.mark.parametrize("methodology", shipped(), ids=lambda methodology: methodology.methodology)
def test_it_fits_the_indicators_that_are_computed(methodology: Methodology):
    nothing_yet = pl.DataFrame(schema=INDICATORS.dtypes())
    first = methodology.indicators[0].indicator

    require_fit(nothing_yet, methodology, catalogue())
    with pytest.raises(MethodologyMismatch, match=f"{first} is not in the catalogue"):
        require_fit(nothing_yet, methodology, catalogue().filter(pl.col("indicator") != first))


def test_every_indicator_is_scored_or_supplementary_somewhere():
    assert unnamed_indicators(shipped(), catalogue()) == []


def test_an_indicator_that_no_methodology_names_is_found(methodology: Methodology):
    with_another = pl.concat([catalogue().select("indicator"), pl.DataFrame({"indicator": ["zz_forgotten"]})])

    assert unnamed_indicators([methodology], with_another) == ["zz_forgotten"]


def test_the_second_methodology_scores_the_four_indicators_of_the_eu():
    # Commission Delegated Regulation (EU) 2024/1364, annex III
    eu = load("eu-2024-1364")

    assert [(i.indicator, i.better, i.unit) for i in eu.indicators] == [
        ("pue", "lower", "1"),
        ("wue", "lower", "L/kWh"),
        ("erf", "higher", "1"),
        ("ref", "higher", "1"),
    ]
    assert "sets none" in eu.origin_note


def test_hash_is_that_of_the_file(methodology: Methodology):
    assert methodology.hash == hashlib.sha256(SHIPPED.read_bytes()).hexdigest()


def test_a_path_loads_like_a_name(methodology: Methodology):
    assert load(SHIPPED) == methodology


def test_an_unknown_name_lists_those_there_are():
    with pytest.raises(BadSettings, match=r"no methodology hqc-2042.*hqc-2024"):
        load("hqc-2042")


def first(methodology: dict) -> dict:
    return methodology["dimensions"][0]["indicators"][0]


def spoil_schema(m: dict) -> None:
    first(m)["weight"] = 0


def spoil_extra_key(m: dict) -> None:
    first(m)["wieght"] = 1


def spoil_sum(m: dict) -> None:
    m["dimensions"][1]["weight"] = 2


def spoil_inner_sum(m: dict) -> None:
    first(m)["weight"] = 2


def spoil_goalposts(m: dict) -> None:
    first(m)["goalposts"]["at_0"]["value"] = first(m)["goalposts"]["at_100"]["value"]


def spoil_direction(m: dict) -> None:
    first(m)["better"] = "lower"


def spoil_identity(m: dict) -> None:
    m["supplementary"].append(first(m)["indicator"])


def spoil_bands(m: dict) -> None:
    m["grades"] = [{"grade": "A", "from": 60}, {"grade": "B", "from": 20}]


def spoil_name(m: dict) -> None:
    m["methodology"] = "hqc-2025"


def spoil_geometric_at_zero(m: dict) -> None:
    m["aggregation"]["dimensions"] = {"method": "geometric"}


def spoil_two_grades(m: dict) -> None:
    m["grades"][1]["grade"] = "A"


def spoil_by_infinity(m: dict) -> None:
    first(m)["goalposts"]["at_100"]["value"] = float("inf")


def spoil_by_nan(m: dict) -> None:
    # NaN passes every comparison of a schema
    first(m)["weight"] = float("nan")


def spoil_method(m: dict) -> None:
    m["aggregation"]["dimensions"] = {"method": "median", "lowest": 1}


def spoil_by_idle_lowest(m: dict) -> None:
    m["aggregation"]["indicators"]["lowest"] = 1


def spoil_exponent(m: dict) -> None:
    m["aggregation"]["dimensions"] = {"method": "generalised", "lowest": 1, "exponent": 0}


def spoil_missing_source(m: dict) -> None:
    del first(m)["goalposts"]["at_0"]["source"]


@pytest.mark.parametrize(
    ("spoil", "place", "expected", "got"),
    [
        (spoil_schema, "dimensions[0].indicators[0].weight", "more than 0", "0"),
        (
            spoil_extra_key,
            "dimensions[0].indicators[0]",
            "no keys but indicator, name, origin",
            "'wieght' was unexpected",
        ),
        (spoil_sum, "dimensions", "weights that sum to 5", "a sum of 6"),
        (spoil_inner_sum, "dimensions[0].indicators", "weights that sum to 3", "a sum of 4"),
        (
            spoil_goalposts,
            "dimensions[0].indicators[0].goalposts",
            "two goalposts for theoretical_efficiency",
            "0 and 100 points both at 1413",
        ),
        (
            spoil_direction,
            "dimensions[0].indicators[0].goalposts",
            "goalposts of theoretical_efficiency for which lower is better",
            "100 points at 1413 and 0 at 0",
        ),
        (spoil_identity, "supplementary", "every indicator once", "theoretical_efficiency 2 times"),
        (spoil_bands, "grades", "bands from the best to the one that begins at 0", "bands that begin at 60, 20"),
        (spoil_two_grades, "grades", "every grade once", "A 2 times"),
        (spoil_name, "methodology", "hqc-2024", "hqc-2025"),
        (spoil_by_infinity, "dimensions[0].indicators[0].goalposts.at_100.value", "a finite number", "inf"),
        (spoil_by_nan, "dimensions[0].indicators[0].weight", "a finite number", "nan"),
        (spoil_geometric_at_zero, "aggregation.dimensions", "the keys", "'lowest' is a required property"),
        (
            spoil_method,
            "aggregation.dimensions.method",
            '"arithmetic", "geometric", "harmonic", "generalised"',
            "median",
        ),
        (spoil_exponent, "aggregation.dimensions.exponent", "for 0 write geometric", "0"),
        (spoil_by_idle_lowest, "aggregation.indicators", "leave lowest out", '"lowest": 1'),
        (
            spoil_missing_source,
            "dimensions[0].indicators[0].goalposts.at_0",
            "source",
            "'source' is a required property",
        ),
    ],
)
def test_broken_laws_are_named(
    spoil: Callable[[dict], None], place: str, expected: str, got: str, saved: Callable[[dict], Path]
):
    methodology = document()
    spoil(methodology)

    with pytest.raises(InvalidMethodology) as refusal:
        load(saved(methodology))

    (fault,) = refusal.value.faults
    assert fault.file == "hqc-2024.yaml"
    assert fault.place.startswith(place)
    assert expected in fault.expected
    assert got in fault.got
    assert fault.do


def test_a_fault_says_where_in_the_file(tmp_path: Path):
    path = tmp_path / "hqc-2024.yaml"
    lines = SHIPPED.read_text(encoding="utf-8").splitlines()
    number = next(number for number, line in enumerate(lines) if line.strip() == "minimum_coverage: 0.25")
    lines[number] = lines[number].replace("0.25", "25")
    path.write_text("\n".join(lines), encoding="utf-8")

    with pytest.raises(InvalidMethodology) as refusal:
        load(path)

    assert [str(fault) for fault in refusal.value.faults] == [
        f"hqc-2024.yaml, line {number + 1}, dimensions[0].indicators[1].minimum_coverage: "
        "expected at most 1, but got 25; config/methodology/schema.json describes every key"
    ]


def test_a_key_given_twice_is_refused(tmp_path: Path):
    # a YAML reader keeps the last one silently
    path = tmp_path / "hqc-2024.yaml"
    path.write_text(SHIPPED.read_text(encoding="utf-8") + "version: 2\n", encoding="utf-8")

    with pytest.raises(InvalidMethodology, match="version: expected every key once, but got version 2 times"):
        load(path)


def test_all_faults_are_named_at_once(saved: Callable[[dict], Path]):
    methodology = document()
    spoil_sum(methodology)
    spoil_direction(methodology)

    with pytest.raises(InvalidMethodology) as refusal:
        load(saved(methodology))

    assert len(refusal.value.faults) == 2


@pytest.mark.parametrize(
    "content", ["dimensions: [", "just text", "- a\n- list", "", "\x00", "dimensions: &all [*all]"]
)
def test_what_is_no_methodology_at_all_is_refused(tmp_path: Path, content: str):
    path = tmp_path / "broken.yaml"
    path.write_text(content, encoding="utf-8")

    with pytest.raises(InvalidMethodology, match=r"broken.yaml, line \d+"):
        load(path)
