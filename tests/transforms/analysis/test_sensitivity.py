"""Sobol indices against functions whose indices are known, and what is left without an indicator."""

import numpy as np
import polars as pl
import pytest

from suanheng.transforms.analysis.index import Index, Indicator
from suanheng.transforms.analysis.input_uncertainty import InputUncertainty
from suanheng.transforms.analysis.measurement import COLUMNS
from suanheng.transforms.analysis.sensitivity import Design, rank_change, removals, sensitivity, sobol_indices
from suanheng.transforms.scoring.aggregate import Aggregation, Group
from suanheng.transforms.scoring.normalise import Yardstick
from suanheng.transforms.scoring.values import UndefinedScore

POINTS = Yardstick("higher", 0, 100)
INDICATORS = tuple(Indicator(name, POINTS) for name in ("x", "y", "z"))
TABLE = pl.DataFrame({"unit": ["a", "b"], "x": [50.0, 40.0], "y": [50.0, 45.0], "z": [50.0, 20.0]})
INDEX = Index(INDICATORS, (Group("top", {"x": 1, "y": 2, "z": 1}),))


def measured(*indicators: str, spread: float = 10.0) -> InputUncertainty:
    """Unit a is uncertain in each indicator by the same, each for a cause of its own."""
    rows = [("a", name, f"cause {name}", name, "uniform", 50 - spread, 50 + spread) for name in indicators]
    return InputUncertainty(measurement=pl.DataFrame(rows, schema=COLUMNS, orient="row"))


def test_of_a_weighted_mean_the_indices_are_the_squared_weights():
    # a's score is (x + 2 y + z) ÷ 4: variances in the proportion 1 : 4 : 1, without interaction
    found = sensitivity(INDEX, TABLE, measured("x", "y", "z"), unit="a", base_samples=1024)

    assert found["factor"].to_list() == ["cause x", "cause y", "cause z"]
    for column in ("first_order", "total"):
        assert found[column].to_list() == pytest.approx([1 / 6, 4 / 6, 1 / 6], abs=0.02)
    assert (found["first_order_p05"] < found["first_order"]).all()
    assert (found["first_order"] < found["first_order_p95"]).all()
    assert (found["total_p95"] - found["total_p05"] < 0.1).all()


def test_of_a_product_the_total_index_holds_the_interaction():
    # the geometric mean squared is x y with both uniform on 0..100: of the log the share is ½ each; of √(x y) itself
    # E[√x] = ⅔ and Var √x = ½ - 4/9 = 1/18 (on 0..1): first order (4/9 × 1/18) ÷ V, with V = ¼ - 16/81
    index = Index(INDICATORS[:2], (Group("top", {"x": 1, "y": 1}),), aggregation=Aggregation("geometric"))
    found = sensitivity(index, TABLE, measured("x", "y", spread=49.999), unit="a", base_samples=2048)

    variance = 1 / 4 - 16 / 81
    first = (4 / 9) * (1 / 18) / variance
    assert found["first_order"].to_list() == pytest.approx([first, first], abs=0.02)
    assert found["total"].to_list() == pytest.approx([1 - first, 1 - first], abs=0.02)


def test_the_same_seed_gives_the_same_indices():
    once = sensitivity(INDEX, TABLE, measured("x", "y"), unit="a", base_samples=64, seed=4)

    assert once.equals(sensitivity(INDEX, TABLE, measured("x", "y"), unit="a", base_samples=64, seed=4))
    assert not once.equals(sensitivity(INDEX, TABLE, measured("x", "y"), unit="a", base_samples=64, seed=5))


def test_centring_changes_the_scatter_and_not_what_is_estimated():
    generator = np.random.default_rng(11)
    x, y = generator.random((2, 4_000)), generator.random((2, 4_000))
    far = 1_000.0
    design = Design(
        ("x", "y"),
        far + x[0] + 2 * y[0],
        far + x[1] + 2 * y[1],
        np.stack([far + x[1] + 2 * y[0], far + x[0] + 2 * y[1]], axis=1),
    )

    centred, raw = sobol_indices(design, 200), sobol_indices(design, 200, is_centred=False)

    assert centred["first_order"].to_list() == pytest.approx([0.2, 0.8], abs=0.05)
    assert (raw["first_order_p95"] - raw["first_order_p05"]).min() > 20 * (
        centred["first_order_p95"] - centred["first_order_p05"]
    ).max()
    assert raw["total"].to_list() == pytest.approx(centred["total"].to_list())


def test_the_mean_absolute_change_of_ranks():
    nominal = np.array([3.0, 2.0, 1.0, np.nan])
    scores = np.array([[3.0, 1.0], [2.0, 2.0], [1.0, 3.0], [np.nan, np.nan]])

    # unchanged; first and last swapped, over three units that have a rank
    assert rank_change(scores, nominal).tolist() == pytest.approx([0, 4 / 3])


def test_what_cannot_be_explained_is_refused():
    with pytest.raises(UndefinedScore, match="single factor"):
        sensitivity(INDEX, TABLE, measured("x"), unit="a")
    # ten points in one indicator do not move b past a: no rank ever changes
    with pytest.raises(UndefinedScore, match="no variation"):
        sensitivity(INDEX, TABLE, measured("x", "y", spread=1.0))
    with pytest.raises(UndefinedScore, match="unknown output"):
        gap = TABLE.with_columns(z=pl.Series([None, 20.0]))
        sensitivity(INDEX, gap, measured("x", "y"), unit="a", base_samples=8)
    with pytest.raises(ValueError, match="power of two"):
        sensitivity(INDEX, TABLE, measured("x", "y"), base_samples=100)
    with pytest.raises(ValueError, match="expected one of the units a, b, got q"):
        sensitivity(INDEX, TABLE, measured("x", "y"), unit="q")


def test_without_each_indicator():
    table = pl.DataFrame({"unit": ["a", "b"], "x": [90.0, 10.0], "y": [10.0, 60.0], "z": [50.0, 50.0]})
    groups = (Group("inner", {"y": 1, "z": 1}), Group("top", {"x": 1, "inner": 1}))
    found = removals(Index(INDICATORS, groups), table)

    # with all: a (90 + 30) ÷ 2 = 60, b (10 + 55) ÷ 2 = 32.5
    expected = {
        ("x", "a"): (30, 2, -30, 1),
        ("x", "b"): (55, 1, 22.5, -1),
        ("y", "a"): (70, 1, 10, 0),
        ("y", "b"): (30, 2, -2.5, 0),
        ("z", "a"): (50, 1, -10, 0),
        ("z", "b"): (35, 2, 2.5, 0),
    }
    assert {tuple(row[:2]): row[2:] for row in found.iter_rows()} == expected
    # and without the whole group
    assert removals(Index(INDICATORS, groups), table, level=2)["score"].to_list() == [90, 10]


def test_rounding_is_no_variation():
    # the same number in every replicate, but for the last place
    outputs = np.full(64, 50.0)
    jittered = outputs + np.where(np.arange(64) % 2, 1e-14, 0.0)

    with pytest.raises(UndefinedScore, match="no variation"):
        sobol_indices(Design(("x", "y"), jittered, outputs, np.stack([jittered, outputs], axis=1)))
