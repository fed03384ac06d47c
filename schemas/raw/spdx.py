"""Contract of the packages of an SPDX document, version 2.2 and 2.3."""

import polars as pl

from suanheng.schemas.columns import text
from suanheng.schemas.contract import UTC, Column, Contract

TITLE = "SPDX 2.3 software bill of materials (JSON, tag-value)"
FEEDS = ("software_components",)
OPTIONS = {"observed_on": "day the document describes (YYYY-MM-DD), for documents without creationInfo.created"}
TIMES = "stated"
HOLDS = "document"
SAMPLE = "data/spdx_stack.json"
SAMPLE_SOURCE: dict[str, object] = {}
REFUSES = (
    "A document that is not SPDX 2.2 or 2.3; SPDX 3 has other fields and is format spdx3.",
    "A tag-value document with a fault anywhere: its packages cannot be separated from the faulty part.",
    "A document that does not say when it was created, unless sources.toml does: a bill of materials is true of a day.",
)
LIMITS = (
    "RDF, XML and YAML are not read: convert them with pyspdxtools --outfile document.spdx.json.",
    "Files, snippets, checksums and annotations are not read.",
    "A relationship with a fault counts as not stated.",
)

_NO_ASSERTION = ("NOASSERTION",)

CONTRACT = Contract(
    "spdx",
    "one package",
    columns={
        "spdxVersion": Column(pl.String, "Version of the specification.", required=True),
        "documentNamespace": text("Identifier of the document."),
        "document name": text("What the document calls itself: as a rule, the image or product it describes."),
        "creationInfo.created": Column(
            UTC, "When the document was created.", time_formats=("%Y-%m-%dT%H:%M:%S%.f%#z",)
        ),
        "observed_on": Column(
            pl.Date,
            "Day of creationInfo.created in UTC; from sources.toml where that is absent.",
            time_formats=("%Y-%m-%d",),
            required=True,
        ),
        "creationInfo.creators": text("People, organisations and tools that made the document."),
        "SPDXID": Column(pl.String, "Identifier within the document.", required=True),
        "name": Column(pl.String, "Name.", required=True),
        "versionInfo": text("Version."),
        "supplier": Column(pl.String, "Who distributes it, e.g. Organization: Chips AG.", nulls=_NO_ASSERTION),
        "originator": Column(pl.String, "Who made it, where that is somebody else.", nulls=_NO_ASSERTION),
        "licenseConcluded": Column(
            pl.String, "Licence that the author of the document concluded.", nulls=_NO_ASSERTION
        ),
        "licenseDeclared": Column(pl.String, "Licence that the authors of the package declare.", nulls=_NO_ASSERTION),
        "primaryPackagePurpose": text("What it is for; DEVICE is hardware."),
        "purl": text("Package URL, from externalRefs."),
        "cpe": text("Common platform enumeration, from externalRefs."),
        "dependencies stated": Column(
            pl.Boolean, "Whether relationships say what the package depends on or contains.", required=True
        ),
    },
)
