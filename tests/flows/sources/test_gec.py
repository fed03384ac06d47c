from datetime import date

import pytest

from suanheng.flows.sources.gec import read
from suanheng.schemas.checking.records import UnreadableFile


@pytest.fixture
def csv(tmp_path):
    def write(header, *rows):
        path = tmp_path / "certificates.csv"
        path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
        return path

    return write


def test_one_certificate_is_one_megawatt_hour_of_its_month(gated, feed, staged, samples):
    accepted, rejected = gated("gec", samples / "gec_cancelled.csv")
    assert rejected.is_empty()
    checked = staged("energy_certificates", feed("gec", "energy_certificates", accepted))
    assert checked.rejected.is_empty()
    claims = checked.accepted.sort("row_number")
    assert claims["energy_kwh"].to_list() == [1_200_000, 500_000, 100_000]
    assert claims.select("vintage_start", "vintage_end").rows() == [
        (date(2024, 1, 1), date(2024, 2, 1)),
        (date(2024, 2, 1), date(2024, 3, 1)),
        (date(2024, 3, 1), date(2024, 4, 1)),
    ]
    assert claims["retired_on"].to_list() == [date(2024, 3, 31), date(2024, 3, 31), None]
    assert claims["region_code"].to_list() == ["CN-NM", "CN-QH", "CN-QH"]
    assert claims["technology"].to_list() == ["wind", "solar", "solar"]
    assert claims["instrument"].unique().to_list() == ["gec"]
    assert claims["certificate_id"][0] == "G2400000001-G2400001200"


def test_only_certificates_for_the_beneficiary_count_where_the_source_names_one(gated, samples):
    accepted, rejected = gated("gec", samples / "gec_cancelled.csv", {"beneficiary": "示例算力中心"})
    assert accepted.height == 2
    assert rejected.select("row_number", "rule").rows() == [(5, "cancelled_for_the_beneficiary")]


def test_faulty_rows_are_quarantined_one_by_one(gated, samples):
    accepted, rejected = gated("gec", samples / "gec_faulty_rows.csv")
    assert accepted["证书编号"].to_list() == ["G1"]
    assert dict(rejected.select("row_number", "rule").iter_rows()) == {
        3: "one_certificate_is_one_megawatt_hour",
        4: "certificates_or_energy_stated",
        5: "cancelled_means_a_day",
        6: "cancelled_means_a_day",
        7: "type",
        8: "greater_than_or_equal_to",
        9: "not_nullable",
    }


@pytest.mark.parametrize(
    ("header", "value", "options", "kwh"),
    [
        ("交易量（张）", "7", {}, 7000),
        ("核销数量(MWh)", "7", {}, 7000),
        ("电量（万千瓦时）", "1.5", {}, 15_000),
        ("电量", "7", {"unit": "兆瓦时"}, 7000),
    ],
)
def test_energy_is_told_in_certificates_or_in_a_unit(gated, feed, csv, header, value, options, kwh):
    path = csv(f"证书编号,电量生产年月,{header}", f"G1,2024-01,{value}")
    accepted, rejected = gated("gec", path, options)
    assert rejected.is_empty()
    assert feed("gec", "energy_certificates", accepted)["energy_kwh"].to_list() == [kwh]


@pytest.mark.parametrize(
    ("month", "end"),
    [
        *(
            (month, date(2024, 2, 1))
            for month in ("2024-01", "2024/1", "202401", "2024年01月份", "2024-01-15", "45292")
        ),
        ("2024-01至2024-03", date(2024, 4, 1)),
        ("2024-01-01至2024-01-31", date(2024, 2, 1)),
    ],
)
def test_months_of_generation_however_they_are_written(gated, feed, csv, month, end):
    accepted, _ = gated("gec", csv("证书编号,电量生产年月,张数", f"G1,{month},1"))
    vintages = feed("gec", "energy_certificates", accepted).select("vintage_start", "vintage_end")
    assert vintages.row(0) == (date(2024, 1, 1), end)


@pytest.mark.parametrize("month", ["2024", "2024年", "一月", "2024-13"])
def test_what_is_no_month_is_quarantined(gated, csv, month):
    accepted, rejected = gated("gec", csv("证书编号,电量生产年月,张数", f"G1,{month},1"))
    assert accepted.is_empty()
    assert rejected["rule"].to_list() == ["type"]


@pytest.mark.parametrize(
    ("header", "row", "said"),
    [
        pytest.param("证书编号,张数", "G1,1", "电量生产年月", id="no month"),
        pytest.param("证书编号,电量生产年月,电量", "G1,2024-01,1", "unit = '兆瓦时'", id="no unit"),
        pytest.param("证书编号,绿证编码,电量生产年月,张数", "G1,G1,2024-01,1", "Two columns mean 证书编号", id="twice"),
    ],
)
def test_what_cannot_be_told_is_refused(csv, header, row, said):
    with pytest.raises(UnreadableFile, match=said):
        list(read(csv(header, row), {}))
