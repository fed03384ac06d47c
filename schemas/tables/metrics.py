"""Contracts of the tables that say what metrics of exporters and of metering systems become: names, units, columns."""

import polars as pl

from suanheng.schemas.columns import choice, count, text
from suanheng.schemas.contract import Column, rule
from suanheng.schemas.datasets.points import INSTANT_QUANTITIES, METER_UNIT_FITS, METER_UNITS
from suanheng.schemas.datasets.telemetry import BOUNDARIES
from suanheng.schemas.tables.reference_table import reference_table
from suanheng.schemas.units import spellings

METER_METRICS = reference_table(
    "meter_metrics",
    "one metric of one dialect of metering systems",
    {
        "dialect": Column(pl.String, "Metering system whose names these are.", required=True),
        "metric": Column(pl.String, "Metric, exactly as the system writes it.", required=True),
        "quantity": choice(
            (*INSTANT_QUANTITIES, "flag", "none"),
            "What it measures; flag where a value other than 0 says that the device is not to be trusted, none where "
            "it is no reading of a meter.",
            required=True,
        ),
        "unit": Column(pl.String, "Unit, exactly as in reference.units.", one_of=METER_UNITS),
        "boundary": choice(BOUNDARIES, "Where it is measured; empty where that depends on the device."),
        "meaning": Column(pl.String, "What it says.", required=True),
    },
    METER_UNIT_FITS,
    rule("one_meaning_per_metric", pl.len().over("dialect", "metric") == 1, "another row has the same metric"),
)

MAPPED_QUANTITIES = {
    "accelerator_samples": {
        "utilisation_ratio": "ratio",
        "tensor_active_ratio": "ratio",
        "memory_used_bytes": "information",
        "memory_total_bytes": "information",
        "power_w": "power",
        "energy_counter_j": "energy",
        "temperature_c": "temperature",
        "sm_clock_mhz": "frequency",
        "error_code": "ratio",
    },
    "facility_readings": {
        "power_w": "power",
        "energy_counter_kwh": "energy",
        "temperature_c": "temperature",
    },
}
"""Columns that a metric can become, by dataset, with the quantity that its unit must measure."""

_COUNTERS = ("energy_counter_j", "energy_counter_kwh")
_LABELS = r"[a-zA-Z_][a-zA-Z0-9_]*( [a-zA-Z_][a-zA-Z0-9_]*)*"
_MAPPED = pl.col("dataset").is_not_null()


def _unit_fits_column() -> pl.Expr:
    fits = [
        (pl.col("dataset") == dataset) & (pl.col("column_name") == name) & pl.col("unit").is_in(spellings(quantity))
        for dataset, columns in MAPPED_QUANTITIES.items()
        for name, quantity in columns.items()
    ]
    return ~_MAPPED | pl.any_horizontal(fits).fill_null(False)


METRIC_MAPPINGS = reference_table(
    "metric_mappings",
    "one metric of one exporter, or the series of it that carry one label value",
    {
        "exporter": Column(pl.String, "Exporter, as pulls name it.", matches=r"[a-z][a-z0-9_]*", required=True),
        "metric": Column(pl.String, "Name of the metric.", matches=r"[a-zA-Z_:][a-zA-Z0-9_:]*", required=True),
        "where_label": Column(
            pl.String, "Label that limits the row; a limited row goes before one without a limit.", matches=_LABELS
        ),
        "where_value": text("Value that label must have."),
        "dataset": choice(tuple(MAPPED_QUANTITIES), "Dataset it feeds; empty where it is known and not used."),
        "column_name": text("Column it becomes."),
        "instrument": choice(
            ("gauge", "counter"),
            "Whether it is a level or a running total; decided here, whatever its name or an exposition says.",
            required=True,
        ),
        "unit": text("Unit, as reference.units spells it; empty where it is not used."),
        "precedence": count(
            "1 goes before 2: where several metrics state the same column of a device, and which of the meters "
            "that overlap counts.",
            at_least=1,
            default=1,
        ),
        "device_labels": Column(
            pl.String, "Labels that together name the device or the meter, separated by blanks.", matches=_LABELS
        ),
        "instance_label": Column(pl.String, "Label that names the slice of a partitioned device.", matches=_LABELS),
        "node_labels": Column(pl.String, "Labels of which the first there is names the server.", matches=_LABELS),
        "sku_label": Column(pl.String, "Label that names the model.", matches=_LABELS),
        "boundary": choice(BOUNDARIES, "Where a meter sits; other where it is not to be summed."),
        "non_additive_group": text(
            "Meters of one server that overlap and must not be summed: the one of lowest precedence counts at its "
            "boundary, the rest are other."
        ),
    },
    rule(
        "mapped_is_whole",
        pl.all_horizontal(pl.col("column_name", "device_labels").is_not_null()) == _MAPPED,
        "a metric that feeds a dataset needs column_name and device_labels; one without a dataset has not both",
    ),
    rule(
        "unit_fits_column",
        _unit_fits_column(),
        "no metric of that unit can become that column: see units.csv, and the columns in docs/prometheus.md",
    ),
    rule(
        "gauge_is_no_counter",
        ~_MAPPED | ((pl.col("instrument") == "counter") == pl.col("column_name").is_in(_COUNTERS)),
        "only a counter can become an energy counter, and nothing else can it become: a level that is summed as a "
        "running total, or the reverse, gives nonsense",
    ),
    rule(
        "limit_is_whole",
        pl.col("where_label").is_null() == pl.col("where_value").is_null(),
        "where_label and where_value go together",
    ),
    rule(
        "meter_has_a_boundary",
        (pl.col("dataset") == "facility_readings").fill_null(False) == pl.col("boundary").is_not_null(),
        "a meter needs a boundary, and nothing else has one",
    ),
    rule(
        "overlapping_meters_are_not_summed",
        pl.col("non_additive_group").is_null()
        | (pl.col("boundary") == "other")
        | (
            pl.concat_str("exporter", "where_value", ignore_nulls=True)
            .n_unique()
            .over("non_additive_group", "precedence", pl.col("boundary") != "other")
            == 1
        ),
        "another member of the same non_additive_group counts with the same precedence: they overlap, and their sum "
        "would count energy twice; give one of them another precedence or boundary = other",
    ),
)
