"""Contracts of corrections as data: what is in force, what became of each, and every row that one touched."""

import polars as pl

from suanheng.schemas.columns import choice, count, text
from suanheng.schemas.contract import Column, Contract

ACTIONS = ("drop", "override", "scale", "flag")
"""What a correction does to a row."""

IN_FORCE = Contract(
    "corrections",
    "one correction of a known error in what a source delivers",
    key=("correction_id",),
    columns={
        "correction_id": Column(pl.String, "Correction.", required=True),
        "position": count("Place in the order in which corrections are tried.", required=True),
        "dataset": Column(pl.String, "Dataset whose rows it corrects.", required=True),
        "definition": Column(pl.String, "The correction, as JSON.", required=True),
        "reason": Column(pl.String, "What is wrong, and how one knows.", required=True),
        "source": Column(pl.String, "Where that is written.", required=True),
        "file": Column(pl.String, "File it stands in.", required=True),
    },
)

OUTCOMES = Contract(
    "corrections",
    "one correction on one dataset of one site, as it was last staged",
    key=("correction_id", "site_id", "dataset"),
    columns={
        "correction_id": Column(pl.String, "Correction.", required=True),
        "site_id": Column(pl.String, "Site.", required=True),
        "dataset": Column(pl.String, "Dataset.", required=True),
        "rows_matched": count("Rows it is meant for.", required=True),
        "rows_applied": count("Rows that were corrected, or flagged.", required=True),
        "rows_refused": count(
            "Rows that stay as their source gives them, because expect does not hold.", required=True
        ),
        "finding": text("Why rows were refused."),
        "run_id": Column(pl.String, "Run that staged them.", required=True),
    },
)

CORRECTED_ROWS = Contract(
    "corrected_rows",
    "one row that a correction changed, dropped or flagged on its way into staged",
    key=("correction_id", "site_id", "dataset", "file_id", "row_number"),
    columns={
        "correction_id": Column(pl.String, "Correction.", required=True),
        "site_id": Column(pl.String, "Site.", required=True),
        "dataset": Column(pl.String, "Dataset.", required=True),
        "file_id": Column(pl.String, "File.", required=True),
        "row_number": count("Row in the file.", required=True),
        "action": choice(ACTIONS, "What was done.", required=True),
        "column_name": Column(pl.String, "Column that is wrong.", required=True),
        "original_value": text("What the source says."),
        "new_value": text("What counts instead; the source's own where the row is flagged, none where it is dropped."),
        "reason": Column(pl.String, "What is wrong, and how one knows.", required=True),
        "run_id": Column(pl.String, "Run that staged it.", required=True),
    },
)
