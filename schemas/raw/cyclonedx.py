"""Contract of the components of a CycloneDX bill of materials (JSON 1.2 to 1.7): hardware, software, operations."""

import polars as pl

from suanheng.schemas.columns import text
from suanheng.schemas.contract import UTC, Column, Contract

TITLE = "CycloneDX bill of materials: HBOM, SBOM, OBOM (JSON)"
FEEDS = ("bom_parts", "software_components")
OPTIONS = {
    "observed_on": "day the document describes (YYYY-MM-DD), for documents without metadata.timestamp",
    "asset_sku": "model of the asset the parts belong to, where the document calls it otherwise",
}
TIMES = "stated"
HOLDS = "document"
SAMPLE = "data/cyclonedx_server.json"
SAMPLE_SOURCE: dict[str, object] = {}
REFUSES = (
    "JSON that is not CycloneDX 1.2 to 1.7: another document has other fields.",
    "A document that does not say when it was written, unless sources.toml does: a bill of materials is true of a day.",
)
LIMITS = (
    "XML is not read: convert it with the CycloneDX command line, cyclonedx convert --output-format json.",
    "Vulnerabilities, services, formulations and the settings in a bill of operations are not read.",
    "Data and cryptographic assets stay in the raw table: they are neither parts nor software.",
    "Purchase data (price, stock, lead time) are not part of CycloneDX; a supplier list adds them.",
)

CONTRACT = Contract(
    "cyclonedx",
    "one component, wherever it is nested",
    columns={
        "specVersion": Column(pl.String, "Version of the specification.", required=True),
        "serialNumber": text("Identifier of the document."),
        "metadata.timestamp": Column(UTC, "When the document was written.", time_formats=("%Y-%m-%dT%H:%M:%S%.f%#z",)),
        "observed_on": Column(
            pl.Date,
            "Day of metadata.timestamp in UTC; from sources.toml where that is absent.",
            time_formats=("%Y-%m-%d",),
            required=True,
        ),
        "metadata.component.name": text("What the document is about, or the model named by sources.toml."),
        "metadata.authors": text("People and organisations that wrote the document."),
        "type": Column(
            pl.String,
            "device is hardware; data and cryptographic-asset are neither; everything else is software.",
            required=True,
        ),
        "bom-ref": text("Identifier within the document."),
        "name": Column(pl.String, "Name; the part number of a device.", required=True),
        "version": text("Version."),
        "description": text("What it is, in words."),
        "supplier.name": text("Who supplied it."),
        "manufacturer.name": text("Who made it (since 1.6)."),
        "publisher": text("Who published it."),
        "purl": text("Package URL."),
        "cpe": text("Common platform enumeration."),
        "licenses": text("SPDX expression that holds all licences; other names and addresses as LicenseRef."),
        "cdx:device:quantity": Column(
            pl.Float64, "Pieces in what directly encloses it; one where it is not stated.", unit="1", at_least=0
        ),
        "enclosing quantity": Column(
            pl.Float64, "Pieces of what encloses it, per asset; 1 at the top level.", unit="1", at_least=0
        ),
        "cdx:device:function": text("What the device does."),
        "cdx:device:location": text("Where the device sits."),
        "cdx:device:deviceType": text("How the device is mounted."),
        "dependencies stated": Column(
            pl.Boolean, "Whether the document says what the component depends on.", required=True
        ),
    },
)
