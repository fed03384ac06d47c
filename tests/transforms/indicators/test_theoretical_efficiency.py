"""Peak compute over rated power."""

from datetime import date

import pytest

RECIPE = "indicators/compute_efficiency/theoretical_efficiency.sql"
JANUARY = {"start": date(2023, 1, 1), "end": date(2023, 2, 1)}


def gpus(**columns):
    return {
        "asset_id": "gpus",
        "asset_class": "accelerator",
        "sku": "H100 SXM 80GB",
        "quantity": 8,
        "in_service_from": date(2022, 1, 1),
        "rated_power_w": 700.0,
        **columns,
    }


@pytest.fixture
def january(warehouse):
    """The fact of January for some assets."""

    def answer(*assets):
        warehouse.stage("hardware_assets", *assets)
        warehouse.build("rollups/capacity_month.sql")
        return warehouse.run(RECIPE, **JANUARY).row(0, named=True)

    return answer


def test_w5_an_h100_at_its_rated_power(january):
    # W5: dense 989 TFLOPS / 700 W = 1 412.9 GFLOPS/W, whatever the number of devices and hours.
    row = january(gpus())
    assert float(row["numerator"] / row["denominator"]) == pytest.approx(1412.857143, rel=1e-9)
    assert row["observed"] == row["expected"] == 8 * 744
    assert row["reference_rows"] == ["accelerators/H100 SXM 80GB/BF16", "parameters/declared_precision"]


def test_a_device_without_a_peak_lowers_the_coverage_not_the_value(january):
    row = january(gpus(), gpus(asset_id="odd", sku="unheard of", quantity=2))
    assert float(row["numerator"] / row["denominator"]) == pytest.approx(1412.857143, rel=1e-9)
    assert (row["observed"], row["expected"]) == (8 * 744, 10 * 744)


def test_hosts_and_switches_belong_to_the_power(january):
    # 8 x 989 TFLOPS / (10 200 W + 300 W) = 753.52 GFLOPS/W
    server = gpus(asset_id="server", asset_class="accelerator_server", sku="DGX", quantity=1, rated_power_w=10_200.0)
    switch = gpus(asset_id="switch", asset_class="network", sku="SW", quantity=1, rated_power_w=300.0)
    row = january(server, switch, gpus(parent_asset_id="server"))
    assert float(row["numerator"] / row["denominator"]) == pytest.approx(8 * 989_000 / 10_500, rel=1e-9)


def test_without_rated_power_there_is_no_value(january):
    row = january(gpus(rated_power_w=None))
    assert (row["numerator"], row["denominator"], row["gap"]) == (None, None, "no inventory")
    assert (row["observed"], row["expected"]) == (0, 8 * 744)


def test_support_without_rated_power_is_not_0_w(january):
    # Of four support items one states no power: a quarter of the denominator's evidence is missing.
    server = gpus(asset_id="server", asset_class="accelerator_server", sku="DGX", quantity=1, rated_power_w=10_200.0)
    storage = gpus(asset_id="storage", asset_class="storage", sku="ST", quantity=3, rated_power_w=800.0)
    switch = gpus(asset_id="switch", asset_class="network", sku="SW", quantity=1, rated_power_w=None)
    row = january(server, storage, switch, gpus(parent_asset_id="server"))
    assert (row["observed"], row["expected"]) == (8 * 744 * 3 / 4, 8 * 744)
