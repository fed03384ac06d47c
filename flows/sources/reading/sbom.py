"""What bills of materials of every standard have in common: they are true of a day, and state licences.

A licence that is stated by its name or the address of its text is translated where that means one licence of one
version and no other: "Apache" without a version, or "BSD" without the number of clauses, is none. What is not
translated stays unknown; it is never taken for closed. Names are those of the SPDX licence list 3.29 and of the
stewards' own pages.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cyclonedx.spdx import fixup_id, is_expression

from suanheng.schemas.checking.records import UnreadableFile

_NAMES = {
    "Apache-1.1": ("apache license 1.1", "apache software license 1.1"),
    "Apache-2.0": ("apache license 2.0", "apache 2.0", "apache 2", "apache license 2", "apache software license 2.0"),
    "MIT": ("mit license", "mit license mit", "mit", "expat license"),
    "ISC": ("isc license", "isc"),
    "BSD-2-Clause": (
        "bsd 2 clause license",
        "bsd 2 clause",
        "simplified bsd license",
        "bsd 2 clause simplified license",
    ),
    "BSD-3-Clause": (
        *("bsd 3 clause license", "bsd 3 clause", "new bsd license", "modified bsd license", "revised bsd license"),
        *("bsd 3 clause new or revised license", "3 clause bsd license"),
    ),
    "MPL-2.0": ("mozilla public license 2.0", "mpl 2.0"),
    "EPL-1.0": ("eclipse public license 1.0", "epl 1.0"),
    "EPL-2.0": ("eclipse public license 2.0", "epl 2.0"),
    "BSL-1.0": ("boost software license 1.0",),
    "Zlib": ("zlib license", "zlib"),
    "Unlicense": ("unlicense",),
    "UPL-1.0": ("universal permissive license 1.0",),
    "MulanPSL-2.0": ("mulan permissive software license 2", "mulan psl 2", "木兰宽松许可证 第2版"),
    "GPL-2.0-only": ("gnu general public license 2.0 only", "gnu general public license 2.0", "gpl 2.0"),
    "GPL-2.0-or-later": ("gnu general public license 2.0 or later",),
    "GPL-3.0-only": ("gnu general public license 3.0 only", "gnu general public license 3.0", "gpl 3.0"),
    "GPL-3.0-or-later": ("gnu general public license 3.0 or later",),
    "LGPL-2.1-only": (
        *("gnu lesser general public license 2.1 only", "gnu lesser general public license 2.1", "lgpl 2.1"),
    ),
    "LGPL-2.1-or-later": ("gnu lesser general public license 2.1 or later",),
    "LGPL-3.0-only": (
        *("gnu lesser general public license 3.0 only", "gnu lesser general public license 3.0", "lgpl 3.0"),
    ),
    "LGPL-3.0-or-later": ("gnu lesser general public license 3.0 or later",),
    "AGPL-3.0-only": (
        *("gnu affero general public license 3.0 only", "gnu affero general public license 3.0", "agpl 3.0"),
    ),
    "AGPL-3.0-or-later": ("gnu affero general public license 3.0 or later",),
}
_ADDRESSES = {
    "apache.org/licenses/license-2.0": "Apache-2.0",
    "apache.org/licenses/license-1.1": "Apache-1.1",
    "opensource.org/licenses/mit-license": "MIT",
    "mozilla.org/mpl/2.0": "MPL-2.0",
    "mozilla.org/en-us/mpl/2.0": "MPL-2.0",
    "eclipse.org/legal/epl-2.0": "EPL-2.0",
    "eclipse.org/legal/epl-v20": "EPL-2.0",
    "eclipse.org/legal/epl-v10": "EPL-1.0",
    "boost.org/license_1_0": "BSL-1.0",
    "license.coscl.org.cn/mulanpsl2": "MulanPSL-2.0",
    "gnu.org/licenses/gpl-3.0": "GPL-3.0-only",
    "gnu.org/licenses/old-licenses/gpl-2.0": "GPL-2.0-only",
    "gnu.org/licenses/lgpl-3.0": "LGPL-3.0-only",
    "gnu.org/licenses/old-licenses/lgpl-2.1": "LGPL-2.1-only",
    "gnu.org/licenses/agpl-3.0": "AGPL-3.0-only",
    "unlicense.org": "Unlicense",
}
_LISTS = ("spdx.org/licenses/", "opensource.org/licenses/", "opensource.org/license/")
"""Where the last part of an address is the identifier."""

_BY_NAME = {name: identifier for identifier, names in _NAMES.items() for name in names}


def day_described(path: Path, timestamp: str | None, options: Mapping[str, Any], stated_in: str) -> str:
    """Day a document describes: that of its timestamp in UTC, else the one the source names.

    Args:
        path: the document.
        timestamp: when the document says it was written.
        options: ``observed_on``, for a document that does not say it.
        stated_in: where in the document it should stand.

    Raises:
        UnreadableFile: neither the document nor the source says it.
    """
    if timestamp:
        return _day(timestamp)
    if options.get("observed_on"):
        return str(options["observed_on"])
    raise UnreadableFile(
        f"{path.name} does not say when it was written",
        expected=f"{stated_in} in the document, or observed_on in the source",
        got="neither",
        do="Add options = { observed_on = 'YYYY-MM-DD' } to the source in sources.toml.",
    )


def _day(timestamp: str) -> str:
    """Day of an ISO 8601 time in UTC; what is no time stays as it is, for the gate to refuse."""
    try:
        moment = datetime.fromisoformat(timestamp)
    except ValueError:
        return timestamp
    return (moment.astimezone(UTC) if moment.tzinfo else moment).date().isoformat()


def spdx_licence(stated: str | None) -> str | None:
    """SPDX identifier or expression of a licence by its name or address; ``None`` where it does not mean exactly one.

    Args:
        stated: an identifier in any case, an expression, a name or an address.
    """
    if not stated:
        return None
    if "://" in stated or stated.lower().startswith("www."):
        return _by_address(stated)
    return fixup_id(stated) or _BY_NAME.get(_plain(stated)) or (stated if is_expression(stated) else None)


def _by_address(address: str) -> str | None:
    place = re.sub(r"^\w+://|[?#].*$", "", address.strip())
    place = re.sub(r"^www\.|/+$", "", place, flags=re.IGNORECASE)
    place = re.sub(r"\.(txt|html?|php|json|md)$", "", place, flags=re.IGNORECASE)
    if identifier := _ADDRESSES.get(place.lower()):
        return identifier
    for folder in _LISTS:
        if place.lower().startswith(folder):
            return fixup_id(place[len(folder) :])
    return None


def _plain(name: str) -> str:
    """A name in small letters, without article, punctuation and the word version."""
    plain = re.sub(r"[\s,()\"'_-]+", " ", name.casefold().replace("licence", "license")).strip()
    plain = re.sub(r"\bversion\s*|\bv(?=\d)", "", plain)
    plain = re.sub(r"^the ", "", plain)
    return " ".join(plain.split())
