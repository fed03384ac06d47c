from datetime import UTC, date, datetime

import polars as pl
import pytest

from suanheng.flows.sources.green_button import read
from suanheng.schemas.checking.records import UnreadableFile

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


def test_t07_money_counts_hundred_thousandths_and_absent_quality_is_unknown(gated, feed, samples):
    accepted, _ = gated("green_button", samples / GOOD)
    fed = feed("green_button", "facility_readings", accepted).sort("row_number")
    assert (accepted["cost"][0], accepted["currency"][0]) == (974, "840")
    # By hand: (974 + 1026) * 1e-5 = 0.02 US dollars; 300 + 500 + 250 Wh of three intervals.
    assert accepted["cost"].sum() * 1e-5 == pytest.approx(0.02)
    assert fed["energy_kwh"][:3].sum() == pytest.approx(1.05)
    # Absent, 8 (estimated), 17 (validated).
    assert fed["is_estimated"].to_list()[:3] == [None, True, False]


def test_units_and_powers_of_ten_become_kwh_and_m3(gated, feed, samples):
    accepted, _ = gated("green_button", samples / GOOD)
    fed = feed("green_button", "facility_readings", accepted).sort("row_number")
    # By hand: 300, 500 and 250 Wh; 2 x 10^3 Wh fed back; a counter at 71 x 10^6 Wh; 2500 x 10^-3 therms of
    # 105,505,585.262 J = 73.2677675... kWh; 1500 litres.
    assert fed["energy_kwh"].drop_nulls().to_list() == pytest.approx([0.3, 0.5, 0.25, 2.0, 73.26776754], rel=1e-9)
    assert fed["energy_counter_kwh"].drop_nulls().to_list() == [71_000.0]
    assert fed["water_m3"].drop_nulls().to_list() == [1.5]


def test_only_delivered_electricity_sits_at_the_boundary_of_the_source(gated, feed, samples):
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


@pytest.fixture
def usage(tmp_path):
    """Write a feed of one usage point: series of ``(reading type, quality, [(start, seconds, value)])``."""

    def write(kind, *series):
        entries = [
            _entry(
                "/UsagePoint/P1",
                f"<UsagePoint {ESPI}><ServiceCategory><kind>{kind}</kind></ServiceCategory></UsagePoint>",
            )
        ]
        for number, (reading_type, quality, readings) in enumerate(series, start=1):
            meter, described = f"/UsagePoint/P1/MeterReading/{number}", f"/ReadingType/{number}"
            fields = "".join(f"<{name}>{value}</{name}>" for name, value in reading_type.items())
            entries.append(_entry(meter, f"<MeterReading {ESPI}/>", related=described))
            entries.append(_entry(described, f"<ReadingType {ESPI}>{fields}</ReadingType>"))
            judged = f"<ReadingQuality><quality>{quality}</quality></ReadingQuality>" if quality else ""
            intervals = "".join(
                f"<IntervalReading>{judged}<timePeriod><duration>{seconds}</duration><start>{int(start)}</start>"
                f"</timePeriod><value>{value}</value></IntervalReading>"
                for start, seconds, value in readings
            )
            block = f"<IntervalBlock {ESPI}>{intervals}</IntervalBlock>"
            entries.append(_entry(f"{meter}/IntervalBlock/1", block))
        path = tmp_path / "usage.xml"
        path.write_text(f'<feed xmlns="http://www.w3.org/2005/Atom">{"".join(entries)}</feed>')
        return path

    return write


ESPI = 'xmlns="http://naesb.org/espi"'


def _entry(address, resource, related=None):
    link = f'<link rel="related" href="{related}"/>' if related else ""
    return f'<entry><link rel="self" href="{address}"/>{link}<content>{resource}</content></entry>'


KWH_PER_FT3_OF_GAS = 1026 * 1055.05585262 / 3.6e6


