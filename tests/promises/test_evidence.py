"""Measured, estimated and default are distinguished up to the score, even where the number is the same."""

import shutil
from typing import Any

import pytest

SKU, DEFAULT_KG, DEFAULT = "H100 SXM 80GB", 164, "embodied_carbon/nvidia-h100-sxm-80gb-per-gpu"
"""An accelerator of which the reference facts give the embodied carbon, and the fact."""


@pytest.fixture(scope="module")
def nights(built_once, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The tiny centre twice: its accelerators' embodied carbon stated, and left out so that the default is used.

    It works four weeks of each month at 40 % of its peak, on 200 kWh, so that its carbon is between the goalposts.
    """
    centres = {}
    for name, stated in (("stated", DEFAULT_KG), ("default", "")):
        root = tmp_path_factory.mktemp(name) / "workspace"
        shutil.copytree(built_once.root, root, ignore=shutil.ignore_patterns("lake", "2023-0[456].csv", "faulty.csv"))
        centre = type(built_once)(root)
        for month in ("2023-01", "2023-02", "2023-03"):
            training, serving = centre.rows("workload_runs", month)
            busy = {"started_at_utc": f"{month}-01T00:00:00Z", "ended_at_utc": f"{month}-28T00:00:00Z"}
            asked = {"submitted_at_utc": busy["started_at_utc"]}
            # 27 days × 86 400 s × 2 × 0.312 PFLOPS × 0.4.
            centre.write("workload_runs", month, [{**training, **asked, **busy, "model_pflop": 582_260}, serving])
            electricity, water = centre.rows("utility_bills", month)
            centre.write("utility_bills", month, [{**electricity, "energy_kwh": 200}, water])
        server, accelerators = centre.rows("hardware_assets", "2023")
        centre.write("hardware_assets", "2023", [server, {**accelerators, "sku": SKU, "embodied_kgco2e": stated}])
        outcome = centre.night()
        assert not outcome.failures
        centres[name] = centre
    return centres


def lifecycle(centre: Any) -> dict[str, Any]:
    query = "SELECT * FROM scorecards.indicators WHERE period = '2023Q1' AND indicator = 'lifecycle_carbon_intensity'"
    return centre.ask(query).row(0, named=True)


def composite(centre: Any) -> dict[str, Any]:
    return centre.ask("SELECT * FROM scorecards.composites WHERE period = '2023Q1'").row(0, named=True)


def test_p13_a_default_instead_of_a_measured_input_changes_provenance_and_interval_and_not_the_value(nights) -> None:
    stated, default = lifecycle(nights["stated"]), lifecycle(nights["default"])

    assert stated["status"] == default["status"] == "ok"
    assert stated["value"] == pytest.approx(default["value"], rel=1e-12)
    assert stated["score"] == pytest.approx(default["score"], rel=1e-12)
    # Whose number it is.
    assert (stated["evidence_class"], default["evidence_class"]) == ("measured", "estimated")
    assert set(default["reference_rows"]) - set(stated["reference_rows"]) == {DEFAULT}
    # What the number is worth: half of an estimated value, on the straight line between the goalposts.
    assert stated["score_low"] == stated["score"] == stated["score_high"]
    points = 100 / (default["goalpost_at_100"] - default["goalpost_at_0"])
    ends = [points * (share * default["value"] - default["goalpost_at_0"]) for share in (1.5, 0.5)]
    assert [default["score_low"], default["score_high"]] == pytest.approx([min(100, max(0, end)) for end in ends])
    assert default["score_low"] < default["score"] < default["score_high"]


def test_p13_the_composite_tells_it_too(nights) -> None:
    stated, default = composite(nights["stated"]), composite(nights["default"])

    assert (stated["evidence_class"], default["evidence_class"]) == ("measured", "estimated")
    assert default["evaluability"] < stated["evaluability"]
    assert default["score_low"] < stated["score_low"]
    assert default["score_high"] > stated["score_high"]
    assert default["coverage"] == stated["coverage"]
