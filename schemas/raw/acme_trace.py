"""Contract of raw.acme_trace: jobs of an AI cluster in the layout of the Acme trace."""

from suanheng.schemas.columns import amount, choice, count, instant, name, text
from suanheng.schemas.contract import Contract

TITLE = "AI cluster job trace (Acme CSV)"
FEEDS = ("workload_runs",)
OPTIONS = {"cluster": "name of the cluster; by default what the file's name says, e.g. seren of trace_seren.csv"}
TIMES = "stated"
HOLDS = "chunks"
SAMPLE = "data/acme_trace_wait_in_duration.csv"
SAMPLE_SOURCE: dict[str, object] = {"options": {"cluster": "kalos"}}
REFUSES = (
    "A header without the columns of the trace.",
    "A file that neither its name nor sources.toml ties to a cluster: the two clusters number their jobs alike.",
)
LIMITS = (
    "duration, queue and gpu_time stay in the raw table and are not relied on: one of the two published clusters "
    "counts the wait into them. Times are taken from the stamps.",
    "The type Evaluation is neither training nor serving and counts as other.",
    "Utilisation files of the trace are not read.",
)

STATES = ("COMPLETED", "CANCELLED", "FAILED", "TIMEOUT", "NODE_FAIL", "RUNNING", "PENDING")

CONTRACT = Contract(
    "acme_trace",
    "one job",
    happened=("submit_time", "end_time"),
    columns={
        "job_id": name("Job.", required=True),
        "user": name("User, hashed."),
        "node_num": count("Nodes of the job."),
        "gpu_num": count("GPUs the job asked for and got."),
        "cpu_num": count("CPUs of the job."),
        "mem_per_pod_GB": amount("GB", "Memory of each pod."),
        "shared_mem_per_pod": amount("GB", "Shared memory of each pod."),
        "type": text("What kind of work it is, in the words of the trace."),
        "state": choice(STATES, "State when it ended.", required=True),
        "submit_time": instant("When it was submitted.", required=True),
        "start_time": instant("When it began to run."),
        "end_time": instant("When it ended."),
        "fail_time": instant("When it failed."),
        "stop_time": instant("When it was stopped."),
        "duration": amount("s", "Run time as the file states it; in some traces with the wait."),
        "queue": amount("s", "Wait as the file states it."),
        "gpu_time": amount("s", "duration times gpu_num, as the file states it."),
        "cluster": name("Cluster, from sources.toml or the file's name.", required=True),
    },
)
