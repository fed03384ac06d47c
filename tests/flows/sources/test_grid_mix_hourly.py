from datetime import date, datetime
from importlib.resources import files

import polars as pl
import pytest

from suanheng.flows.sources.grid_mix_hourly import read
from suanheng.schemas.checking.records import UnreadableFile

MIX = "grid_mix_hourly_XX_NG_&_avgCI.csv"


@pytest.fixture
def intensities(gated, rolled, samples):
    accepted, _ = gated("grid_mix_hourly", samples / MIX)
    factors = pl.read_csv(str(files("suanheng.config") / "reference" / "generation_factors.csv"))
    tables = {
        "raw.grid_mix_hourly": pl.concat([accepted, accepted]),
        "reference.generation_factors": factors,
    }
    rolled_up = rolled("rollups/grid_intensity_hour", tables, date(2022, 1, 1), date(2022, 2, 1))
    return rolled_up.sort("hour_start_utc")


def test_hours_are_read_or_quarantined(gated, samples):
    accepted, rejected = gated("grid_mix_hourly", samples / MIX)
    assert accepted["timestamp"].to_list() == [datetime(2022, 1, 1, hour) for hour in range(4)]
    assert accepted["area"].unique().to_list() == ["grid_mix_hourly_XX_NG_&_avgCI"]
    # Negative generation, a word for a number, too few fields; line numbers as in the file.
    assert dict(rejected.select("row_number", "rule").iter_rows()) == {
        6: "greater_than_or_equal_to",
        7: "type",
        8: "field_count",
    }


def test_the_source_names_the_area(gated, samples):
    accepted, _ = gated("grid_mix_hourly", samples / MIX, {"area": "US-XX"})
    assert accepted["area"].unique().to_list() == ["US-XX"]


def test_intensity_is_the_sum_of_share_times_factor(intensities):
    # By hand: half wind of 11 and half gas of 490; an eighth of each of 11, 41, 24, 650, 490, 820, 12, 230.
    assert intensities["computed_gco2e_per_kwh"].to_list()[:2] == [250.5, 284.75]
    assert intensities["stated_gco2e_per_kwh"].to_list()[:2] == [250.5, 284.75]
    assert [float(mwh) for mwh in intensities["generation_mwh"][:2]] == [20.0, 8.0]
    assert [float(kg) for kg in intensities["emissions_kgco2e"][:2]] == [5010.0, 2278.0]


def test_unknown_generation_and_no_generation_have_no_intensity(intensities):
    assert intensities["computed_gco2e_per_kwh"].to_list()[2:] == [None, None]
    assert intensities["generation_mwh"].to_list()[2] is None
    assert float(intensities["generation_mwh"][3]) == 0


def test_an_hour_that_two_files_hold_is_one_row(intensities):
    assert intensities.height == 4
    assert intensities["hour_start_utc"].n_unique() == 4


def test_each_hour_names_the_factors_it_was_made_with(intensities):
    assert intensities["reference_rows"][0].to_list() == [
        f"generation_factors/{source}"
        for source in ("coal", "gas", "hydro", "nuclear", "oil", "other", "solar", "wind")
    ]


def test_another_csv_is_refused(tmp_path):
    path = tmp_path / "demand.csv"
    path.write_text("timestamp,demand\n2022-01-01 00:00:00+00:00,1\n")
    with pytest.raises(UnreadableFile, match="timestamp, demand"):
        list(read(path, {}))