@pytest.mark.parametrize(
    ("kind", "uom", "column", "expected"),
    [
        # By hand, 1000 of each unit: 1055.05585262 J a Btu, 0.3048 m a foot, 3.785411784 l a gallon and 4.54609 l.
        *(("0", "72", "energy_kwh", 1.0), ("0", "31", "energy_kwh", 1 / 3600), ("0", "38", "power_w", 1000)),
        *(("0", "132", "energy_kwh", 0.2930710701722), ("1", "169", "energy_kwh", 29307.10701722)),
        *(("1", "119", "energy_kwh", 1000 * KWH_PER_FT3_OF_GAS), ("1", "120", "energy_kwh", 1000 * KWH_PER_FT3_OF_GAS)),
        *(("1", unit, "energy_kwh", 1000 / 0.3048**3 * KWH_PER_FT3_OF_GAS) for unit in ("42", "166", "167")),
        *(("2", "42", "water_m3", 1000), ("2", "134", "water_m3", 1), ("2", "156", "water_m3", 1)),
        *(
            ("2", "119", "water_m3", 28.316846592),
            ("2", "128", "water_m3", 3.785411784),
            ("2", "130", "water_m3", 4.54609),
        ),
        *(("4", "31", "energy_kwh", 1 / 3600), ("4", "132", "energy_kwh", 0.2930710701722)),
        ("4", "133", "power_w", 293.0710701722),
    ],
)
def test_every_service_in_every_unit(gated, feed, staged, usage, kind, uom, column, expected):
    accepted, rejected = gated("green_button", usage(kind, ({"uom": uom}, None, [(0, 3600, 1000)])))
    assert rejected.is_empty()
    checked = staged("facility_readings", feed("green_button", "facility_readings", accepted))
    assert checked.accepted[column].to_list() == [pytest.approx(expected, rel=1e-9)]


@pytest.mark.parametrize("kind", ["3", "5", "6", "7", "8", "9"])
def test_other_services_are_quarantined(gated, usage, kind):
    accepted, rejected = gated("green_button", usage(kind, ({"uom": "72"}, None, [(0, 3600, 1)])))
    assert accepted.is_empty()
    assert rejected.select("rule", "column_name").rows() == [("isin", "ServiceCategory/kind")]


@pytest.mark.parametrize(("power", "kwh"), [(-3, 0.001), (0, 1), (3, 1000), (6, 1_000_000)])
def test_multipliers_are_powers_of_ten(gated, feed, usage, power, kwh):
    path = usage("0", ({"powerOfTenMultiplier": power, "uom": "72"}, None, [(0, 900, 1000)]))
    fed = feed("green_button", "facility_readings", gated("green_button", path)[0])
    assert fed["energy_kwh"].to_list() == [pytest.approx(kwh)]


@pytest.mark.parametrize(
    ("codes", "is_estimated"),
    [
        *((code, True) for code in ("8", "9", "12")),
        *((code, False) for code in ("0", "14", "17", "18", "19")),
        *((code, None) for code in (None, "7", "10", "11", "13", "15")),
    ],
)
def test_quality_says_read_estimated_or_neither(gated, feed, usage, codes, is_estimated):
    path = usage("0", ({"uom": "72"}, codes, [(0, 900, 1)]))
    fed = feed("green_button", "facility_readings", gated("green_button", path)[0])
    assert fed["is_estimated"].to_list() == [is_estimated]


@pytest.mark.parametrize(
    ("midnight", "readings"),
    [
        # New York puts its clocks forward on 11 March 2012 and back on 4 November 2012.
        pytest.param(datetime(2012, 3, 11, 5, tzinfo=UTC), 92, id="23 hours"),
        pytest.param(datetime(2012, 11, 4, 4, tzinfo=UTC), 100, id="25 hours"),
    ],
)
def test_a_day_on_which_clocks_change_has_no_gap_and_no_overlap(gated, feed, staged, usage, midnight, readings):
    quarters = [(midnight.timestamp() + 900 * at, 900, 250) for at in range(readings)]
    path = usage("0", ({"uom": "72"}, "14", quarters))
    checked = staged("facility_readings", feed("green_button", "facility_readings", gated("green_button", path)[0]))
    day = checked.accepted.sort("started_at_utc").with_columns(
        local=pl.col("started_at_utc").dt.replace_time_zone("UTC").dt.convert_time_zone("America/New_York").dt.date()
    )
    assert day.height == readings
    assert day["local"].unique().to_list() == [date(midnight.year, midnight.month, midnight.day)]
    assert day["ended_at_utc"][:-1].to_list() == day["started_at_utc"][1:].to_list()


