"""Contract of raw.cluster_cockpit: jobs of a ClusterCockpit archive and the statistics of their metrics."""

import pandera.polars as pa
import polars as pl

from suanheng.schemas.columns import choice, count, duration, name, text
from suanheng.schemas.contract import UTC, Column, Contract, rule

TITLE = "ClusterCockpit job archive (meta.json, with data.json.gz beside it)"
FEEDS = ("workload_runs",)
OPTIONS: dict[str, str] = {}
TIMES = "stated"
HOLDS = "document"
SAMPLE = "data/cluster_cockpit_without_series.json"
SAMPLE_SOURCE: dict[str, object] = {}
REFUSES = (
    "JSON without jobId, cluster and startTime.",
    "A meta.json beside which there is a file of series that cannot be read.",
)
LIMITS = (
    "Where the archive does not say when a job was submitted, its wait is unknown.",
    "Statistics are checked and stay in the raw table; of the series only their units are read, to be compared.",
    "A file of series that changes while meta.json does not is not looked at again.",
)

STATES = (
    *("running", "completed", "failed", "cancelled", "stopped", "timeout", "preempted", "out_of_memory"),
    *("boot_fail", "deadline", "node_fail", "pending", "suspended"),
)


def _time(meaning: str, *, required: bool = False) -> Column:
    return Column(UTC, meaning, unit="UTC", required=required, time_formats=("%Y-%m-%dT%H:%M:%S%.f%#z",))


def _figure(meaning: str) -> Column:
    return Column(pl.Float64, meaning, unit="as stated")


def _in_order(lower: str, upper: str) -> pa.Check:
    # Averages are rounded to fewer digits than their bounds.
    slack = 0.001 * pl.col(upper).abs() + 1e-9
    return rule(
        f"{lower}_within_{upper}",
        pl.col(lower) <= pl.col(upper) + slack,
        f"the {lower} of the metric is above its {upper}: they cannot be of the same series",
    )


CONTRACT = Contract(
    "cluster_cockpit",
    "one job, or one metric of it",
    happened=("startTime", "stopTime"),
    columns={
        "jobId": name("Job; schedulers reuse it.", required=True),
        "arrayJobId": text("Number of the array it is an element of; 0 for none."),
        "cluster": name("Cluster.", required=True),
        "subCluster": name("Part of the cluster with equal nodes."),
        "partition": name("Partition."),
        "project": name("Account that is charged."),
        "user": name("User."),
        "jobState": choice(STATES, "State.", required=True),
        "numNodes": count("Nodes of the job.", required=True),
        "numAcc": count("Accelerators of the job."),
        "numHwthreads": count("Hardware threads of the job."),
        "submitTime": _time("When it was submitted; most archives do not say."),
        "startTime": _time("When it began to run.", required=True),
        "stopTime": _time("When it ended."),
        "duration": duration("How long it ran.", required=True),
        "walltime": duration("Run time asked for."),
        "metric": text("Metric; empty in the row of the job itself."),
        "unit": text("Unit of the statistics."),
        "series_unit": text("Unit of the series in the file beside."),
        "min": _figure("Lowest value."),
        "avg": _figure("Mean over nodes and time."),
        "max": _figure("Highest value."),
    },
    rules=[
        _in_order("min", "avg"),
        _in_order("avg", "max"),
        rule(
            "one_unit_in_both_files",
            pl.col("unit") == pl.col("series_unit"),
            "the series of the metric are in another unit than its statistics",
        ),
    ],
)
