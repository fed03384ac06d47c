import gzip
import json
from datetime import date, datetime

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from suanheng.flows.sources.focus import read
from suanheng.schemas.checking.records import UnreadableFile
from suanheng.schemas.raw.focus import DIALECTS

SAMPLE = "focus_gpu_instances.csv"
ACCELERATORS = {"accelerators": {"gpu.8xlarge": {"sku": "H100 SXM 80GB", "devices": 8}}}


def test_a_conforming_file_has_nothing_to_report(gated, samples):
    accepted, rejected = gated("focus", samples / SAMPLE)
    assert rejected.is_empty()
    assert accepted["deviations"].null_count() == accepted.height == 8
    first = accepted.row(0, named=True)
    assert first["row_number"] == 2
    assert first["ChargePeriodStart"] == datetime(2024, 9, 18, 22)
    # JSON inside CSV, with a comma in a value.
    assert json.loads(first["Tags"]) == {"application": "training", "owner": "a, b"}


def test_list_prices_by_the_hour_become_offers_per_device(gated, feed, staged, samples):
    accepted, _ = gated("focus", samples / SAMPLE, ACCELERATORS)
    checked = staged("service_offers", feed("focus", "service_offers", accepted))
    assert checked.rejected.is_empty()
    # 96 CNY an hour for 8 devices, on the two days on which it was billed; 14 for one device of another type. Instances
    # without accelerators, storage, a credit and a correction are no offers.
    assert checked.accepted.select("offer_id", "price", "currency", "sku", "valid_from", "valid_to").sort(
        "offer_id", "valid_from"
    ).rows() == [
        ("P-1", 12, "CNY", "H100 SXM 80GB", date(2024, 9, 18), date(2024, 9, 19)),
        ("P-1", 12, "CNY", "H100 SXM 80GB", date(2024, 9, 19), date(2024, 9, 20)),
        ("P-2", 14, "CNY", "gpu.xlarge", date(2024, 9, 18), date(2024, 9, 19)),
    ]


def test_the_source_may_name_accelerators_that_the_file_does_not_count(gated, feed, samples):
    options = {"accelerators": {"P-3": {"sku": "MLU370", "devices": 2}}}
    accepted, _ = gated("focus", samples / SAMPLE, options)
    offers = feed("focus", "service_offers", accepted).filter(offer_id="P-3")
    assert offers.select("price", "sku").rows() == [(0.5, "MLU370")]


@pytest.mark.parametrize(
    ("name", "dialect", "reported"),
    [
        ("stamps_without_seconds", "microsoft", "ChargePeriodStart: no_seconds"),
        ("stamps_without_zone", "finops_sample", "ChargePeriodStart: no_zone"),
        ("stamps_with_fractions", "aws", "ChargePeriodStart: fractions"),
        ("placeholders", "microsoft", "BillingAccountName: Unassigned, SkuPriceId: -2"),
        ("literal_null", "finops_sample", "ChargeClass: NULL, Tags: NULL, ListUnitPrice: NULL"),
        ("zero_instead_of_a_price", "microsoft", "ContractedUnitPrice: 0 beside a cost"),
        ("value_missing", "aws", "InvoiceIssuerName: no value"),
    ],
)
def test_p16_a_deviation_is_accepted_and_reported_in_its_dialect_and_quarantined_without(
    gated, samples, name, dialect, reported
):
    path = samples / f"focus_{name}.csv"
    accepted, rejected = gated("focus", path, {"dialect": dialect})
    assert rejected.is_empty()
    assert reported in accepted["deviations"][0]
    assert accepted["ChargePeriodStart"][0] == datetime(2024, 9, 18, 22)
    _, rejected = gated("focus", path)
    assert rejected["row_number"].to_list() == [2]
    assert "see undeclared" in rejected["message"][0]


@pytest.mark.parametrize(
    ("name", "dialect", "reported", "said"),
    [
        ("extra_column", "finops_sample", "Id: extra column", "not of FOCUS: Id"),
        ("missing_column", "oracle", "ContractedCost: missing column", "missing: ChargeClass, ContractedCost"),
        ("columns_renamed", "oracle", "ProviderName: is called Provider", "missing: InvoiceIssuerName"),
    ],
)
def test_p16_a_deviation_of_the_header_is_accepted_and_reported_in_its_dialect_and_refused_without(
    gated, samples, name, dialect, reported, said
):
    path = samples / f"focus_{name}.csv"
    accepted, rejected = gated("focus", path, {"dialect": dialect})
    assert rejected.is_empty()
    assert reported in accepted["deviations"][0]
    with pytest.raises(UnreadableFile, match=said):
        list(read(path, {}))


def test_p16_one_dialect_does_not_declare_the_deviations_of_another(gated, samples):
    _, rejected = gated("focus", samples / "focus_placeholders.csv", {"dialect": "aws"})
    assert rejected["rule"].to_list() == ["deviations_are_declared"]
    assert '"undeclared": "BillingAccountName: Unassigned, SkuPriceId: -2"' in rejected["record"][0]


