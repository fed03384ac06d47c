"""The ASEM Sustainable Connectivity index of COINr: every published stage to 1e-9, its uncertainty and sensitivity.

51 units, 49 indicators, 8 pillars, 2 sub-indices, 1 index. Data of bluefoxr/COINr @ b968203; numbers quoted from its
manual name the article.
"""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from suanheng.transforms.analysis.contributions import State, contributions
from suanheng.transforms.analysis.index import Index, Indicator, Stages, compute
from suanheng.transforms.analysis.input_uncertainty import Choice, InputUncertainty
from suanheng.transforms.analysis.replicates import Replicates, intervals, replicate
from suanheng.transforms.analysis.sensitivity import Design, rank_change, removals, sensitivity, sobol_indices
from suanheng.transforms.analysis.table_steps import Imputation, Screening, Treatment, screen
from suanheng.transforms.analysis.weights import pca_weights, principal_loadings
from suanheng.transforms.scoring.aggregate import Aggregation, Group
from suanheng.transforms.scoring.normalise import Normalisation, Yardstick, rank
from suanheng.transforms.scoring.values import UndefinedScore, Values

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "coinr_asem"

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not FOLDER.is_dir(), reason="the public data of COINr is not at ../shared/data/coinr_asem"),
]


@cache
def table(name: str) -> pl.DataFrame:
    return pl.read_csv(FOLDER / f"{name}.csv")


def groups() -> tuple[Group, ...]:
    """The published structure: indicators to pillars to sub-indices to the index, all weights 1."""
    weights = {code: weight for _, code, weight in table("weights").iter_rows()}
    structure = table("structure")
    levels = [("IndCode", "Agg1"), ("Agg1", "Agg2"), ("Agg2", "Agg3")]
    return tuple(
        Group(parent[0], {child: weights[child] for child in members[level].unique(maintain_order=True)})
        for level, above in levels
        for parent, members in structure.group_by(above, maintain_order=True)
    )


def index(unit: str, groups_of_units: str, denominators: dict[str, str], winsorise_at_most: int) -> Index:
    indicators = tuple(
        Indicator(
            row["IndCode"],
            Yardstick("higher" if row["Direction"] > 0 else "lower"),
            denominators.get(row["Denominator"]),
        )
        for row in table("meta_indicators").iter_rows(named=True)
    )
    return Index(
        indicators,
        groups(),
        unit,
        imputation=Imputation("mean", groups=groups_of_units),
        treatment=Treatment(winsorise_at_most),
        normalisation=Normalisation("min_max"),
    )


@pytest.fixture(scope="module")
def stages() -> Stages:
    """All stages in one go, from the raw table of the published stages."""
    sizes = table("denominators").select("UnitCode", pl.col("^Den_.*$"))
    raw = table("stage1_Raw").join(sizes, on="UnitCode", how="left", maintain_order="left")
    denominators = {name: name for name in sizes.columns}
    # published_treatment_summary.csv: "Default, winmax = 6"
    return compute(index("UnitCode", "Group_EurAsia", denominators, winsorise_at_most=6), raw)


@pytest.fixture(scope="module")
def example() -> Index:
    """COINr's build_example_coin(), from which its uncertainty, sensitivity and manual come: winmax = 5."""
    denominators = {"Den_Area": "Area", "Den_Energy": "Energy", "Den_GDP": "GDP", "Den_Pop": "Population"}
    return index("uCode", "EurAsia_group", denominators, winsorise_at_most=5)


def assert_equal(computed: pl.DataFrame, published: pl.DataFrame) -> None:
    """Every column of ours, unit by unit."""
    assert computed["UnitCode"].to_list() == published["UnitCode"].to_list()
    for name in computed.columns[1:]:
        ours, theirs = (frame[name].cast(pl.Float64).to_numpy() for frame in (computed, published))
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9, equal_nan=True, err_msg=name)


