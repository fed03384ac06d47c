"""Another methodology beside the current one: the bridge adds up, and says which difference does what."""

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from suanheng.flows.commands import app
from suanheng.transforms.analysis.lineage import NotThere
from suanheng.transforms.analysis.whatif import WhatIf, what_if
from suanheng.transforms.scoring.laws import FOLDER
from suanheng.transforms.scoring.methodology import Methodology, load
from suanheng.warehouse.lake import reading

ENDS = {"contribution": "score", "contribution_low": "score_low", "contribution_high": "score_high"}


def asked(centre, current: Methodology, other: Methodology, *which: str) -> list[WhatIf]:
    with reading(centre.workspace) as lake:
        return what_if(lake, current, other, *which)


def changed(tmp_path: Path, methodology: str, change) -> Methodology:
    """A copy of a shipped methodology with a change."""
    document = yaml.safe_load(Path(str(FOLDER / f"{methodology}.yaml")).read_text(encoding="utf-8"))
    change(document)
    path = tmp_path / f"{methodology}.yaml"
    path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    return load(path)


def assert_adds_up(card: WhatIf) -> None:
    for part, end in ENDS.items():
        shares = [getattr(step, part) for step in card.bridge]
        if card.before[end] is None or card.after[end] is None:
            assert all(share is None for share in shares)
        else:
            assert sum(shares) == pytest.approx(card.after[end] - card.before[end], abs=1e-9)


def test_the_same_methodology_changes_nothing(built_once) -> None:
    cards = asked(built_once, load("hqc-2024"), load("hqc-2024"))
    stored = built_once.ask("SELECT site_id, period, score, score_low, score_high FROM scorecards.composites")
    assert len(cards) == 9
    assert all(card.before == card.after and card.bridge == [] for card in cards)
    found = {(card.site_id, card.period, *(card.before[end] for end in ENDS.values())) for card in cards}
    assert found == set(stored.iter_rows())


def test_another_methodology_bridges_from_the_indicators_that_go_to_those_that_come(built_once) -> None:
    cards = asked(built_once, load("hqc-2024"), load("eu-2024-1364"))
    assert len(cards) == 9
    for card in cards:
        assert_adds_up(card)
        causes = {step.name: step.cause for step in card.bridge}
        assert {name for name, cause in causes.items() if cause == "indicator came"} == {"pue", "wue", "erf", "ref"}
        assert list(causes.values()).count("indicator went") == 12
        assert causes["composite"] == "aggregation"  # geometric, then arithmetic


def half_covered(document: dict) -> None:
    """The tiny centre has half a year: let that be enough."""
    for indicator in document["dimensions"][0]["indicators"]:
        indicator["minimum_coverage"] = 0.5


def points_by_hand(centre) -> list[float]:
    """Points of PUE, WUE, ERF and REF in 2023 by the goalposts of the EU's indicators."""
    values = dict(centre.ask("SELECT indicator, value FROM indicators.\"all\" WHERE period = '2023'").iter_rows())
    # 1310 kWh billed for 1100 kWh behind the UPS, 2000 L of water, 50 kWh of heat in every month; certificates for
    # 1810 kWh of the six months' 7860 kWh.
    ratios = [1310 / 1100, 2000 / 1100, 50 / 1310, 1810 / 7860]
    assert [values[name] for name in ("pue", "wue", "erf", "ref")] == pytest.approx(ratios)
    return [100.0, (2 - ratios[1]) / (2 - 0.4) * 100, ratios[2] / 0.2 * 100, ratios[3] * 100]  # 1.19 is below 1.2


def test_a_weight_and_a_goalpost_by_hand(built_once, tmp_path) -> None:
    def change(document: dict) -> None:
        half_covered(document)
        (dimension,) = document["dimensions"]
        pue, wue, *_ = dimension["indicators"]
        pue["weight"], dimension["weights_sum_to"] = 2, 5
        wue["goalposts"]["at_0"]["value"] = 4

    current = changed(tmp_path, "eu-2024-1364", half_covered)
    (card,) = asked(built_once, current, changed(tmp_path, "eu-2024-1364", change), "tiny", "2023")

    pue, wue, *others = points_by_hand(built_once)
    wue_after = (4 - 2000 / 1100) / (4 - 0.4) * 100

    def mean(weight_of_pue: int, points_of_wue: float) -> float:
        return (weight_of_pue * pue + points_of_wue + sum(others)) / (weight_of_pue + 3)

    assert card.before["score"] == pytest.approx(mean(1, wue))
    assert card.after["score"] == pytest.approx(mean(2, wue_after))
    # Two switches: each is the mean of what it does first and what it does last.
    by_weight = (mean(2, wue) - mean(1, wue) + mean(2, wue_after) - mean(1, wue_after)) / 2
    by_goalpost = (mean(1, wue_after) - mean(1, wue) + mean(2, wue_after) - mean(2, wue)) / 2
    found = {(step.name, step.cause): (step.before, step.after, step.contribution) for step in card.bridge}
    assert found == {
        ("pue", "weight"): ("weight 1", "weight 2", pytest.approx(by_weight, abs=1e-9)),
        ("wue", "goalposts"): (
            "goalposts 2 to 0.4, coverage limit 0.5",
            "goalposts 4 to 0.4, coverage limit 0.5",
            pytest.approx(by_goalpost, abs=1e-9),
        ),
    }
    assert_adds_up(card)


def test_a_coverage_limit_by_hand(built_once, tmp_path) -> None:
    lower = changed(tmp_path, "eu-2024-1364", half_covered)
    (card,) = asked(built_once, load("eu-2024-1364"), lower, "tiny", "2023")

    points = points_by_hand(built_once)
    # Withheld indicators count 0 at the low end and 100 at the high end; each is a quarter of the mean.
    assert (card.before["score"], card.before["score_low"], card.before["score_high"]) == (None, 0, 100)
    assert card.after["score"] == pytest.approx(sum(points) / 4)
    assert {(step.cause, step.contribution) for step in card.bridge} == {("coverage limit", None)}
    ends = {step.name: (step.contribution_low, step.contribution_high) for step in card.bridge}
    assert len(ends) == 4
    for name, of_indicator in zip(("pue", "wue", "erf", "ref"), points, strict=True):
        assert ends[name] == pytest.approx((of_indicator / 4, (of_indicator - 100) / 4), abs=1e-9)


def test_it_writes_nothing_and_the_verb_tells_it(built_once) -> None:
    before = built_once.snapshot()
    run = CliRunner()
    place = ["--workspace", str(built_once.root)]
    answer = json.loads(run.invoke(app, ["whatif", "eu-2024-1364", "tiny", "2023Q1", *place, "--json"]).stdout)
    assert (answer["current"]["methodology"], answer["other"]["methodology"]) == ("hqc-2024", "eu-2024-1364")
    assert [(card["site_id"], card["period"]) for card in answer["scorecards"]] == [("tiny", "2023Q1")]
    words = run.invoke(app, ["whatif", "eu-2024-1364", "tiny", "2023Q1", *place]).stdout
    assert "What leads from hqc-2024 to eu-2024-1364 for tiny 2023Q1, in points:" in words
    assert built_once.snapshot() == before


def test_what_does_not_exist_is_named(built_once) -> None:
    hqc = load("hqc-2024")
    with pytest.raises(NotThere, match="no indicators of tiny 2019Q1"):
        asked(built_once, hqc, hqc, "tiny", "2019Q1")
    refused = CliRunner().invoke(app, ["whatif", "hqc-2042", "--workspace", str(built_once.root)])
    assert "There is no methodology hqc-2042" in str(refused.exception)
