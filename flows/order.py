"""What a run is asked for, and what became of it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from suanheng.flows.landing.land import Landing
from suanheng.flows.landing.repairs import Content
from suanheng.transforms.building.periods import Scope
from suanheng.transforms.staging.stage import Staging


@dataclass(frozen=True)
class Outcome:
    """What a run did.

    Attributes:
        run_id: names the run's snapshots in the warehouse.
        landings: files ingested or refused.
        stagings: datasets staged anew.
        built: site-quarters built anew, e.g. ``site-a 2023Q2``.
        failures: parts that failed, with the reason; what they should have replaced is as it was.
        reports: files written.
    """

    run_id: str
    landings: list[Landing]
    stagings: list[Staging]
    built: list[str]
    failures: dict[str, str]
    reports: list[Path]

    @property
    def changed_nothing(self) -> bool:
        """Whether there was nothing to do."""
        return not (self.landings or self.stagings or self.built or self.failures or self.reports)

    @property
    def rows_quarantined(self) -> int:
        """Records that this run put into quarantine."""
        return sum(x.rows_quarantined for x in self.landings) + sum(x.rows_quarantined for x in self.stagings)

    @property
    def corrections_refused(self) -> int:
        """Corrections that this run did not apply to all their rows, because a source has changed."""
        return sum(staged.corrections_refused for staged in self.stagings)

    @property
    def files_refused(self) -> int:
        """Files that could not be read at all."""
        return sum(landing.problem is not None for landing in self.landings)

    def counts(self) -> dict[str, int]:
        """How much of what, as ``ops.runs`` notes it."""
        return {
            "files_loaded": len(self.landings) - self.files_refused,
            "files_refused": self.files_refused,
            "rows_quarantined": self.rows_quarantined,
            "quarters_built": len(self.built),
            "quarters_failed": len(self.failures),
            "corrections_refused": self.corrections_refused,
        }

    def as_dict(self) -> dict[str, Any]:
        """The outcome as plain data."""
        return {
            "run_id": self.run_id,
            "landings": [asdict(landing) for landing in self.landings],
            "stagings": [asdict(part) for part in self.stagings],
            "built": self.built,
            "failures": self.failures,
            "reports": [str(path) for path in self.reports],
        }


def new_run_id(flow: str, now: datetime) -> str:
    """Name of a run, e.g. ``nightly-20230701T010203``."""
    return f"{flow}-{now:%Y%m%dT%H%M%S%f}"


class Stage(StrEnum):
    """What a run can do, in this order."""

    INGEST = "ingest"
    STAGE = "stage"
    BUILD = "build"
    REPORT = "report"


ALL_STAGES = tuple(Stage)


@dataclass(frozen=True)
class Order:
    """What a run is asked for.

    Attributes:
        flow: what is run.
        stages: what it does; quarters are reported that it builds or, where it builds none, that were ever built.
        first: a day in the first quarter that is built or reported.
        last: a day in the last one.
        sites: only these; all where empty.
        only: ingest this content and no other.
        force: build quarters also whose inputs have not changed.
        resume: run that is gone on with: what it built is not built by force again.
        workers: quarters that are computed at the same time.
    """

    flow: str
    stages: Sequence[Stage] = ALL_STAGES
    first: date = date.min
    last: date = date.max
    sites: Sequence[str] = ()
    only: Content | None = None
    force: bool = False
    resume: str | None = None
    workers: int | None = None

    def concerns(self, site_id: str) -> bool:
        """Whether it is about a site."""
        return not self.sites or site_id in self.sites

    def covers(self, scope: Scope) -> bool:
        """Whether it is about a quarter of a site."""
        return scope.start <= self.last and scope.end > self.first and self.concerns(scope.site_id)
