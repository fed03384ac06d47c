"""Contract of raw.prometheus_matrix: answers of ``/api/v1/query_range``."""

from suanheng.schemas.datasets import prometheus

TITLE = "Prometheus, Thanos or VictoriaMetrics: answer of /api/v1/query_range (JSON), as suanheng pull writes it"
FEEDS = prometheus.FEEDS
OPTIONS: dict[str, str] = {}
TIMES = "stated"
HOLDS = "chunks"
SAMPLE = "data/prometheus_matrix_two_devices.json"
SAMPLE_SOURCE: dict[str, object] = {}
REFUSES = (
    "An answer that says error, that warns, or that calls itself partial: what is missing from it would be missing "
    "without a trace. Warnings that begin with PromQL speak of the query, and refuse nothing.",
    "An answer of another kind than a matrix, e.g. of /api/v1/query: it holds one instant, not a range.",
    "A file that ends before its JSON does.",
)
LIMITS = (
    "A point is what the server makes of samples, at the time of the step: suanheng pull asks for the newest sample of "
    "each step, which thus stands up to a step late. A plain selector repeats a sample for up to five minutes.",
    "What belongs to one sample of a device must be in one file, as suanheng pull writes it: of two files that state "
    "the same device and instant, the one whose path sorts last counts whole.",
    "Native histograms are quarantined, one record per series.",
    "Metrics that reference.metric_mappings does not name stay in the raw table and feed nothing; suanheng metrics "
    "names and counts them.",
)
CONTRACT = prometheus.samples("prometheus_matrix")
