import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from suanheng.schemas.indicators import INDICATORS
from suanheng.transforms.build import catalogue
from suanheng.transforms.scoring.fit import require_fit
from suanheng.transforms.scoring.methodology import FOLDER, InvalidMethodology, Methodology, load

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


def test_it_fits_the_indicators_that_are_computed(methodology: Methodology):
    nothing_yet = pl.DataFrame(schema=INDICATORS.dtypes())

    require_fit(nothing_yet, methodology, catalogue())

    assert {i.indicator for i in methodology.indicators} | set(methodology.supplementary) == set(
        catalogue()["indicator"]
    )


def test_hash_is_that_of_the_file(methodology: Methodology):
    assert methodology.hash == hashlib.sha256(SHIPPED.read_bytes()).hexdigest()


def test_a_path_loads_like_a_name(methodology: Methodology):
    assert load(SHIPPED) == methodology


def test_an_unknown_name_lists_those_there_are():
    with pytest.raises(FileNotFoundError, match=r"no methodology hqc-2042.*hqc-2024"):
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


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (spoil_schema, "$.dimensions[0].indicators[0].weight: 0 is less than or equal to the minimum of 0"),
        (spoil_extra_key, "'wieght' was unexpected"),
        (spoil_sum, "dimensions: the weights sum to 6, but weights_sum_to says 5"),
        (spoil_inner_sum, "compute_efficiency: the weights sum to 4, but weights_sum_to says 3"),
        (spoil_goalposts, "theoretical_efficiency: 0 and 100 points are both at 1413"),
        (spoil_direction, "theoretical_efficiency: lower is better, but 100 points are at 1413 and 0 at 0"),
        (spoil_identity, "indicator theoretical_efficiency is named 2 times"),
        (spoil_bands, "give them from the best to the one that begins at 0, but they begin at [60, 20]"),
        (spoil_name, "the file is named hqc-2024, but calls itself hqc-2025"),
        (spoil_geometric_at_zero, "$.aggregation.dimensions"),
    ],
)
def test_broken_laws_are_named(spoil: Callable[[dict], None], fault: str, saved: Callable[[dict], Path]):
    methodology = document()
    spoil(methodology)

    with pytest.raises(InvalidMethodology) as refusal:
        load(saved(methodology))

    assert len(refusal.value.faults) == 1
    assert fault in refusal.value.faults[0]


def test_all_faults_are_named_at_once(saved: Callable[[dict], Path]):
    methodology = document()
    spoil_sum(methodology)
    spoil_direction(methodology)

    with pytest.raises(InvalidMethodology) as refusal:
        load(saved(methodology))

    assert len(refusal.value.faults) == 2


def test_what_is_not_yaml_is_refused(tmp_path: Path):
    path = tmp_path / "broken.yaml"
    path.write_text("dimensions: [", encoding="utf-8")

    with pytest.raises(InvalidMethodology, match="not YAML"):
        load(path)
