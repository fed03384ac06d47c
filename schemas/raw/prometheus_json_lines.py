"""Contract of raw.prometheus_json_lines: exports of VictoriaMetrics."""

from suanheng.schemas.datasets import prometheus

TITLE = "VictoriaMetrics export (/api/v1/export, JSON lines)"
FEEDS = prometheus.FEEDS
OPTIONS: dict[str, str] = {}
TIMES = "stated"
HOLDS = "chunks"
SAMPLE = "data/prometheus_json_lines_two_devices.jsonl"
SAMPLE_SOURCE: dict[str, object] = {}
REFUSES = (
    "A first line without metric, values and timestamps: the file is something else.",
    "A line of more than 16 MiB: it would have to be held whole.",
)
LIMITS = (
    "Metrics that reference.metric_mappings does not name stay in the raw table and feed nothing; suanheng metrics "
    "names and counts them.",
)
CONTRACT = prometheus.samples("prometheus_json_lines")