@pytest.mark.parametrize(
    ("stage", "published", "columns"),
    [
        ("denominated", "stage2_Denominated", 49),
        ("imputed", "stage3_Imputed", 49),
        ("treated", "stage4_Treated", 49),
        ("normalised", "stage5_Normalised", 49),
        ("aggregated", "stage6_Aggregated", 11),
    ],
)
def test_every_stage(stages: Stages, stage: str, published: str, columns: int):
    computed = getattr(stages, stage)

    assert computed.shape == (51, columns + 1)
    assert_equal(computed, table(published))


def test_the_points_that_were_treated(stages: Stages):
    published = table("published_treatment_summary")

    assert stages.treatments["indicator"].to_list() == published["IndCode"].to_list()
    assert stages.treatments["raised"].to_list() == published["Low"].to_list()
    assert stages.treatments["lowered"].to_list() == published["High"].to_list()


@pytest.mark.parametrize(("country", "expected"), [("CHE", 68.38), ("NLD", 64.82), ("DNK", 64.80)])
def test_the_index_as_printed(stages: Stages, country: str, expected: float):
    assert round(stages.aggregated.row(by_predicate=pl.col("UnitCode") == country, named=True)["Index"], 2) == expected


def published(name: str) -> pl.DataFrame:
    """A published table in the order of the raw one."""
    return table("stage1_Raw").select("UnitCode").join(table(name), on="UnitCode", how="left", maintain_order="left")


def test_published_scores_and_ranks_of_every_level(stages: Stages):
    for name in stages.aggregated.columns[1:]:
        ours = stages.aggregated[name].to_numpy()
        np.testing.assert_allclose(ours, published("published_scores")[name].to_numpy(), atol=0.005 + 1e-9)
        # COINr ranked scores rounded to two decimals
        assert rank(ours.round(2)).tolist() == published("published_ranks")[name].to_list()
    assert stages.ranks["Index"].to_list() == published("published_ranks")["Index"].to_list()


def test_we_rank_unrounded_scores(stages: Stages):
    ours = dict(zip(stages.ranks["UnitCode"], stages.ranks["ConEcFin"], strict=True))

    # ConEcFin 6.6189 and 6.6160: published as 6.62 and on one rank
    assert published("published_ranks").filter(pl.col("UnitCode").is_in(["JPN", "RUS"]))["ConEcFin"].to_list() == [
        47,
        47,
    ]
    assert (ours["JPN"], ours["RUS"]) == (47, 48)


def test_units_screened_out(example: Index):
    # article "screening": below 85 % of the raw data are BRN, LAO and MMR
    judged = screen(table("ASEM_iData"), "uCode", example.names, Screening(minimum_availability=0.85))
    assert judged.filter(~pl.col("is_included"))["uCode"].sort().to_list() == ["BRN", "LAO", "MMR"]

    # and below three of these four LAO, MMR and VNM of the last twelve rows
    four = ["Research", "Pat", "CultServ", "CultGood"]
    judged = screen(table("ASEM_iData")[39:51], "uCode", four, Screening(minimum_availability=0.75))
    assert judged.filter(~pl.col("is_included"))["uCode"].to_list() == ["LAO", "MMR", "VNM"]


def test_loadings_of_the_first_component(example: Index):
    aggregated = compute(example, table("ASEM_iData")).aggregated

    # article "weights": get_PCA() of the pillars within each sub-index
    connectivity = {"Physical": 0.5117970, "ConEcFin": 0.3049926, "Political": 0.3547671, "Instit": 0.5081540}
    connectivity["P2P"] = 0.5108455
    sustainability = {"Environ": 0.6513188, "Social": -0.7443677, "SusEcFin": 0.1473108}
    for loadings in (connectivity, sustainability):
        found = principal_loadings(aggregated.select(*loadings).to_numpy())
        assert found.tolist() == pytest.approx(list(loadings.values()), abs=5e-8)
    with pytest.raises(UndefinedScore, match="loading not above zero"):
        pca_weights(aggregated.select(*sustainability).to_numpy())


