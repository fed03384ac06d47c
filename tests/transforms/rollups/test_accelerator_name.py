"""Names of accelerators: as drivers, schedulers, lspci and lists write them."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

DATA = Path(__file__).parents[3].parent / "shared" / "data"

NAMES = {
    "H100 SXM 80GB": "H100 SXM 80GB",
    "NVIDIA H100 80GB HBM3": "H100 SXM 80GB",
    "nvidia_h100_80gb_hbm3": "H100 SXM 80GB",
    "NVIDIA H100 PCIe": "H100 PCIe 80GB",
    "NVIDIA A100-SXM4-40GB": "A100 SXM 40GB",
    "NVIDIA Corporation GA100 [A100 SXM4 80GB] (rev a1)": "A100 SXM 80GB",
    "a100": "A100 (variant not stated)",
    "Tesla V100-SXM2-32GB": "V100 SXM",
    "Tesla T4": "T4 16GB",
    "NVIDIA H200": "H200 SXM 141GB",
    "AMD Instinct MI300X": "MI300X 192GB",
    "910B3": "910B 313T 64GB (ATLAS_800_A2_313T_64G)",
    # What several parts go by is none of them: a scheduler's h200 may be the NVL card, the driver's is not.
    "H100": None,
    "h200": None,
    "Ascend910": None,
    "Own 80GB SXM": None,
}


def named(warehouse, *names):
    """SKU and share of each name, from an inventory that uses it."""
    for name in names:
        warehouse.stage(
            "hardware_assets",
            {
                "asset_id": name[:40],
                "asset_class": "accelerator",
                "sku": name,
                "quantity": 1,
                "in_service_from": date(2022, 1, 1),
            },
        )
    rows = warehouse.run("rollups/accelerator_name.sql")
    return {name: (sku, share) for _, name, sku, share in rows.iter_rows()}


def test_names_as_people_write_them(warehouse):
    assert {name: sku for name, (sku, _) in named(warehouse, *NAMES).items()} == NAMES


def test_a_slice_is_a_share_of_its_device(warehouse):
    found = named(warehouse, "a100_3g.40gb", "NVIDIA A30 MIG 1g.6gb", "NVIDIA A100-SXM4-40GB MIG 1c.3g.20gb")
    assert found["a100_3g.40gb"] == ("A100 (variant not stated)", pytest.approx(3 / 7))
    assert found["NVIDIA A30 MIG 1g.6gb"] == ("A30 24GB", 0.25)
    assert found["NVIDIA A100-SXM4-40GB MIG 1c.3g.20gb"] == ("A100 SXM 40GB", pytest.approx(1 / 7))


def test_a_line_of_the_workspace_settles_a_name(warehouse):
    # As a row of the workspace does, which replaces the package's of the same reference_id.
    warehouse.execute(
        "UPDATE reference.accelerator_aliases SET sku = 'H100 PCIe 80GB', is_usable = true WHERE alias = 'H100'"
    )
    assert named(warehouse, "H100", "h100") == dict.fromkeys(("H100", "h100"), ("H100 PCIe 80GB", 1.0))


def test_every_alias_leads_to_a_part_that_has_a_peak(reference_facts):
    aliases = reference_facts["accelerator_aliases"].filter(pl.col("is_usable"))
    parts = reference_facts["accelerators"].filter(pl.col("is_usable"))
    assert aliases.join(parts, on="sku", how="anti").height == 0


def test_every_accelerator_is_one_whose_16_bit_peak_is_at_least_that_of_32_bits(reference_facts):
    """What doubles in a source is a sparse figure that slipped in, or a row of another part."""
    parts = reference_facts["accelerators"].filter(pl.col("is_usable"))
    peaks = parts.pivot(on="precision", index="sku", values="peak_tflops")
    narrower = [("FP64", "FP32"), ("TF32", "FP16"), ("FP16", "FP8"), ("FP8", "FP4")]
    for wide, narrow in narrower:
        wrong = peaks.filter(pl.col(narrow) < pl.col(wide) * 0.99, ~pl.col("sku").str.starts_with("MI250X"))
        assert wrong["sku"].to_list() == [], (wide, narrow)


@pytest.mark.real_data
@pytest.mark.skipif(not DATA.exists(), reason=f"the public captures are not there: {DATA}")
def test_every_name_in_the_public_captures_is_known(warehouse, reference_facts):
    """Each is a part, or stands among the aliases as a name that is not one part or has no peak."""
    names = _captured_names()
    assert len(names) > 40
    found = named(warehouse, *names)
    stated = set(reference_facts["accelerator_aliases"]["alias"])
    assert [name for name in sorted(names) if found[name][0] is None and name not in stated] == []


def _captured_names() -> set[str]:
    described = (path.read_text(errors="replace") for path in DATA.glob("mlperf_inference_v4.1_systems/**/*.json"))
    patterns = [
        (described, r'"accelerator_model_name": *"([^"]*)"'),
        ((path.read_text() for path in DATA.glob("ml_energy/**/*.json")), r'"gpu_model": *"([^"]*)"'),
        ((path.read_text() for path in DATA.glob("nvidia_smi/*.metrics")), r'gpu_info\{[^}]*[,{]name="([^"]*)"'),
    ]
    names = {
        name
        for texts, pattern in patterns
        for text in texts
        for name in pl.Series([text]).str.extract_all(pattern).explode().str.extract(pattern).to_list()
    }
    for path in DATA.glob("top500/*.xls*"):
        table = pl.read_excel(path, infer_schema_length=0)
        columns = [column for column in table.columns if column == "Accelerator/Co-Processor"]
        names |= {name for column in columns for name in table[column].to_list()}
    return {name for name in names if name not in (None, "None", "N/A", "")}
