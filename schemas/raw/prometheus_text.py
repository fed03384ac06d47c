"""Contract of raw.prometheus_text: OpenMetrics, Prometheus text exposition, and dumps of promtool."""

from suanheng.schemas.datasets import prometheus

TITLE = "OpenMetrics or Prometheus text exposition, and promtool tsdb dump"
FEEDS = prometheus.FEEDS
OPTIONS = {
    "scraped_at": "when lines without a time were scraped: a time with an offset, or the form of the file's name in "
    "strptime's language, with %z, e.g. node7_%Y%m%dT%H%M%S%z.prom",
}
PATH_HOLDS_COLUMNS = "scraped_at"
TIMES = "stated"
HOLDS = "chunks"
SAMPLE = "data/prometheus_text_exposition.prom"
SAMPLE_SOURCE: dict[str, object] = {"options": {"scraped_at": "2024-06-01T12:00:00Z"}}
REFUSES = (
    "Lines without a time where sources.toml has no option scraped_at: the time of a scrape is not in the file.",
    "A line of more than 1 MiB.",
)
LIMITS = (
    "Times are seconds where the file ends in # EOF, as OpenMetrics does, and milliseconds where it does not. An "
    "OpenMetrics file that was cut off is quarantined, as its samples fall into January 1970.",
    "Types, help texts and exemplars are not read: what a metric is, reference.metric_mappings says.",
    "Names of metrics in quotes, as Prometheus 3 allows for dots and blanks, are quarantined.",
    "Metrics that reference.metric_mappings does not name stay in the raw table and feed nothing; suanheng metrics "
    "names and counts them.",
)
CONTRACT = prometheus.samples("prometheus_text")
