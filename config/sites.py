"""The centres that are scored."""

from datetime import date
from pathlib import Path
from typing import Any

from suanheng.config.workspace import BadSettings, read_toml

COLUMNS = {
    "site_id": str,
    "name_zh": str,
    "name_en": str,
    "operator": str,
    "time_zone": str,
    "region_code": str,
    "country": str,
    "commissioned_on": date,
    "rack_units": float,
    "size_class": str,
    "is_new": bool,
    "is_hub_node": bool,
}
"""Columns of reference.sites, with their types."""

_REQUIRED = ("site_id", "name_en", "time_zone")


def read_sites(path: Path) -> list[dict[str, Any]]:
    """Read ``sites.toml``: one dictionary per site, all columns present, unknown ones ``None``.

    Raises:
        BadSettings: a site is incomplete, twice there, or has an unknown key.
    """
    sites = []
    for number, entry in enumerate(read_toml(path).get("site", []), 1):
        where = f"{path}, [[site]] number {number}"
        if unknown := set(entry) - set(COLUMNS):
            raise BadSettings(f"{where}: unknown key {', '.join(sorted(unknown))}. Known: {', '.join(COLUMNS)}.")
        if missing := [key for key in _REQUIRED if key not in entry]:
            raise BadSettings(f"{where}: {', '.join(missing)} missing. Add it.")
        site = {key: entry.get(key) for key in COLUMNS}
        site["name_zh"] = site["name_zh"] or site["name_en"]
        sites.append(site)
    ids = [site["site_id"] for site in sites]
    if twice := {site for site in ids if ids.count(site) > 1}:
        raise BadSettings(f"{path}: site {', '.join(sorted(twice))} is there twice. Keep one.")
    return sites
