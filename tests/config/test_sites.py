"""Sites: what each must say, what cannot be, and that every fault is said at once."""

from datetime import date
from pathlib import Path

import pytest

from suanheng.config.errors import BadSettings
from suanheng.config.sites import Site, read_sites, subdivisions

WHOLE = {"site_id": '"site-a"', "name_en": '"Site A"', "time_zone": '"Asia/Shanghai"'}


def entry(**changes: str | None) -> str:
    """An entry of sites.toml; ``None`` leaves a key out."""
    stated = {key: value for key, value in {**WHOLE, **changes}.items() if value is not None}
    return "[[site]]\n" + "".join(f"{key} = {value}\n" for key, value in stated.items())


def read(folder: Path, text: str) -> list[Site]:
    (folder / "sites.toml").write_text(text, encoding="utf-8")
    return read_sites(folder / "sites.toml")


def test_without_an_entry_there_is_no_site(tmp_path) -> None:
    assert read(tmp_path, "") == []


def test_what_is_left_out_is_unknown_and_the_chinese_name_is_the_english_one(tmp_path) -> None:
    (site,) = read(tmp_path, entry())
    assert site.model_dump() == {
        "site_id": "site-a",
        "name_en": "Site A",
        "name_zh": "Site A",
        "time_zone": "Asia/Shanghai",
        **dict.fromkeys(
            ("operator", "country", "region_code", "commissioned_on", "rack_units", "size_class", "is_new")
        ),
        "is_hub_node": None,
    }


def test_a_site_may_say_all_there_is(tmp_path) -> None:
    text = entry(country='"CN"', region_code='"CN-HE"', commissioned_on="2022-01-01", rack_units="42", is_new="false")
    (site,) = read(tmp_path, text)
    assert (site.region_code, site.commissioned_on) == ("CN-HE", date(2022, 1, 1))
    assert (site.rack_units, site.is_new) == (42.0, False)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name_en": None}, 'name_en: expected the key name_en, but got nothing; add e.g. name_en = "My centre"'),
        ({"site_id": '"Site A"'}, "site_id: expected small letters, digits, - and _"),
        ({"name_en": '""'}, "name_en: expected some text"),
        ({"time_zone": '"Asia/Atlantis"'}, "time_zone: expected the name of an IANA time zone"),
        # Deprecated directories of the time zone database are no zones.
        ({"time_zone": '"posix/UTC"'}, "time_zone: expected the name of an IANA time zone"),
        ({"country": '"UK"'}, 'country: expected a country of ISO 3166-1, two capital letters, but got "UK"'),
        ({"country": '"cn"'}, r"country: .*; did you mean CN\?"),
        # ISO 3166-2 had numbers for Chinese provinces until 2017.
        ({"region_code": '"CN-13"'}, "region_code: expected a code of ISO 3166-2, e.g. CN-AH, CN-BJ, CN-CQ"),
        ({"region_code": '"cn-he"'}, r"region_code: .*; did you mean CN-HE\?"),
        ({"region_code": '"Hebei"'}, "region_code: expected a code of ISO 3166-2"),
        ({"region_code": '"CN"'}, "region_code: expected a code of ISO 3166-2"),
        ({"country": '"CN"', "region_code": '"DE-HE"'}, "region_code: expected a subdivision of CN"),
        ({"commissioned_on": '"2022-01-01"'}, "commissioned_on: expected a day without quotes"),
        ({"commissioned_on": "2022-01-01T00:00:00"}, "commissioned_on: expected a day without quotes"),
        ({"rack_units": "0"}, "rack_units: expected more than 0, but got 0"),
        ({"rack_units": "nan"}, "rack_units: expected a finite number, but got nan"),
        ({"rack_units": '"42"'}, 'rack_units: expected a number, but got "42"'),
        ({"size_class": '"larg"'}, r"size_class: expected one of small, large, very_large, .*; did you mean large\?"),
        ({"is_new": "1"}, "is_new: expected true or false, but got 1"),
        ({"rack_unit": "42"}, r"rack_unit: expected one of the keys .*, but got rack_unit; did you mean rack_units\?"),
    ],
)
def test_what_cannot_be_is_named_with_its_place(tmp_path, changes, said) -> None:
    with pytest.raises(BadSettings, match=rf"sites\.toml, line \d+, \[\[site\]\] number 1, {said}") as refused:
        read(tmp_path, entry(**changes))
    assert len(refused.value.faults) == 1


def test_a_day_that_is_none_is_named_with_its_line(tmp_path) -> None:
    with pytest.raises(BadSettings, match=r"sites\.toml, line 5, the file: expected TOML, but got .*Invalid date"):
        read(tmp_path, entry(commissioned_on="2022-02-30"))


@pytest.mark.parametrize(
    ("country", "region"), [("HK", "CN-HK"), ("PR", "US-PR"), ("TW", "CN-TW"), ("RE", "FR-974"), (None, "US-NY")]
)
def test_a_territory_may_be_a_country_and_a_subdivision(tmp_path, country, region) -> None:
    stated = {"country": f'"{country}"'} if country else {}
    assert read(tmp_path, entry(region_code=f'"{region}"', **stated))[0].region_code == region


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[sites]]\n", r"line 1, sites: expected one of the keys site, but got sites; did you mean site\?"),
        ("[site]\n", r"line 1, site: expected entries that each begin with \[\[site\]\], but got a table"),
        ("site = [1]\n", r"line 1, \[\[site\]\] number 1: expected a table, but got 1"),
        ("[[site]\n", "line 1, the file: expected TOML"),
    ],
)
def test_a_file_of_another_shape_is_refused(tmp_path, text, said) -> None:
    with pytest.raises(BadSettings, match=said):
        read(tmp_path, text)


def test_every_fault_is_said_at_once_in_the_order_of_the_file(tmp_path) -> None:
    text = entry(time_zone='"Peking"', rack_units="-1") + entry(site_id='"site-b"', name_en=None) + entry()
    text += entry(size_class='"huge"', region_code='"XX-1"')
    with pytest.raises(BadSettings) as refused:
        read(tmp_path, text)
    assert [(fault.line, fault.place) for fault in refused.value.faults] == [
        (4, "[[site]] number 1, time_zone"),
        (5, "[[site]] number 1, rack_units"),
        (6, "[[site]] number 2, name_en"),
        (10, "[[site]] number 3, site_id"),
        (14, "[[site]] number 4, site_id"),
        (17, "[[site]] number 4, size_class"),
        (18, "[[site]] number 4, region_code"),
    ]
    assert refused.value.faults[3].got == '"site-a" again'


def test_bytes_that_are_no_utf_8_are_named_with_their_line(tmp_path) -> None:
    (tmp_path / "sites.toml").write_bytes('[[site]]\nname_en = "中心"\n'.encode("gb18030"))
    with pytest.raises(BadSettings, match=r"sites\.toml, line 2, the file: expected TOML"):
        read_sites(tmp_path / "sites.toml")


def test_the_codes_are_those_of_iso_3166() -> None:
    there = subdivisions()
    # ISO 3166-1 assigns 249 codes.
    assert len(there) == 249
    assert [code for country, codes in there.items() for code in codes if code.split("-")[0] != country] == []
    # China has 34 divisions of the first level, the United States 50 states, a district and six outlying areas.
    assert (len(there["CN"]), len(there["US"]), len(there["DE"])) == (34, 57, 16)
    assert {"CN-HE", "CN-HK", "CN-TW"} <= set(there["CN"])
