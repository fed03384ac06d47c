from datetime import date

import pytest
import xlsxwriter

from suanheng.flows.sources.irec import read
from suanheng.schemas.checking.records import UnreadableFile

HEADER = "Certificate ID From,Certificate ID To,Volume (MWh),Period Start,Period End"


@pytest.fixture
def csv(tmp_path):
    def write(*rows):
        path = tmp_path / "redemption.csv"
        path.write_text("\n".join(rows) + "\n", encoding="utf-8")
        return path

    return write


def test_a_range_of_certificates_is_a_claim_over_its_period(gated, feed, staged, samples):
    accepted, rejected = gated("irec", samples / "irec_redemption.csv")
    assert rejected.is_empty()
    checked = staged("energy_certificates", feed("irec", "energy_certificates", accepted))
    assert checked.rejected.is_empty()
    claims = checked.accepted.sort("row_number")
    assert claims["certificate_id"][0] == "0000-0001-0000-0001.000000 to 0000-0001-0000-0750.000000"
    # 750 and 250.5 certificates of 1 MWh.
    assert claims["energy_kwh"].to_list() == [750_000, 250_500]
    assert claims.select("vintage_start", "vintage_end").rows() == [
        (date(2023, 1, 1), date(2023, 2, 1)),
        (date(2023, 2, 1), date(2023, 3, 1)),
    ]
    assert claims["retired_on"].unique().to_list() == [date(2024, 2, 15)]
    assert claims.select("instrument", "technology", "region_code").unique().rows() == [("irec", "Wind", "CN")]


def test_a_workbook_with_the_day_of_redemption_in_the_source(gated, feed, tmp_path):
    path = tmp_path / "redemption.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Certificates")
        sheet.write_row(3, 0, HEADER.split(","))
        # Excel counts days from 1900: 44927 is 1 January 2023, 44958 the first of February.
        sheet.write_row(4, 0, ("A-1", "A-9", 9, 44927, 44958))
    accepted, _ = gated("irec", path, {"redeemed_on": "2024-01-10"})
    claim = feed("irec", "energy_certificates", accepted).row(0, named=True)
    assert (claim["row_number"], claim["retired_on"]) == (5, date(2024, 1, 10))
    assert (claim["vintage_start"], claim["vintage_end"]) == (date(2023, 1, 1), date(2023, 2, 1))


def test_only_certificates_for_the_beneficiary_count_where_the_source_names_one(gated, csv):
    path = csv(
        HEADER + ",Redemption Date,Beneficiary",
        "A-1,A-9,9,2023-01-01,2023-01-31,2024-01-10,Example Centre",
        "A-10,A-11,2,2023-01-01,2023-01-31,2024-01-10,Somebody Else",
    )
    accepted, rejected = gated("irec", path, {"beneficiary": "Example Centre"})
    assert accepted["From Certificate ID"].to_list() == ["A-1"]
    assert rejected["rule"].to_list() == ["redeemed_for_the_beneficiary"]


def test_faulty_rows_are_quarantined_one_by_one(gated, csv):
    path = csv(
        "From Certificate ID,Number of Certificates,Period of Production,Redemption Date",
        "A-1,9,2023-01-01 - 2023-01-31,2024-01-10",
        "A-2,-9,2023-01-01 - 2023-01-31,2024-01-10",
        "A-3,9,Q1 2023,2024-01-10",
        "A-4,9,2023-01-01 - 2023-01-31,",
        ",9,2023-01-01 - 2023-01-31,2024-01-10",
    )
    accepted, rejected = gated("irec", path)
    assert accepted["From Certificate ID"].to_list() == ["A-1"]
    assert dict(rejected.select("row_number", "column_name").iter_rows()) == {
        3: "Number of Certificates",
        4: "Production Start",
        5: "Redemption Date",
        6: "From Certificate ID",
    }


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        pytest.param(("Certificate ID,Volume", "A-1,9"), "Period of Production", id="no period"),
        pytest.param((HEADER, "A-1,A-9,9,2023-01-01,2023-01-31"), "redeemed_on", id="no redemption"),
        pytest.param(
            (HEADER + ",Redemption Date", "A-1,A-9,9,2023-01-05,2023-02-07,2024-01-10"), "end_date", id="end date"
        ),
    ],
)
def test_what_cannot_be_told_is_refused(csv, rows, said):
    with pytest.raises(UnreadableFile, match=said):
        list(read(csv(*rows), {}))
