"""Contracts of the ops tables, the ledger: files, what was built from them, runs, and the quarantine."""

import polars as pl

from suanheng.schemas.columns import choice, count, flag, instant, text
from suanheng.schemas.contract import Column, Contract
from suanheng.schemas.tables.corrections import CORRECTED_ROWS, OUTCOMES

FILES = Contract(
    "files",
    "one file of one site and format, ingested once",
    key=("file_id", "site_id", "raw_table"),
    columns={
        "file_id": Column(pl.String, "SHA-256 of the content.", required=True),
        "path": Column(pl.String, "Where it was found, from the workspace.", required=True),
        "site_id": Column(pl.String, "Site it belongs to.", required=True),
        "format": Column(pl.String, "Format it was read as.", required=True),
        "raw_table": Column(pl.String, "Table of stage raw its rows are in.", required=True),
        "evidence_class": Column(pl.String, "Kind of evidence its rows are.", required=True),
        "time_zone": text("Zone of its local times."),
        "source_hash": Column(
            pl.String,
            "Hash of what decides how it is read: its [[source]], the code that reads it, its repairs.",
            required=True,
        ),
        "reader_hash": Column(pl.String, "Hash of the code that read it: where it changes, the file is read again."),
        "bytes": count("Size.", at_most=10**15, required=True),
        "rows_read": count("Records found in it.", required=True),
        "rows_accepted": count("Records that keep the contract.", required=True),
        "rows_quarantined": count("Records that do not.", required=True),
        "first_at": instant("Earliest time its rows cover; empty for an inventory."),
        "last_at": instant("Latest time its rows cover."),
        "days": Column(
            pl.List(pl.Date), "Days (UTC) on which its rows begin, an empty one for rows that do not say.", unit="UTC"
        ),
        "status": choice(("loaded", "refused", "replaced"), "Whether its rows count.", required=True),
        "problem": text("Why it was refused."),
        "is_adopted": flag(
            "Whether its rows are read where the file is, in stage staged, and were not copied to stage raw.",
            default=False,
        ),
        "run_id": Column(pl.String, "Run that ingested it.", required=True),
    },
)

STAGINGS = Contract(
    "stagings",
    "one dataset of one site, or a day of it where it is staged day by day, as it was last staged",
    key=("site_id", "dataset", "day"),
    columns={
        "site_id": Column(pl.String, "Site.", required=True),
        "dataset": Column(pl.String, "Dataset.", required=True),
        "day": Column(
            pl.Date,
            "Day on which its rows begin; empty for a dataset that is staged whole, and for rows that state no time or "
            "are read where their file is.",
            unit="UTC",
        ),
        "recipe_hash": Column(pl.String, "Hash of its feeds, its contract and its corrections.", required=True),
        "file_ids": Column(pl.List(pl.String), "Files it was made from.", required=True),
        "source_hashes": Column(pl.List(pl.String), "How each of them was read, as in ops.files.", required=True),
        "rows_fed": count("Rows its feeds gave.", required=True),
        "rows_dropped": count("Rows a correction takes out.", required=True),
        "rows_staged": count("Rows kept.", required=True),
        "rows_superseded": count("Rows another file states anew.", required=True),
        "rows_quarantined": count("Rows that break the contract.", required=True),
        "run_id": Column(pl.String, "Run that staged it.", required=True),
    },
)

BUILDS = Contract(
    "builds",
    "one quarter of one site, as it was last built",
    key=("site_id", "quarter_start"),
    columns={
        "site_id": Column(pl.String, "Site.", required=True),
        "quarter_start": Column(pl.Date, "First day of the quarter.", required=True),
        "made_from": text("Hash of each part of what it was made from, as JSON."),
        "from_snapshot": count("Snapshot of the warehouse it was made from."),
        "outdated_by": text("A quarter that it looks back on and that was built after it."),
        "as_of": Column(pl.Date, "The present it was built with, at the site."),
        "filled": Column(pl.List(pl.String), "Rollups and facts that hold rows of it."),
        "run_id": Column(pl.String, "Run that built it.", required=True),
    },
)

REPORTS = Contract(
    "reports",
    "one quarter of one site, as its pages were last written",
    key=("site_id", "quarter_start"),
    columns={
        "site_id": Column(pl.String, "Site.", required=True),
        "quarter_start": Column(pl.Date, "First day of the quarter.", required=True),
        "run_id": Column(pl.String, "Run that built what the pages show.", required=True),
    },
)

