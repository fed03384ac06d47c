"""The centres that are scored: ``sites.toml``.

[[site]]
site_id = "my-centre"
name_en = "My centre"
time_zone = "Asia/Shanghai"
region_code = "CN-HE"
"""

import csv
import tomllib
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from suanheng.config.settings import Like, Table, Text, did_you_mean, only_once, read, refusal

SITE_ID = r"[a-z0-9][a-z0-9_-]{0,62}"

SizeClass = Literal["small", "large", "very_large"]
"""Sizes of a centre as policies use them."""

_time_zones = cache(available_timezones)
"""Names of the zones: asking for them walks through the whole time zone database."""


def _existing_zone(name: str) -> str:
    if name not in _time_zones():
        raise refusal("the name of an IANA time zone, e.g. Asia/Shanghai", do=did_you_mean(name, sorted(_time_zones())))
    return name


def _existing_site(site_id: str, info: ValidationInfo) -> str:
    known = (info.context or {}).get("sites")
    if known is not None and site_id not in known:
        there = f"a site of sites.toml: {', '.join(sorted(known))}" if known else "a site of sites.toml, which has none"
        raise refusal(there, do=did_you_mean(site_id, known) or "add the site to sites.toml")
    return site_id


SiteId = Annotated[str, Like(SITE_ID, "small letters, digits, - and _")]
KnownSiteId = Annotated[SiteId, AfterValidator(_existing_site)]
"""Site that another settings file speaks of; held to the ``sites`` of the context where they are known."""

TimeZone = Annotated[str, AfterValidator(_existing_zone)]


class Site(Table):
    """One centre that is scored."""

    site_id: Annotated[SiteId, AfterValidator(only_once)] = Field(
        description="Names the site everywhere, also its folders in the landing zone.", examples=["my-centre"]
    )
    name_en: Text = Field(description="English name.", examples=["My centre"])
    name_zh: str = Field(
        default="",
        description="Chinese name; the English one if left out.",
        examples=["示例中心"],
        validate_default=True,
    )
    operator: Text | None = Field(default=None, description="Who runs it.", examples=["My company"])
    time_zone: TimeZone = Field(description="Zone whose calendar months are its periods.", examples=["Asia/Shanghai"])
    country: str | None = Field(
        default=None,
        description="Country, ISO 3166-1 alpha-2.",
        examples=["CN"],
        json_schema_extra={"pattern": "^[A-Z]{2}$"},
    )
    region_code: str | None = Field(
        default=None,
        description="Province or state, ISO 3166-2; decides the grid factor.",
        examples=["CN-HE"],
        json_schema_extra={"pattern": "^[A-Z]{2}-[A-Z0-9]{1,3}$"},
    )
    commissioned_on: date | None = Field(
        default=None, description="First day of service; no period before it is scored.", examples=[date(2022, 1, 1)]
    )
    rack_units: float | None = Field(default=None, gt=0, description="Rack height available, in U.", examples=[4200])
    size_class: SizeClass | None = Field(default=None, description="Size as policies use it.", examples=["large"])
    is_new: bool | None = Field(default=None, description="Whether policies for new centres bind it.", examples=[True])
    is_hub_node: bool | None = Field(
        default=None, description="Whether it is in a national hub node (枢纽节点).", examples=[True]
    )

    @field_validator("name_zh")
    @classmethod
    def _english_name_if_left_out(cls, name: str, info: ValidationInfo) -> str:
        return name or info.data.get("name_en", "")

    @field_validator("country")
    @classmethod
    def _existing_country(cls, code: str | None) -> str | None:
        if code is not None and code not in subdivisions():
            raise refusal("a country of ISO 3166-1, two capital letters", do=did_you_mean(code, subdivisions()))
        return code

    @field_validator("region_code")
    @classmethod
    def _existing_region(cls, code: str | None, info: ValidationInfo) -> str | None:
        if code is None:
            return None
        country, stated = code.split("-")[0].upper(), info.data.get("country")
        there = subdivisions().get(country, ())
        if code not in there:
            raise refusal(
                f"a code of ISO 3166-2, e.g. {', '.join(there[:3])}" if there else "a code of ISO 3166-2, e.g. CN-HE",
                do=did_you_mean(code, there) or "see https://www.iso.org/obp/ui/#search for the codes of a country",
            )
        # A territory may be a country of its own and a subdivision of another: HK and CN-HK.
        if stated and stated not in code.split("-") and subdivisions()[stated]:
            raise refusal(f"a subdivision of {stated}, which country says", do="correct one of them")
        return code


@cache
def subdivisions() -> dict[str, tuple[str, ...]]:
    """Subdivisions (ISO 3166-2) of every country (ISO 3166-1 alpha-2), by the code of the country; some have none.

    The 249 countries and 5,046 subdivisions of ``iso_3166_2.csv`` are those of the PyPI packages iso3166-2 1.8.4
    (2026-08) and pycountry 26.2.16 (2026-02), two compilations that agree in every code.
    """
    with (Path(__file__).parent / "iso_3166_2.csv").open(encoding="utf-8", newline="") as file:
        return {row["country"]: tuple(row["subdivisions"].split()) for row in csv.DictReader(file)}


class SitesFile(Table):
    """sites.toml of a suanheng workspace: the centres that are scored."""

    site: list[Site] = Field(default=[], description="One entry per centre.")


def read_sites(path: Path) -> list[Site]:
    """Read ``sites.toml``.

    Raises:
        BadSettings: the file is missing, or a site says something that cannot be; with every fault.
    """
    return read(path, SitesFile).site


def stated_site_ids(path: Path) -> set[str] | None:
    """Ids that the sites of a file state, whatever else of it cannot be used; ``None`` where it is no TOML."""
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8")).get("site")
    except (OSError, ValueError):
        return None
    tables = entries if isinstance(entries, list) else []
    return {str(entry.get("site_id")) for entry in tables if isinstance(entry, dict)}
