"""What goes out: scorecards as pages, JSON and spreadsheets."""

from suanheng.flows.reports.read import NoScorecard
from suanheng.flows.reports.writing import write, write_all, write_comparison, write_index

__all__ = ["NoScorecard", "write", "write_all", "write_comparison", "write_index"]