REFERENCE_TABLES = Contract(
    "reference_tables",
    "one reference table, as it was last loaded",
    key=("name",),
    columns={
        "name": Column(pl.String, "Table.", required=True),
        "content_hash": Column(pl.String, "Hash of its rows.", required=True),
        "source_hash": Column(pl.String, "Hash of what its rows were read from and of what reads them."),
        "row_count": count("Rows.", required=True),
        "run_id": Column(pl.String, "Run that loaded it.", required=True),
    },
)

RUNS = Contract(
    "runs",
    "one run of a flow",
    key=("run_id",),
    columns={
        "run_id": Column(pl.String, "Run.", required=True),
        "flow": Column(pl.String, "Name of the flow.", required=True),
        "started_at_utc": instant("Start.", required=True),
        "ended_at_utc": instant("End.", required=True),
        "files_loaded": count("Files ingested.", required=True),
        "files_refused": count("Files refused.", required=True),
        "rows_quarantined": count("Records quarantined.", required=True),
        "quarters_built": count("Site-quarters built.", required=True),
        "quarters_failed": count("Site-quarters that failed and keep what they held.", required=True),
        "corrections_refused": count(
            "Corrections that were not applied, because their source has changed.", required=True
        ),
    },
)

REPAIRS = Contract(
    "repairs",
    "one record of a file that counts as somebody repaired it",
    key=("site_id", "raw_table", "file_id", "row_number"),
    columns={
        "site_id": Column(pl.String, "Site.", required=True),
        "raw_table": Column(pl.String, "Table of stage raw it lands in.", required=True),
        "file_id": Column(pl.String, "File.", required=True),
        "row_number": count("Row in the file.", required=True),
        "reason": text("What was wrong with it."),
        "original": text("The record as the file states it."),
        "repaired": text("The record as it was repaired."),
        "is_accepted": flag("Whether the repaired record keeps the contract of stage raw.", required=True),
        "run_id": Column(pl.String, "Run that ingested it.", required=True),
    },
)

EXPECTATIONS = Contract(
    "expectations",
    "one expectation that a scorecard was held to before it was published",
    key=("run_id", "table_name", "expectation"),
    columns={
        "run_id": Column(pl.String, "Run that wanted to publish.", required=True),
        "site_id": Column(pl.String, "Site.", required=True),
        "period": Column(pl.String, "Period.", required=True),
        "publication_id": text("Publication that came of it; empty where it was withheld or nothing had changed."),
        "table_name": Column(pl.String, "What was checked, as in transforms/gate.", required=True),
        "expectation": Column(pl.String, "What was expected.", required=True),
        "severity": Column(pl.String, "critical, or warning.", required=True),
        "holds": flag("Whether it holds.", required=True),
        "observed": text("What was found."),
        "rows": text("Rows that break it, as JSON, at most 20."),
        "accepted_because": text("Why the publisher published all the same."),
    },
)

MIGRATED = Contract(
    "migrations",
    "one change of names that the warehouse has had",
    key=("name",),
    columns={
        "name": Column(
            pl.String, "Version it came with, and the table it renamed or whose columns it did.", required=True
        ),
        "code_version": Column(pl.String, "Version of suanheng that did it.", required=True),
        "run_id": Column(pl.String, "Run that did it.", required=True),
    },
)

RECORDS = Contract(
    "records",
    "one rejected record",
    key=("stage", "file_id", "row_number"),
    columns={
        "stage": choice(("raw", "staged"), "Stage whose contract it breaks.", required=True),
        "site_id": Column(pl.String, "Site.", required=True),
        "file_id": Column(pl.String, "File.", required=True),
        "table_name": Column(pl.String, "Table it was meant for.", required=True),
        "row_number": count("Row in the file.", required=True),
        "rule": Column(pl.String, "First rule it broke.", required=True),
        "column_name": text("Column that broke it."),
        "value": text("Value that broke it."),
        "message": text("Everything that is wrong with it."),
        "record": text("The record."),
        "staged_day": Column(pl.Date, "Day it was staged with, as in ops.stagings; empty in stage raw.", unit="UTC"),
        "run_id": Column(pl.String, "Run that rejected it.", required=True),
    },
)

OPS = {
    table.name: table
    for table in (
        FILES,
        STAGINGS,
        BUILDS,
        REPORTS,
        REFERENCE_TABLES,
        RUNS,
        EXPECTATIONS,
        REPAIRS,
        MIGRATED,
        OUTCOMES,
        CORRECTED_ROWS,
    )
}
QUARANTINE = {RECORDS.name: RECORDS}