def test_ranks_without_each_pillar(example: Index):
    # article "sensitivity": remove_elements(coin, Level = 2), mean absolute rank difference
    expected = {
        "Physical": 1.529412,
        "ConEcFin": 2.627451,
        "Political": 2.901961,
        "Instit": 1.176471,
        "P2P": 1.686275,
        "Environ": 3.098039,
        "Social": 3.960784,
        "SusEcFin": 2.627451,
    }

    changes = removals(example, table("ASEM_iData"), level=2)

    found = changes.group_by("removed").agg(pl.col("rank_change").abs().mean())
    assert dict(found.iter_rows()) == pytest.approx(expected, abs=5e-7)


DOUBT = InputUncertainty(
    choices=(
        Choice("treatment", tuple(Treatment(at_most) for at_most in range(1, 6))),
        Choice("normalisation", (Normalisation("min_max", (1, 100)), Normalisation("z_score", (10, 2)))),
        Choice("aggregation", (Aggregation("arithmetic"), Aggregation("geometric"))),
    ),
    weight_noise={2: 0.25, 3: 0.25},
)
"""The four uncertain choices of the published analysis."""


def published_replicates(analysis: str) -> Replicates:
    """The published scores of all replicates."""
    frame = table(f"{analysis}_Scores")
    return Replicates(
        frame["uCode"].to_list(), frame["Nominal"].to_numpy(), frame.drop("uCode", "Nominal").to_numpy().astype(float)
    )


@pytest.mark.parametrize("analysis", ["UA", "SA"])
def test_nominal_scores_and_ranks_of_the_replicates(example: Index, analysis: str):
    stages = compute(example, table("ASEM_iData"))

    both = table(f"{analysis}_Nominal").join(stages.aggregated.select("uCode", "Index"), on="uCode")
    np.testing.assert_allclose(both["Index"].to_numpy(), both["Score"].to_numpy(), rtol=1e-9)
    ranks = table(f"{analysis}_Nominal").join(stages.ranks.select("uCode", "Index"), on="uCode")
    assert ranks["Index"].to_list() == ranks["Rank"].to_list()
    assert ranks.height == 51


@pytest.mark.parametrize(("analysis", "random"), [("UA", 100), ("SA", 200)])
def test_statistics_of_the_published_replicates(analysis: str, random: int):
    # of a design COINr summarises the 2 N random ones
    all_replicates = published_replicates(analysis)
    ours = intervals(Replicates(all_replicates.units, all_replicates.nominal, all_replicates.scores[:, :random]))
    theirs = table(f"{analysis}_RankStats")

    assert all_replicates.ranks.tolist() == table(f"{analysis}_Ranks").drop("uCode", "Nominal").to_numpy().tolist()
    assert ours["unit"].to_list() == theirs["uCode"].to_list()
    columns = {"rank": "Nominal", "rank_mean": "Mean", "rank_median": "Median", "rank_p05": "Q5", "rank_p95": "Q95"}
    for name, published_name in columns.items():
        np.testing.assert_allclose(ours[name].to_numpy(), theirs[published_name].to_numpy(), rtol=1e-12)


def test_our_replicates_agree_with_the_published_ones(example: Index):
    ours = intervals(replicate(example, table("ASEM_iData"), DOUBT, replicates=4_000, seed=1))
    both = ours.join(table("UA_RankStats"), left_on="unit", right_on="uCode")

    # 100 published replicates estimate a mean rank to within four standard errors
    spread = published_replicates("UA").ranks.std(axis=1, ddof=1)
    units = published_replicates("UA").units
    errors = both.join(pl.DataFrame({"unit": units, "error": 4 * spread / 10}), on="unit")
    assert both.height == 51
    assert ((errors["rank_mean"] - errors["Mean"]).abs() <= errors["error"] + 0.05).all()


def test_replicates_can_be_had_one_by_one(example: Index):
    """The vectorised replicates are the index computed with each choice in turn."""
    data = table("ASEM_iData")
    input_uncertainty = replace(DOUBT, weight_noise={})

    ours = replicate(example, data, input_uncertainty, replicates=60, seed=3)

    draws = np.random.default_rng(3).random((60, 3))
    for number in (0, 13, 59):
        chosen = {
            choice.part: choice.alternatives[int(draw * len(choice.alternatives))]
            for choice, draw in zip(input_uncertainty.choices, draws[number], strict=True)
        }
        alone = compute(replace(example, **chosen), data).aggregated["Index"].to_numpy()
        np.testing.assert_allclose(ours.scores[:, number], alone, rtol=1e-12)


