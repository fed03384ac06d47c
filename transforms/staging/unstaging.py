"""Unstaging: what was staged of some partitions goes, before they are staged anew."""

from collections.abc import Sequence
from typing import Any

from suanheng.schemas.staged import DATASETS
from suanheng.schemas.tables.surveyed import SURVEYED
from suanheng.transforms.staging.partitions import Partition
from suanheng.transforms.telemetry.survey import DATASET
from suanheng.warehouse.lake import Lake

_COPIED = "site_id = $site AND file_id NOT IN (SELECT file_id FROM ops.files WHERE site_id = $site AND is_adopted)"


def unstage(lake: Lake, batch: Sequence[Partition]) -> None:
    """Remove what was staged of some partitions of one dataset of a site, but for samples that are read in place.

    What was never staged has left nothing, and to look for it takes long.
    """
    before = [partition for partition in batch if partition.was_staged]
    if not before:
        return
    site_id, dataset = before[0].site_id, before[0].dataset
    place = {"site": site_id, "dataset": dataset}
    days = [partition.day for partition in before if partition.day]
    if len(days) < len(before):
        _unstage_without_day(lake, before, place)
    if days:
        _unstage_days(lake, {**place, "days": days})
    for table in ("corrections", "corrected_rows"):
        lake.execute(f"DELETE FROM ops.{table} WHERE site_id = $site AND dataset = $dataset", place)


def _unstage_without_day(lake: Lake, before: Sequence[Partition], place: dict[str, Any]) -> None:
    """Remove all of a dataset that was staged whole, as an older version did with those that are staged by day now."""
    adopted = "SELECT file_id FROM ops.files WHERE site_id = ? AND is_adopted"
    in_place = set(lake.frame(adopted, [place["site"]]).to_series())
    of_dataset = "WHERE site_id = $site AND dataset = $dataset"
    by_day = lake.value(f"SELECT count(*) FROM ops.stagings {of_dataset} AND day IS NOT NULL", place)
    copied = {file_id for partition in before if not partition.day for file_id, _ in partition.files_before} - in_place
    if copied and not by_day:
        whole = f"DELETE FROM staged.{place['dataset']} WHERE row_number IS NOT NULL AND {_COPIED}"
        lake.execute(whole, {"site": place["site"]})
    lake.execute(
        "DELETE FROM quarantine.records "
        f"WHERE stage = 'staged' AND table_name = $dataset AND staged_day IS NULL AND {_COPIED}",
        place,
    )
    lake.execute(f"DELETE FROM ops.stagings {of_dataset} AND day IS NULL", place)


def _unstage_days(lake: Lake, place: dict[str, Any]) -> None:
    dataset = str(place["dataset"])
    within = _within(dataset)
    lake.execute(
        f"DELETE FROM staged.{dataset} WHERE row_number IS NOT NULL AND {within} AND {_COPIED}",
        {name: place[name] for name in ("site", "days")},
    )
    lake.execute(
        "DELETE FROM quarantine.records "
        f"WHERE stage = 'staged' AND table_name = $dataset AND list_contains($days, staged_day) AND {_COPIED}",
        place,
    )
    lake.execute(
        "DELETE FROM ops.stagings WHERE site_id = $site AND dataset = $dataset AND list_contains($days, day)", place
    )
    if dataset == DATASET:
        _forget_sums(lake, place, within)


def _forget_sums(lake: Lake, place: dict[str, Any], within: str) -> None:
    """Remove the sums of some days, and samples of them that gave way to one in place."""
    of_days = {name: place[name] for name in ("site", "days")}
    for table in SURVEYED:
        where = within if table == "superseded_samples" else "list_contains($days::VARCHAR[], file_id)"
        lake.execute(f"DELETE FROM rollups.{table} WHERE {where} AND {_COPIED}", of_days)


def _within(dataset: str) -> str:
    """Whether a row begins on one of some days; what is stored of other times need not be opened."""
    time = DATASETS[dataset].begins
    return (
        f"{time} >= list_min($days)::TIMESTAMP AND {time} < list_max($days)::TIMESTAMP + INTERVAL 1 DAY "
        f"AND list_contains($days, {time}::DATE)"
    )
