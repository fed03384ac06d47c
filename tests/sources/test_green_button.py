from datetime import datetime

import polars as pl
import pytest

from suanheng.flows.sources.green_button import read
from suanheng.schemas.gate import UnreadableFile

GOOD = "green_button_electricity_gas_water.xml"


def test_each_reading_carries_its_usage_point_and_reading_type_whatever_their_order(gated, samples):
    accepted, rejected = gated("green_button", samples / GOOD)
    # The first block of the file stands before the usage point and the reading type it is linked to.
    first = accepted.row(0, named=True)
    assert rejected.is_empty()
    assert accepted["row_number"].to_list() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert (first["UsagePoint/title"], first["ServiceCategory/kind"], first["uom"]) == ("Main incomer", "0", "72")
    assert first["timePeriod/start"] == datetime(2023, 3, 12, 6, 30)
    assert first["timePeriod/end"] == datetime(2023, 3, 12, 7, 0)


def test_money_counts_hundred_thousandths(gated, samples):
    accepted, _ = gated("green_button", samples / GOOD)
    # By hand: (974 + 1026) * 1e-5 = 0.02 US dollars.
    assert accepted["cost"].sum() * 1e-5 == pytest.approx(0.02)


def test_units_and_powers_of_ten_become_kwh_and_m3(gated, feed, samples):
    accepted, _ = gated("green_button", samples / GOOD)
    fed = feed("green_button", "facility_readings", accepted).sort("row_number")
    # By hand: 300, 500 and 250 Wh; 2 x 10^3 Wh fed back; a counter at 71 x 10^6 Wh; 2500 x 10^-3 therms of
    # 105,505,585.262 J = 73.2677675... kWh; 1500 litres.
    assert fed["energy_kwh"].drop_nulls().to_list() == pytest.approx([0.3, 0.5, 0.25, 2.0, 73.26776754], rel=1e-9)
    assert fed["energy_counter_kwh"].drop_nulls().to_list() == [71_000.0]
    assert fed["water_m3"].drop_nulls().to_list() == [1.5]


def test_only_delivered_electricity_sits_at_the_boundary_of_the_binding(gated, feed, samples):
    accepted, _ = gated("green_button", samples / GOOD, {"boundary": "it_input"})
    fed = feed("green_button", "facility_readings", accepted)
    assert dict(fed.select("meter_id", "boundary").unique().iter_rows()) == {
        "E1": "it_input",
        "E1/received": "other",
        "G1/gas": "other",
        "W1/water": "water",
    }


def test_demand_maxima_are_left_out_of_staged(gated, feed, samples):
    accepted, _ = gated("green_button", samples / GOOD)
    fed = feed("green_button", "facility_readings", accepted)
    assert accepted.filter(pl.col("dataQualifier") == "8").height == 1
    assert fed.height == accepted.height - 1


def test_absent_quality_is_unknown(gated, feed, samples):
    accepted, _ = gated("green_button", samples / GOOD)
    fed = feed("green_button", "facility_readings", accepted).sort("row_number")
    # Absent, 8 (estimated), 17 (validated).
    assert fed["is_estimated"].to_list()[:3] == [None, True, False]


def test_intervals_across_the_change_of_clocks_are_contiguous(gated, feed, samples):
    accepted, _ = gated("green_button", samples / GOOD, time_zone="America/New_York")
    fed = feed("green_button", "facility_readings", accepted).sort("row_number")
    # 2023-03-12 07:00 UTC is when New York's clocks jump from 2 to 3; the next half hour begins right there.
    assert fed["ended_at_utc"][0] == fed["started_at_utc"][1] == datetime(2023, 3, 12, 7, 0)


def test_staged_contract_accepts_what_the_feed_makes(gated, feed, staged, samples):
    accepted, _ = gated("green_button", samples / GOOD)
    checked = staged("facility_readings", feed("green_button", "facility_readings", accepted))
    assert checked.rejected.is_empty()
    assert checked.accepted.height == 7


def test_electricity_in_cubic_feet_is_quarantined(gated, samples):
    accepted, rejected = gated("green_button", samples / "green_button_electricity_in_cubic_feet.xml")
    assert accepted.is_empty()
    assert rejected["rule"].to_list() == ["unit_possible_for_commodity"] * 2


def test_readings_that_are_no_numbers_are_quarantined_one_by_one(gated, samples):
    accepted, rejected = gated("green_button", samples / "green_button_unreadable_values.xml")
    assert accepted["row_number"].to_list() == [1]
    # A start that is no time, a value that is no number, a reading type that is not in the file.
    faults = dict(rejected.select("row_number", "column_name").iter_rows())
    assert faults == {2: "timePeriod/start", 3: "value", 4: "uom"}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        pytest.param("green_button_document_type.xml", "document type", id="may name other files"),
        pytest.param("green_button_truncated.xml", "not well-formed", id="broken download"),
        pytest.param("cyclonedx_server.json", "not well-formed", id="no XML"),
    ],
)
def test_a_file_that_is_no_green_button_file_is_refused(samples, name, said):
    with pytest.raises(UnreadableFile, match=said):
        list(read(samples / name, {}))


def test_a_lone_resource_is_no_feed(tmp_path):
    path = tmp_path / "category.xml"
    path.write_text(
        '<espi:ServiceCategory xmlns:espi="http://naesb.org/espi"><espi:kind>9</espi:kind></espi:ServiceCategory>'
    )
    with pytest.raises(UnreadableFile, match="begins with <ServiceCategory>"):
        list(read(path, {}))


def test_a_reading_without_links_is_quarantined_not_guessed(gated, tmp_path):
    path = tmp_path / "unlinked.xml"
    path.write_text(
        '<feed xmlns="http://www.w3.org/2005/Atom">'
        '<entry><content><UsagePoint xmlns="http://naesb.org/espi"><ServiceCategory><kind>0</kind></ServiceCategory>'
        "</UsagePoint></content></entry>"
        '<entry><link rel="self" href="/MeterReading/1/IntervalBlock/1"/><content>'
        '<IntervalBlock xmlns="http://naesb.org/espi"><IntervalReading><timePeriod><duration>900</duration>'
        "<start>1678602600</start></timePeriod><value>10</value></IntervalReading></IntervalBlock></content></entry></feed>"
    )
    accepted, rejected = gated("green_button", path)
    assert accepted.is_empty()
    assert rejected["rule"].to_list() == ["not_nullable"]
