"""Promise 10: a factor, a price, a capacity is used only inside its validity."""

import shutil
from typing import Any

import pytest


@pytest.fixture(scope="module")
def undated(built_once, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """January 2024: the last grid factor is that of 2023, and the offers and a hundred accelerators ended with it.

    Two more accelerators are of a model whose peak is disputed.
    """
    root = tmp_path_factory.mktemp("undated") / "workspace"
    shutil.copytree(built_once.root, root, ignore=shutil.ignore_patterns("lake", "2023-0[23456].csv", "faulty.csv"))
    centre = type(built_once)(root)
    for path in (root / "landing").rglob("2023-01.csv"):
        text = path.read_text(encoding="utf-8").replace("2023-", "2024-").replace("2022-", "2023-")
        path.write_text(text, encoding="utf-8")
    runs = [{**run, "charged_amount": "", "currency": ""} for run in centre.rows("workload_runs", "2023-01")]
    centre.write("workload_runs", "2023-01", runs)
    offers = [{**offer, "valid_to": "2024-01-01"} for offer in centre.rows("service_offers", "2023")]
    centre.write("service_offers", "2023", offers)
    assets = centre.rows("hardware_assets", "2023")
    retired = {**assets[1], "asset_id": "retired", "quantity": 100, "in_service_to": "2024-01-01"}
    disputed = {**assets[1], "asset_id": "disputed", "sku": "Disputed-1"}
    centre.write("hardware_assets", "2023", [*assets, retired, disputed])
    (root / "reference").mkdir()
    (root / "reference" / "accelerators.csv").write_text(
        "reference_id,sku,precision,sparsity,peak_tflops,unit,source,confidence,is_usable\n"
        "accelerators/Disputed-1/BF16,Disputed-1,BF16,dense,999999,TFLOPS,a rumour,disputed,false\n",
        encoding="utf-8",
    )
    outcome = centre.night()
    assert outcome.built == ["tiny 2024Q1"]
    return centre


def figure(centre: Any, indicator: str) -> dict[str, Any]:
    query = "SELECT * FROM indicators.\"all\" WHERE period = '2024-01' AND indicator = ?"
    return centre.ask(query, indicator).row(0, named=True)


@pytest.mark.parametrize("indicator", ["operational_carbon_intensity", "lifecycle_carbon_intensity", "cue"])
def test_nothing_undated_a_factor_of_last_year_is_an_estimate_that_says_so(undated, indicator: str) -> None:
    carbon = figure(undated, indicator)

    # The methodology allows the latest published one: Hebei in 2023.
    assert carbon["value"] is not None and carbon["evidence_class"] == "estimated"
    cited = [row for row in carbon["reference_rows"] if row.startswith("grid_emission_factors/")]
    assert cited == ["grid_emission_factors/CN-HE/2023/average"]


def test_nothing_undated_the_factor_of_its_own_year_is_used(built_once) -> None:
    carbon = (
        "SELECT factor_kgco2_per_kwh, reference_rows FROM rollups.carbon_month WHERE month_start = DATE '2023-01-01'"
    )
    factor, reference_rows = built_once.ask(carbon).row(0)

    # Hebei in 2023, notice 2025 no. 47.
    assert float(factor) == 0.6516
    assert "grid_emission_factors/CN-HE/2023/average" in reference_rows


def test_nothing_undated_a_price_that_ended_is_not_used(undated, built_once) -> None:
    assert (figure(undated, "affordability")["value"], figure(undated, "affordability")["status"]) == (
        None, "no offers",
    )  # fmt: skip
    # On offer: a run of 10 h on two devices charged 300 CNY, and 12 h × 2 devices × 12 CNY.
    price = "SELECT numerator FROM indicators.affordability WHERE period = '2023-01'"
    assert built_once.value(price) == 300 + 288


def test_nothing_undated_an_asset_out_of_service_is_not_counted(undated) -> None:
    capacity = undated.ask("SELECT * FROM rollups.capacity_month").row(0, named=True)

    # Two A100 and two of the disputed model, 744 hours in January; a hundred left on the first.
    assert capacity["accelerators"] == 4
    assert capacity["installed_device_hours"] == 4 * 744


def test_nothing_undated_a_disputed_fact_is_not_used(undated) -> None:
    capacity = undated.ask("SELECT * FROM rollups.capacity_month").row(0, named=True)

    # 2 × 312 TFLOPS for 744 hours; the disputed peak is unknown, not zero and not 999,999.
    assert float(capacity["peak_pflop_h"]) == pytest.approx(2 * 0.312 * 744)
    assert capacity["peak_known_device_hours"] == 2 * 744
    cited = undated.ask('SELECT DISTINCT unnest(reference_rows) FROM indicators."all"').to_series().to_list()
    assert "accelerators/A100 SXM 80GB/BF16" in cited
    assert not [row for row in cited if "Disputed" in row]
