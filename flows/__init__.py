"""When: Prefect flows, and around them what comes in and what goes out."""

from suanheng.config.privacy import keep_quiet

# Before anything below imports Prefect, which reads its settings once.
keep_quiet()
