"""Contract of raw.sacct: accounting records of the Slurm scheduler."""

import pandera.polars as pa
import polars as pl

from suanheng.schemas.columns import EPOCH, amount, count, name, text
from suanheng.schemas.contract import UTC, Column, Contract, rule

TITLE = "Slurm accounting (sacct --parsable2)"
FEEDS = ("workload_runs",)
OPTIONS = {"fields": "names of the fields in their order, where the file has no header and another order than usual"}
TIMES = "local"
HOLDS = "chunks"
SAMPLE = "data/sacct_spellings.txt"
SAMPLE_SOURCE: dict[str, object] = {"time_zone": "Asia/Shanghai"}
REFUSES = ("A first line with another number of fields than declared: columns would be mistaken for each other.",)
LIMITS = (
    "Pieces of a job, which --truncate makes, are joined where none is missing. Where the first or the last is, nobody "
    "can see it: export whole jobs.",
    "Memory and CPU efficiency are not read.",
    "Accelerators are the generic resources gpu, npu, ascend, dcu, mlu, gcu, xpu and hpu; under another name they do "
    "not count. Instances of a partitioned GPU are recognised by their type (gres/gpu:1g.10gb): list it in "
    "AccountingStorageTRES, as a total alone counts each of them as a GPU.",
    "An array of which elements still wait is one record (123_[5-9]) and one run, until its elements start.",
    "Times may be seconds since 1970 (SLURM_TIME_FORMAT=%s); they need no zone. The first moment of 1970, wherever it "
    "is printed, is no time: the job has not started, or not ended.",
    "A local time within the hour that is repeated when clocks go back is taken as the first of the two, unless the "
    "elapsed time shows that the second is meant; export with TZ=UTC, or with offsets: "
    "SLURM_TIME_FORMAT='%Y-%m-%dT%H:%M:%S%z'.",
)

_TIMES = ("%Y-%m-%dT%H:%M:%S%#z", "%Y-%m-%dT%H:%M:%S", EPOCH)
_UNKNOWN_TIMES = ("Unknown", "None", "N/A")
_NO_LIMIT = ("UNLIMITED", "Partition_Limit", "INVALID")
_DURATION = r"(\d{1,5}-)?(\d{1,6}:)?\d{1,2}:\d{2}(\.\d+)?"


def _time(meaning: str, *, required: bool = False) -> Column:
    return Column(UTC, meaning, unit="UTC", required=required, nulls=_UNKNOWN_TIMES, time_formats=_TIMES)


def _duration(meaning: str) -> Column:
    return Column(pl.String, meaning, unit="[days-]hh:mm:ss", matches=_DURATION, nulls=_NO_LIMIT)


def resources_are_countable(*columns: str) -> pa.Check:
    """The rule that counts of accelerators and CPUs among the resources are numbers of some cluster."""
    accelerator = "gres/(?:gpu|npu|ascend|dcu|mlu|gcu|xpu|hpu)(?::[^=,]*)?"
    no_count = pl.col(*columns).str.contains(rf"(?:cpu|{accelerator})=(?:\D|$|\d{{10}})")
    message = "the resources count accelerators or CPUs by what is no number, or more than any cluster has"
    return rule("resources_are_countable", ~pl.any_horizontal(no_count.fill_null(False)), message)


CONTRACT = Contract(
    "sacct",
    "one accounting record of a job or of a step of a job",
    happened=("submit", "end"),
    columns={
        "jobid": name("Job as users see it; an element of an array carries the array's number."),
        "jobidraw": name("Job, unique until the scheduler counts from 1 again.", required=True),
        "cluster": name("Cluster.", required=True),
        "partition": name("Partition."),
        "qos": name("Quality of service."),
        "account": name("Account that is charged."),
        "user": name("User."),
        "submit": _time("When it was submitted.", required=True),
        "eligible": _time("When it could have run."),
        "start": _time("When it began to run; unknown while it waits."),
        "end": _time("When it ended; unknown while it runs."),
        "elapsed": _duration("How long it ran."),
        "exitcode": text("Exit code and signal."),
        "state": Column(
            pl.String, "State; a cancelled job also says by whom.", matches=r"[A-Z_]+\+?( by \d+)?", required=True
        ),
        "nnodes": count("Nodes allocated, or asked for while it waits."),
        "ncpus": count("CPUs allocated."),
        "reqcpus": count("CPUs asked for."),
        "reqmem": text(
            "Memory asked for, per node (n) or CPU (c); from 2147483648M upwards it is a flag of Slurm, not a size."
        ),
        "reqtres": text("Resources asked for, e.g. cpu=8,gres/gpu=2,mem=62.50G."),
        "alloctres": text("Resources allocated."),
        "timelimit": _duration("Run time asked for; unknown where the job has no limit."),
        "nodelist": text("Nodes it ran on."),
        "jobname": text("Name the user gave."),
        "consumedenergyraw": amount("J", "Energy of the job's nodes, where Slurm measures it."),
    },
    rules=[resources_are_countable("reqtres", "alloctres")],
)
