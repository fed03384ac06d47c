"""The part of a run that is in a month."""

from datetime import date, datetime

import pytest

RECIPE = "rollups/run_month.sql"
MAY, JUNE = date(2023, 5, 1), date(2023, 6, 1)

# Twelve hours across the end of May in Shanghai, which is 16:00 UTC: 4 h in May, 8 h in June.
ACROSS_MONTHS = {
    "cluster_id": "c1",
    "job_id": "1",
    "submitted_at_utc": datetime(2023, 5, 31, 11),
    "started_at_utc": datetime(2023, 5, 31, 12),
    "ended_at_utc": datetime(2023, 6, 1, 0),
    "state": "completed",
    "sku": "H100 SXM 80GB",
    "device_count": 8,
    "precision": "BF16",
}


def parts(warehouse, **run):
    """Months of one run, by month."""
    warehouse.stage("workload_runs", {**ACROSS_MONTHS, **run})
    return {row["month_start"]: row for row in warehouse.run(RECIPE).iter_rows(named=True)}


def test_a_run_falls_evenly_on_the_months_it_ran_in(warehouse) -> None:
    months = parts(warehouse, tokens=1200, productive_s=6 * 3600, energy_j=3.6e9, charged_amount=960.0)
    assert sorted(months) == [MAY, JUNE]
    # 4 of 12 h: a third; 8 devices × 4 h = 32, half of the run was productive.
    assert {name: float(months[MAY][name]) for name in ("run_hours", "device_hours", "productive_device_hours")} == {
        "run_hours": 4,
        "device_hours": 32,
        "productive_device_hours": 16,
    }
    assert [float(months[month]["tokens"]) for month in (MAY, JUNE)] == [400, 800]
    assert [float(months[month]["energy_j"]) for month in (MAY, JUNE)] == [1.2e9, 2.4e9]
    assert [float(months[month]["charged_amount"]) for month in (MAY, JUNE)] == [320, 640]


def test_a_month_does_not_depend_on_the_scope_it_is_built_in(warehouse) -> None:
    both = parts(warehouse, tokens=1000)
    alone = warehouse.run(RECIPE, start=JUNE, end=date(2023, 7, 1)).row(0, named=True)
    assert alone == both[JUNE]


def test_compute_is_held_against_the_dense_peak_at_the_runs_precision(warehouse) -> None:
    # H100, dense BF16: 989 TFLOPS. 8 × 0.989 PFLOPS × 4 h = 31.648 PFLOP-h of peak in May.
    # The run did 12 h × 3600 s × 8 × 0.989 PFLOPS × 40 % = 136 719.36 PFLOP, a third of it in May.
    may = parts(warehouse, model_pflop=136_719.36)[MAY]
    assert float(may["peak_pflop_h"]) == pytest.approx(31.648)
    assert float(may["achieved_pflop_h"]) == pytest.approx(31.648 * 0.4)
    assert may["reference_rows"] == ["accelerators/H100 SXM 80GB/BF16"]


def test_a_run_without_precision_is_held_against_the_declared_one(warehouse) -> None:
    may = parts(warehouse, precision=None)[MAY]
    assert may["precision"] == "BF16"
    assert may["reference_rows"] == ["accelerators/H100 SXM 80GB/BF16", "parameters/declared_precision"]


@pytest.mark.parametrize(
    "key",
    [
        {"precision": "FP4"},  # no such row
        {"sku": "H100"},  # SXM, PCIe and NVL have different peaks
        {"sku": "V100 SXM"},  # no BF16
        {"sku": None},
        {"sku": "H20 96GB", "precision": "FP8"},  # sources conflict, the peak is empty
    ],
)
def test_compute_under_another_key_is_not_covered(warehouse, key) -> None:
    may = parts(warehouse, model_pflop=100.0, **key)[MAY]
    assert (may["peak_pflop_h"], may["achieved_pflop_h"], may["reference_rows"]) == (None, None, [])
    assert float(may["device_hours"]) == 32


def test_more_operations_than_the_peak_allows_are_not_used(warehouse) -> None:
    # Peak of the run: 12 h × 3600 s × 8 × 0.989 PFLOPS = 341 798.4 PFLOP.
    may = parts(warehouse, model_pflop=341_799.0)[MAY]
    assert may["achieved_pflop_h"] is None
    assert float(may["peak_pflop_h"]) == pytest.approx(31.648)