@pytest.mark.parametrize("kind", ["1", "2", "3"])
def test_a_register_is_no_amount_that_passed_whatever_kind_of_register_it_is(gated, feed, usage, kind):
    # ESPI AccumulationKind: 1 bulk quantity, 2 continuous cumulative, 3 cumulative; 4 alone is what passed.
    path = usage(
        "0", ({"accumulationBehaviour": kind, "uom": "72"}, None, [(0, 900, 5_000_000), (900, 900, 5_000_250)])
    )
    fed = feed("green_button", "facility_readings", gated("green_button", path)[0])
    assert sorted(fed.select("energy_counter_kwh", "energy_kwh").rows()) == [(5000, None), (5000.25, None)]


def test_what_a_usage_point_states_twice_is_at_its_boundary_once(gated, feed, staged, usage):
    energy = {"uom": "72"}
    path = usage(
        "0",
        (energy | {"flowDirection": "1"}, None, [(0, 900, 250)]),
        (energy | {"flowDirection": "19"}, None, [(0, 900, 50)]),
        (energy | {"flowDirection": "4"}, None, [(0, 900, 200)]),
        (energy | {"flowDirection": "20"}, None, [(0, 900, 300)]),
        ({"uom": "38", "flowDirection": "1"}, None, [(0, 900, 1000)]),
    )
    checked = staged("facility_readings", feed("green_button", "facility_readings", gated("green_button", path)[0]))
    assert checked.rejected.is_empty()
    assert dict(checked.accepted.select("meter_id", "boundary").iter_rows()) == {
        "P1": "utility",
        "P1/received": "other",
        "P1/net": "other",
        "P1/total": "other",
        "P1/power": "other",
    }


@pytest.mark.parametrize("reading_type", [{"uom": "72", "flowDirection": "4"}, {"uom": "38", "flowDirection": "1"}])
def test_what_is_stated_only_as_a_net_or_as_power_is_the_reading(gated, feed, usage, reading_type):
    path = usage("0", (reading_type, None, [(0, 900, 250)]))
    fed = feed("green_button", "facility_readings", gated("green_button", path)[0])
    assert fed.select("meter_id", "boundary").rows() == [("P1", "utility")]


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


@pytest.mark.parametrize(
    ("address", "meter"),
    [
        (
            "https://u.example/espi/1_1/resource/RetailCustomer/7/UsagePoint/1",
            "u.example/RetailCustomer/7/UsagePoint/1",
        ),
        (
            "https://u.example/espi/1_1/resource/RetailCustomer/8/UsagePoint/1",
            "u.example/RetailCustomer/8/UsagePoint/1",
        ),
        (
            "https://v.example/espi/1_1/resource/RetailCustomer/7/UsagePoint/1",
            "v.example/RetailCustomer/7/UsagePoint/1",
        ),
        (
            "https://u.example/D/espi/1_1/resource/Subscription/5/UsagePoint/1",
            "u.example/D/Subscription/5/UsagePoint/1",
        ),
        ("/v1/User/6150855/UsagePoint/409483", "v1/User/6150855/UsagePoint/409483"),
        ("/espi/1_1/resource/UsagePoint/01", "01"),
        ("/UsagePoint/P1", "P1"),
    ],
)
def test_a_meter_goes_by_the_whole_address_of_its_usage_point(gated, feed, usage, address, meter):
    # tronikos/opower#65: UsagePoint/1 of one customer is not UsagePoint/1 of another.
    path = usage("0", ({"uom": "72", "flowDirection": "1"}, None, [(0, 900, 250)]))
    path.write_text(path.read_text().replace("/UsagePoint/P1", address))
    accepted, rejected = gated("green_button", path)
    assert rejected.is_empty()
    assert feed("green_button", "facility_readings", accepted)["meter_id"].to_list() == [meter]
