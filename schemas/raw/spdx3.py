"""Contract of the packages of an SPDX 3.0 document."""

import polars as pl

from suanheng.schemas.columns import text
from suanheng.schemas.contract import UTC, Column, Contract

TITLE = "SPDX 3.0 software bill of materials (JSON-LD)"
FEEDS = ("software_components",)
OPTIONS = {"observed_on": "day the document describes (YYYY-MM-DD), where it holds no SpdxDocument that says it"}
TIMES = "stated"
HOLDS = "document"
SAMPLE = "data/spdx3_stack.json"
SAMPLE_SOURCE: dict[str, object] = {}
REFUSES = (
    "JSON that is not SPDX 3.0; SPDX 2 has other fields and is format spdx.",
    "A document that does not say when it was created, unless sources.toml does: a bill of materials is true of a day.",
)
LIMITS = (
    "Only the compact JSON-LD that the standard prescribes is read; contexts are never fetched.",
    "Hardware profiles, builds, vulnerabilities, files and snippets are not read.",
    "Licence sets built from single elements count as unknown; licence expressions and listed licences are read.",
    "A relationship, licence or creator with a fault counts as not stated.",
)

_NO_ASSERTION = ("NOASSERTION",)

CONTRACT = Contract(
    "spdx3",
    "one package, AI models and data sets among them",
    columns={
        "creationInfo.specVersion": text("Version of the specification."),
        "creationInfo.created": Column(
            UTC, "When the SpdxDocument was created.", time_formats=("%Y-%m-%dT%H:%M:%S%.f%#z",)
        ),
        "observed_on": Column(
            pl.Date,
            "Day of creationInfo.created in UTC; from sources.toml where that is absent.",
            time_formats=("%Y-%m-%d",),
            required=True,
        ),
        "creationInfo.createdBy": text("People, organisations and software that made the SpdxDocument."),
        "SpdxDocument.spdxId": text("Identifier of the SpdxDocument."),
        "SpdxDocument.name": text("What it calls itself: as a rule, the image or product it describes."),
        "type": Column(pl.String, "Class of the element; dataset_DatasetPackage is no software.", required=True),
        "spdxId": Column(pl.String, "Identifier of the element.", required=True),
        "name": Column(pl.String, "Name.", required=True),
        "software_packageVersion": text("Version."),
        "suppliedBy": text("Who distributes it."),
        "originatedBy": text("Who made it."),
        "hasConcludedLicense": Column(
            pl.String, "Licence that the author of the document concluded.", nulls=_NO_ASSERTION
        ),
        "hasDeclaredLicense": Column(pl.String, "Licence that the authors declare.", nulls=_NO_ASSERTION),
        "software_primaryPurpose": text("What it is for; device is hardware, data is neither."),
        "software_packageUrl": text("Package URL."),
        "externalIdentifier": text("Package URL, else common platform enumeration, from externalIdentifier."),
        "dependencies stated": Column(
            pl.Boolean, "Whether relationships say what the package depends on or contains.", required=True
        ),
    },
)