def test_unknown_is_not_zero(warehouse) -> None:
    may = parts(warehouse, device_count=None, productive_s=60.0, model_pflop=1.0)[MAY]
    unknown = ("device_hours", "productive_device_hours", "tokens", "energy_j", "peak_pflop_h", "achieved_pflop_h")
    assert {may[name] for name in unknown} == {None}
    assert float(may["run_hours"]) == 4


def test_unstated_productive_time_stays_unknown(warehouse) -> None:
    assert parts(warehouse)[MAY]["productive_device_hours"] is None


def test_a_run_without_an_end_has_no_length_yet(warehouse) -> None:
    assert parts(warehouse, ended_at_utc=None) == {}


def test_a_run_without_length_counts_once(warehouse) -> None:
    # It starts and ends with the month: 16:00 UTC is midnight of 1 June in Shanghai.
    instant = datetime(2023, 5, 31, 16)
    months = parts(warehouse, started_at_utc=instant, ended_at_utc=instant, tokens=7, model_pflop=1.0)
    assert list(months) == [JUNE]
    assert float(months[JUNE]["tokens"]) == 7
    assert float(months[JUNE]["device_hours"]) == 0
    assert months[JUNE]["achieved_pflop_h"] is None


def test_a_reused_job_id_is_another_run(warehouse) -> None:
    again = {"submitted_at_utc": datetime(2023, 5, 31, 11, 30)}
    warehouse.stage("workload_runs", ACROSS_MONTHS, {**ACROSS_MONTHS, **again})
    rows = warehouse.run(RECIPE, start=MAY, end=JUNE)
    assert rows.height == 2
    assert rows["submitted_at_utc"].n_unique() == 2


def test_palm_flops_of_gpt2_give_its_utilisation(warehouse) -> None:
    # W6: 857 246 208 FLOP per token (PaLM form, GPT-2 124M). 8 A100 (312 TFLOPS dense BF16) for 4 h have a peak of
    # 8 × 312e12 × 14 400 s = 35 942.4 PFLOP; 1.6e10 tokens take 13 715.939328 PFLOP, which is 38.16 %.
    run = {
        "sku": "A100 SXM 80GB",
        "ended_at_utc": datetime(2023, 5, 31, 16),
        "model_pflop": 857_246_208 * 1.6e10 / 1e15,
        "flops_convention": "palm",
    }
    may = parts(warehouse, **run)[MAY]
    assert float(may["achieved_pflop_h"] / may["peak_pflop_h"]) == pytest.approx(13_715.939328 / 35_942.4)
    assert float(may["achieved_pflop_h"] / may["peak_pflop_h"]) == pytest.approx(0.3816, abs=1e-4)


def test_another_sites_runs_stay_out(warehouse) -> None:
    warehouse.add_site("site-b")
    assert parts(warehouse, site_id="site-b") == {}


def test_work_in_another_format_is_converted_by_the_ratio_of_the_peaks(warehouse) -> None:
    # 910B: FP16 376 TFLOPS, BF16 353.9. 8 devices half busy for 12 h in FP16: 8 x 0.376 x 0.5 x 43 200 s are
    # 64 972.8 PFLOP. In BF16 that is half of 8 x 0.3539 PFLOPS; 4 of the 12 hours are in May: 32 device-hours.
    may = parts(warehouse, sku="Ascend910B2", precision="FP16", model_pflop=64_972.8)[MAY]
    assert float(may["peak_pflop_h"]) == pytest.approx(32 * 0.3539)
    assert float(may["achieved_pflop_h"]) == pytest.approx(32 * 0.3539 / 2)
    assert float(may["achieved_at_own_precision_pflop_h"]) == pytest.approx(32 * 0.376 / 2)


def test_more_than_the_peak_of_its_own_format_is_not_used(warehouse) -> None:
    # Twice the BF16 peak is within that of FP8, three times is not.
    twice = 2 * 8 * 0.989 * 43_200
    assert parts(warehouse, precision="FP8", model_pflop=twice)[MAY]["achieved_pflop_h"] is not None
    warehouse.execute("DELETE FROM staged.workload_runs")
    assert parts(warehouse, precision="FP8", model_pflop=1.5 * twice)[MAY]["achieved_pflop_h"] is None


@pytest.mark.parametrize(("precision", "is_known"), [("FP8", False), ("FP64", False), ("FP16", True), ("BF16", True)])
def test_nobody_converts_operations_that_are_not_stated(warehouse, precision, is_known) -> None:
    may = parts(warehouse, precision=precision)[MAY]
    assert (may["peak_pflop_h"] is not None) == is_known