def published_design() -> Design:
    """Outputs of the published design, N = 100: first sample, second sample, then one block per factor."""
    replicates = published_replicates("SA")
    outputs = rank_change(replicates.scores, replicates.nominal)
    names = tuple(table("SA_Sensitivity")["Variable"])
    return Design(names, outputs[:100], outputs[100:200], outputs[200:].reshape(4, 100).T)


def test_indices_of_the_published_replicates_are_the_published_indices():
    found = sobol_indices(published_design(), is_centred=False)

    # COINr divides by the sample variance (n - 1) of the 200 random outputs, SALib by that of the population (n)
    for ours, theirs in (("first_order", "Si"), ("total", "STi")):
        np.testing.assert_allclose(
            found[ours].to_numpy() * 199 / 200, table("SA_Sensitivity")[theirs].to_numpy(), rtol=1e-9
        )


def test_intervals_of_the_published_replicates_are_about_the_published_ones():
    found = sobol_indices(published_design(), is_centred=False)

    # the bootstrap is random, and COINr keeps the variance fixed in it: ends agree to a third of the width
    for ours, theirs in (("first_order", "Si"), ("total", "STi")):
        width = (table("SA_Sensitivity")[f"{theirs}_q95"] - table("SA_Sensitivity")[f"{theirs}_q5"]).to_numpy()
        for end, quantile in (("p05", "q5"), ("p95", "q95")):
            difference = (found[f"{ours}_{end}"] - table("SA_Sensitivity")[f"{theirs}_{quantile}"]).to_numpy()
            assert (np.abs(difference) < width / 3).all()


def within(values: Values, theirs: str) -> bool:
    bounds = (table("SA_Sensitivity")[f"{theirs}_{quantile}"].to_numpy() for quantile in ("q5", "q95"))
    low, high = bounds
    return bool(((low <= values) & (values <= high)).all())


def test_centred_indices_of_the_published_replicates_lie_within_the_published_intervals():
    found = sobol_indices(published_design())

    assert within(found["first_order"].to_numpy(), "Si")
    assert within(found["total"].to_numpy(), "STi")


def test_our_own_sensitivity_lies_within_the_published_intervals(example: Index):
    found = sensitivity(example, table("ASEM_iData"), DOUBT, base_samples=512)

    order = {
        "treatment": "Winmax",
        "normalisation": "Normalisation",
        "weights": "Weights",
        "aggregation": "Aggregation",
    }
    ours = {order[row["factor"]]: row for row in found.iter_rows(named=True)}
    rows = [ours[name] for name in table("SA_Sensitivity")["Variable"]]
    assert within(np.array([row["first_order"] for row in rows]), "Si")
    assert within(np.array([row["total"] for row in rows]), "STi")
    # and says the same: aggregation matters most, winsorisation least
    assert [row["factor"] for row in sorted(rows, key=lambda row: row["total"])] == [
        "treatment",
        "weights",
        "normalisation",
        "aggregation",
    ]


@pytest.mark.parametrize("method", ["arithmetic", "geometric", "harmonic"])
def test_contributions_to_the_difference_of_two_countries(example: Index, method: str):
    onto_1 = replace(example, normalisation=Normalisation("min_max", (1, 100)), aggregation=Aggregation(method))
    stages = compute(onto_1, table("ASEM_iData"))
    first, last = (
        State.of(onto_1, {name: stages.normalised.filter(uCode=code)[name].to_numpy() for name in onto_1.names})
        for code in ("CHN", "CHE")
    )

    shares = contributions(first, last)

    china, switzerland = (stages.aggregated.filter(uCode=code)["Index"].item() for code in ("CHN", "CHE"))
    assert len(shares) == 49
    assert sum(share[0] for share in shares.values()) == pytest.approx(switzerland - china, abs=1e-9)
