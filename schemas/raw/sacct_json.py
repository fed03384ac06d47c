"""Contract of raw.sacct_json: accounting records of the Slurm scheduler as JSON."""

import polars as pl

from suanheng.schemas.columns import LONGEST_S, count, duration, name, text
from suanheng.schemas.contract import UTC, Column, Contract
from suanheng.schemas.raw.sacct import resources_are_countable

TITLE = "Slurm accounting (sacct --json)"
FEEDS = ("workload_runs",)
OPTIONS: dict[str, str] = {}
TIMES = "stated"
HOLDS = "chunks"
SAMPLE = "data/sacct_json_wrapped_numbers.json"
SAMPLE_SOURCE: dict[str, object] = {}
REFUSES = (
    "A file that is no whole JSON document: a list of jobs that is cut off would pass for a complete one.",
    "JSON without a list named jobs, such as what squeue or sinfo print.",
)
LIMITS = (
    "Pieces of a job, which --truncate makes, are joined where none is missing. Where the first or the last is, nobody "
    "can see it: export whole jobs.",
    "Steps of jobs are not read: the job's own record holds their nodes, time and energy.",
    "Before Slurm 23.02 the file gives the time a job could have run as its start. The start of a job that has ended "
    "is then taken from its end, its elapsed and its suspended time; that of a running job stays too early.",
    "An array of which elements still wait is one record and one run, until its elements start.",
    "Accelerators are the generic resources gpu, npu, ascend, dcu, mlu, gcu, xpu and hpu; under another name they do "
    "not count. Instances of a partitioned GPU are recognised by their type (gpu:1g.10gb): list it in "
    "AccountingStorageTRES, as a total alone counts each of them as a GPU.",
)

_EPOCH_AS_ISO = ("%Y-%m-%dT%H:%M:%S%.f%#z",)
_NO_VALUE = (str(2**32 - 2), str(2**32 - 1), str(2**64 - 2))


def _time(meaning: str, *, required: bool = False) -> Column:
    return Column(UTC, meaning, unit="UTC", required=required, time_formats=_EPOCH_AS_ISO)


CONTRACT = Contract(
    "sacct_json",
    "one accounting record of a job",
    happened=("time.submission", "time.end"),
    columns={
        "job_id": name("Job, unique until the scheduler counts from 1 again.", required=True),
        "array.job_id": text("Number of the array it is an element of; 0 for none."),
        "array.task_id": text("Which element it is."),
        "cluster": name("Cluster.", required=True),
        "partition": name("Partition."),
        "qos": name("Quality of service."),
        "account": name("Account that is charged."),
        "user": name("User."),
        "name": text("Name the user gave."),
        "time.submission": _time("When it was submitted.", required=True),
        "time.eligible": _time("When it could have run."),
        "time.start": _time("When it began to run; unknown while it waits."),
        "time.end": _time("When it ended; unknown while it runs."),
        "time.elapsed": duration("How long it ran, without the time it was suspended."),
        "time.suspended": duration("How long it was suspended."),
        "time.limit": Column(
            pl.Float64,
            "Run time asked for; unknown where the job has no limit.",
            unit="min",
            at_least=0,
            at_most=LONGEST_S / 60,
            nulls=_NO_VALUE,
        ),
        "state.current": Column(
            pl.String, "State; the first word where there are several.", matches=r"[A-Z_]+", required=True
        ),
        "allocation_nodes": count("Nodes allocated."),
        "required.CPUs": count("CPUs asked for."),
        "tres.requested": text("Resources asked for, e.g. cpu=8,gres/gpu=2,mem=64000M."),
        "tres.allocated": text("Resources allocated; among them the energy in J, where Slurm measures it."),
        "nodes": text("Nodes it ran on."),
    },
    rules=[resources_are_countable("tres.requested", "tres.allocated")],
)
