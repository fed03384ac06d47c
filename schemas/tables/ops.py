"""Contracts of the bookkeeping: files, what was built from them, runs, and the quarantine."""

import polars as pl

from suanheng.schemas.columns import choice, count, flag, instant, text
from suanheng.schemas.contract import column, contract
from suanheng.schemas.tables.corrections import CORRECTED_ROWS, OUTCOMES

FILES = contract(
    "files",
    "one file of one site and format, taken in once",
    key=("file_id", "site_id", "raw_table"),
    columns={
        "file_id": column(pl.String, "SHA-256 of the content.", required=True),
        "path": column(pl.String, "Where it lay, from the workspace.", required=True),
        "site_id": column(pl.String, "Site it belongs to.", required=True),
        "format": column(pl.String, "Format it was read as.", required=True),
        "raw_table": column(pl.String, "Table of stage raw its rows are in.", required=True),
        "evidence_class": column(pl.String, "Standing of its rows as evidence.", required=True),
        "time_zone": text("Zone of its local times."),
        "binding": column(
            pl.String, "Hash of what decides how it is read: format, contract, binding, repairs.", required=True
        ),
        "bytes": count("Size.", at_most=10**15, required=True),
        "rows_read": count("Records found in it.", required=True),
        "rows_accepted": count("Records that keep the contract.", required=True),
        "rows_quarantined": count("Records that do not.", required=True),
        "first_at": instant("Earliest time its rows tell of; empty for an inventory."),
        "last_at": instant("Latest time its rows tell of."),
        "status": choice(("loaded", "refused", "replaced"), "Whether its rows count.", required=True),
        "problem": text("Why it was refused."),
        "is_adopted": flag(
            "Whether its rows are read where they lie, in stage staged, and were not copied to stage raw.",
            default=False,
        ),
        "run_id": column(pl.String, "Run that took it in.", required=True),
    },
)

STAGINGS = contract(
    "stagings",
    "one dataset of one site, as it was last staged",
    key=("site_id", "dataset"),
    columns={
        "site_id": column(pl.String, "Site.", required=True),
        "dataset": column(pl.String, "Dataset.", required=True),
        "recipe_hash": column(pl.String, "Hash of its feeds, its contract and its corrections.", required=True),
        "file_ids": column(pl.List(pl.String), "Files it was made from.", required=True),
        "bindings": column(pl.List(pl.String), "How each of them was read, as in ops.files.", required=True),
        "rows_fed": count("Rows its feeds gave.", required=True),
        "rows_dropped": count("Rows a correction takes out.", required=True),
        "rows_staged": count("Rows kept.", required=True),
        "rows_superseded": count("Rows another file states anew.", required=True),
        "rows_quarantined": count("Rows that break the contract.", required=True),
        "run_id": column(pl.String, "Run that staged it.", required=True),
    },
)

BUILDS = contract(
    "builds",
    "one quarter of one site, as it was last built",
    key=("site_id", "quarter_start"),
    columns={
        "site_id": column(pl.String, "Site.", required=True),
        "quarter_start": column(pl.Date, "First day of the quarter.", required=True),
        "made_from": text("Hash of each part of what it was made from, as JSON."),
        "from_snapshot": count("Snapshot of the warehouse it was made from."),
        "outdated_by": text("A quarter that it looks back on and that was built after it."),
        "as_of": column(pl.Date, "The present it was built with, at the site."),
        "filled": column(pl.List(pl.String), "Rollups and facts that hold rows of it."),
        "run_id": column(pl.String, "Run that built it.", required=True),
    },
)

REPORTS = contract(
    "reports",
    "one quarter of one site, as its pages were last written",
    key=("site_id", "quarter_start"),
    columns={
        "site_id": column(pl.String, "Site.", required=True),
        "quarter_start": column(pl.Date, "First day of the quarter.", required=True),
        "run_id": column(pl.String, "Run that built what the pages show.", required=True),
    },
)