def test_p16_a_source_may_describe_a_dialect_of_its_own(gated, samples):
    own = {"placeholders": ["NULL"]}
    accepted, rejected = gated("focus", samples / "focus_literal_null.csv", {"dialect": own})
    assert rejected.is_empty()
    assert accepted.select("ChargeClass", "ListUnitPrice", "Tags").row(0) == (None, None, None)


def test_zero_is_a_price_and_not_the_absence_of_one(gated, samples):
    # The second row is free of charge: 0 beside no cost. Only the first row's 0 beside a cost of 80 is unknown.
    accepted, _ = gated("focus", samples / "focus_zero_instead_of_a_price.csv", {"dialect": "microsoft"})
    assert accepted["ContractedUnitPrice"].to_list() == [None, 0]
    assert accepted["ListUnitPrice"].to_list() == [96, 0]


@pytest.mark.parametrize("dialect", ["azure", 7, {"placeholder": ["NULL"]}])
def test_a_dialect_nobody_has_described_is_refused(samples, dialect):
    with pytest.raises(UnreadableFile, match="one of focus, finops_sample"):
        list(read(samples / SAMPLE, {"dialect": dialect}))


@pytest.mark.parametrize("accelerators", ["P-1", {"P-1": 8}, {"P-1": {"devices": 8}}])
def test_accelerators_that_are_not_named_are_refused(samples, accelerators):
    with pytest.raises(UnreadableFile, match="Option accelerators"):
        list(read(samples / SAMPLE, {"accelerators": accelerators}))


def test_every_dialect_reads_a_conforming_file_alike(gated, samples):
    plain, _ = gated("focus", samples / SAMPLE)
    for dialect in DIALECTS:
        assert gated("focus", samples / SAMPLE, {"dialect": dialect})[0].equals(plain), dialect


def test_a_compressed_file_is_read_alike(gated, samples, tmp_path):
    path = tmp_path / "charges.csv.gz"
    path.write_bytes(gzip.compress((samples / SAMPLE).read_bytes()))
    assert gated("focus", path)[0].equals(gated("focus", samples / SAMPLE)[0])


def test_parquet_with_stamps_numbers_and_maps_is_read_alike(gated, samples, tmp_path):
    rows = pl.read_csv(samples / SAMPLE, infer_schema=False)
    stamps = [name for name in rows.columns if "Period" in name]
    numbers = [name for name in rows.columns if name.endswith(("Cost", "UnitPrice", "Quantity"))]
    typed = rows.with_columns(
        pl.col(stamps).str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us").dt.replace_time_zone("UTC"),
        pl.col(numbers).cast(pl.Decimal(38, 10)),
    ).to_arrow()
    tags = [list(json.loads(text).items()) for text in rows["Tags"]]
    maps = pa.array(tags, pa.map_(pa.string(), pa.string()))
    path = tmp_path / "charges.parquet"
    pq.write_table(typed.set_column(typed.column_names.index("Tags"), "Tags", maps), path)
    from_parquet, rejected = gated("focus", path)
    assert rejected.is_empty()
    from_csv, _ = gated("focus", samples / SAMPLE)
    assert from_parquet.drop("row_number").equals(from_csv.drop("row_number"))


def test_a_record_cut_off_is_quarantined(gated, samples, tmp_path):
    path = tmp_path / "charges.csv"
    path.write_text((samples / SAMPLE).read_text(encoding="utf-8")[:-40], encoding="utf-8")
    accepted, rejected = gated("focus", path)
    assert accepted.height == 7
    assert rejected.select("row_number", "rule").rows() == [(9, "quoting")]


@pytest.mark.parametrize(
    ("unit", "price", "offers"),
    [
        ("Hrs", "16", [2.0]),  # 16 for an hour of 8 devices
        ("instance-hour", "16", [2.0]),
        ("100 Hours", "1600", [2.0]),
        ("0.5 hours", "8", [2.0]),
        ("GB-Months", "16", []),  # no price of compute
        ("Fortnights", "16", [None]),  # not understood: for the contract of offers to refuse
    ],
)
def test_an_hour_is_an_hour_in_whatever_way_it_is_written(gated, feed, samples, tmp_path, unit, price, offers):
    rows = pl.read_csv(samples / SAMPLE, infer_schema=False)
    row = rows.filter(pl.col("PricingUnit") == "Hours").head(1)
    details = '{"InstanceType": "own.8xlarge", "GpuCount": 8}'
    row = row.with_columns(PricingUnit=pl.lit(unit), ListUnitPrice=pl.lit(price), SkuPriceDetails=pl.lit(details))
    path = tmp_path / "charges.csv"
    row.write_csv(path)
    accepted, rejected = gated("focus", path)
    assert rejected.is_empty()
    assert feed("focus", "service_offers", accepted)["price"].to_list() == offers
