"""Contracts of what a survey of telemetry in place leaves: sums per file and hour, and samples at the boundaries.

They are kept beside the rollups that are built from them, per file, so that a quarter never reads its samples
again.
"""

import polars as pl

from suanheng.schemas.columns import count, name
from suanheng.schemas.contract import UTC, Column, Contract
from suanheng.schemas.staged import DATASETS

_SAMPLES = DATASETS["accelerator_samples"]

_FILE = {
    "site_id": Column(pl.String, "Site.", required=True),
    "file_id": Column(pl.String, "File its samples are in.", required=True),
    "evidence_class": Column(pl.String, "Kind of evidence the file is.", required=True),
}

FILE_HOUR_SUMS = Contract(
    "file_hour_sums",
    "one device or instance and hour, summed as far as the samples of one adopted file have their neighbours there",
    key=("file_id", "device_id", "instance_id", "hour_start_utc"),
    columns={
        **_FILE,
        "device_id": name("Device.", required=True),
        "instance_id": _SAMPLES.columns["instance_id"],
        "hour_start_utc": Column(UTC, "Start of the hour.", unit="UTC", required=True),
        "node_id": name("Server that holds the device; the last by name."),
        "sku": name("Accelerator model; the last by name."),
        "samples": count("Samples in the hour.", required=True),
        "held_us": count("Time they hold, times devices.", at_most=2**62, required=True),
        "utilisation_us": count("Of it, with known utilisation.", at_most=2**62, required=True),
        "busy_us": count("Of that, busy.", at_most=2**62, required=True),
        "off_us": count("Of that, off.", at_most=2**62, required=True),
        "counted_us": count("Time over which the counter counts.", at_most=2**62, required=True),
        "counted_uj": count("Energy by counter.", at_most=2**62, required=True),
        "powered_us": count("Time with known power.", at_most=2**62, required=True),
        "powered_uj": count("Energy by power.", at_most=2**62, required=True),
        "bridged_us": count("Time with known power and no counter.", at_most=2**62, required=True),
        "bridged_uj": count("Energy by power in it.", at_most=2**62, required=True),
        "compared_us": count("Time with both.", at_most=2**62, required=True),
        "compared_powered_uj": count("Energy by power in it.", at_most=2**62, required=True),
        "compared_counted_uj": count("Energy by counter in it.", at_most=2**62, required=True),
        "counter_falls": count("Falls of the counter.", required=True),
        "counter_excesses": count("Rises beyond the highest power.", required=True),
        "zero_power_samples": count("Samples of 0 W that cannot be.", required=True),
    },
)

BOUNDARY_SAMPLES = Contract(
    "boundary_samples",
    "one sample of an adopted file whose neighbours are not beside it there, or that is such a neighbour",
    key=("file_id", "row_number"),
    columns={
        **_SAMPLES.columns,
        "is_summed": Column(
            pl.Boolean, "Whether it is in the file-hour sums, and only a neighbour here.", required=True
        ),
        "run": count("First row of the run of rows it belongs to.", required=True),
        "summed_samples_follow": Column(
            pl.Boolean, "Whether samples in the file-hour sums follow that are not here.", required=True
        ),
        "summed_samples_precede": Column(
            pl.Boolean, "Whether samples in the file-hour sums precede it that are not here.", required=True
        ),
    },
)

INTERLEAVED_SERIES = Contract(
    "interleaved_series",
    "one device or instance whose samples in one adopted file are between, or at the instants of, those of another",
    key=("file_id", "device_id", "instance_id"),
    columns={
        "site_id": Column(pl.String, "Site.", required=True),
        "file_id": Column(pl.String, "File.", required=True),
        "device_id": name("Device.", required=True),
        "instance_id": _SAMPLES.columns["instance_id"],
    },
)

SUPERSEDED_SAMPLES = Contract(
    "superseded_samples",
    "one sample of an adopted file that another file states anew; it counts again where that file goes",
    key=("file_id", "row_number"),
    columns=dict(_SAMPLES.columns),
)

SURVEYED = {table.name: table for table in (FILE_HOUR_SUMS, BOUNDARY_SAMPLES, INTERLEAVED_SERIES, SUPERSEDED_SAMPLES)}
"""Tables of stage rollups that no recipe makes."""