REFERENCE_TABLES = contract(
    "reference_tables",
    "one reference table, as it was last loaded",
    key=("name",),
    columns={
        "name": column(pl.String, "Table.", required=True),
        "content_hash": column(pl.String, "Hash of its rows.", required=True),
        "source_hash": column(pl.String, "Hash of what its rows were read from and of what reads them."),
        "row_count": count("Rows.", required=True),
        "run_id": column(pl.String, "Run that loaded it.", required=True),
    },
)

RUNS = contract(
    "runs",
    "one run of a flow",
    key=("run_id",),
    columns={
        "run_id": column(pl.String, "Run.", required=True),
        "flow": column(pl.String, "Name of the flow.", required=True),
        "started_at_utc": instant("Start.", required=True),
        "ended_at_utc": instant("End.", required=True),
        "files_loaded": count("Files taken in.", required=True),
        "files_refused": count("Files refused.", required=True),
        "rows_quarantined": count("Records quarantined.", required=True),
        "quarters_built": count("Site-quarters built.", required=True),
        "quarters_failed": count("Site-quarters that failed and keep what they held.", required=True),
        "corrections_refused": count(
            "Corrections that were not applied, because their source has changed.", required=True
        ),
    },
)

REPAIRS = contract(
    "repairs",
    "one record of a file that counts as somebody repaired it",
    key=("site_id", "raw_table", "file_id", "row_number"),
    columns={
        "site_id": column(pl.String, "Site.", required=True),
        "raw_table": column(pl.String, "Table of stage raw it lands in.", required=True),
        "file_id": column(pl.String, "File.", required=True),
        "row_number": count("Row in the file.", required=True),
        "reason": text("What was wrong with it."),
        "original": text("The record as the file states it."),
        "repaired": text("The record as it was repaired."),
        "is_accepted": flag("Whether the repaired record keeps the contract of stage raw.", required=True),
        "run_id": column(pl.String, "Run that took it in.", required=True),
    },
)

GATES = contract(
    "gates",
    "one expectation that a scorecard was held to before it was published",
    key=("run_id", "table_name", "expectation"),
    columns={
        "run_id": column(pl.String, "Run that wanted to publish.", required=True),
        "site_id": column(pl.String, "Site.", required=True),
        "period": column(pl.String, "Period.", required=True),
        "publication_id": text("Publication that came of it; empty where it was withheld or nothing had changed."),
        "table_name": column(pl.String, "What was checked, as in transforms/gate.", required=True),
        "expectation": column(pl.String, "What was expected.", required=True),
        "severity": column(pl.String, "critical, or warning.", required=True),
        "holds": flag("Whether it holds.", required=True),
        "observed": text("What was found."),
        "rows": text("Rows that break it, as JSON, at most 20."),
        "accepted_because": text("Why the publisher published all the same."),
    },
)

RECORDS = contract(
    "records",
    "one rejected record",
    key=("stage", "file_id", "row_number"),
    columns={
        "stage": choice(("raw", "staged"), "Gate it failed at.", required=True),
        "site_id": column(pl.String, "Site.", required=True),
        "file_id": column(pl.String, "File.", required=True),
        "table_name": column(pl.String, "Table it was meant for.", required=True),
        "row_number": count("Row in the file.", required=True),
        "rule": column(pl.String, "First rule it broke.", required=True),
        "column_name": text("Column that broke it."),
        "value": text("Value that broke it."),
        "message": text("Everything that is wrong with it."),
        "record": text("The record."),
        "run_id": column(pl.String, "Run that rejected it.", required=True),
    },
)

OPS = {
    table.name: table
    for table in (FILES, STAGINGS, BUILDS, REPORTS, REFERENCE_TABLES, RUNS, GATES, REPAIRS, OUTCOMES, CORRECTED_ROWS)
}
QUARANTINE = {RECORDS.name: RECORDS}
