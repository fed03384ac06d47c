"""Demo data: three fictitious computing centres over eight quarters, made from a seed, the same bytes every time."""

from suanheng.flows.demo.workspace import generate

__all__ = ["generate"]
