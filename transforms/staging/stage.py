"""From raw to staged: runs the feeds of a dataset, holds every row to the contract, keeps one row per key."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date

import polars as pl

from suanheng.config import fingerprints
from suanheng.config.corrections import Correction
from suanheng.schemas.checking.records import Checked, Chunk, check
from suanheng.schemas.columns import provenance
from suanheng.schemas.contract import Contract
from suanheng.schemas.datasets.energy import UTILITY_BILLS
from suanheng.schemas.staged import DATASETS, family
from suanheng.schemas.tables.ops import STAGINGS
from suanheng.transforms.definitions import corrections
from suanheng.transforms.definitions.recipes import feeds
from suanheng.transforms.staging import bill_lines
from suanheng.transforms.staging.feeding import fed
from suanheng.transforms.staging.partitions import (
    Partition,
    batches,
    partitions_of,
    sites_and_datasets,
    stale_partitions,
)
from suanheng.transforms.staging.unstaging import unstage
from suanheng.transforms.telemetry.day_sums import enter_day_sums
from suanheng.transforms.telemetry.overlapping_files import find_interleaved
from suanheng.transforms.telemetry.quarter_sums import survey_inputs_hash
from suanheng.transforms.telemetry.survey import DATASET
from suanheng.warehouse.lake import Lake

_FIRST_COUNT = {"revision": -pl.col("revision"), "is_estimated": pl.col("is_estimated").fill_null(False)}
"""Which row of a key counts before the path decides: the higher revision, a reading before an estimate."""


@dataclass(frozen=True)
class Staging:
    """What became of the raw rows of one dataset of one site: fed = dropped + staged + superseded + quarantined.

    Of a dataset that is staged day by day, of the days that were staged anew.
    """

    site_id: str
    dataset: str
    rows_fed: int = 0
    rows_dropped: int = 0
    rows_staged: int = 0
    rows_superseded: int = 0
    rows_quarantined: int = 0
    corrections_refused: int = 0


def recipe_hashes(
    lake: Lake, facts: Mapping[str, str] | None = None, stated: Sequence[Correction] | None = None
) -> dict[tuple[str, str], str]:
    """What each dataset of each site would be staged with now: hash of its feeds, its contract and its corrections.

    Args:
        lake: the warehouse.
        facts: hash of each reference table; as they are loaded where it is not given.
        stated: the corrections; those in force where it is not given.
    """
    hashes = facts if facts is not None else _hashes_of_facts(lake)
    corrections_in_force = stated if stated is not None else corrections.in_force(lake)
    time_zones = dict(lake.frame("SELECT site_id, time_zone FROM reference.sites").iter_rows())
    pairs = sites_and_datasets(lake)
    of_datasets = {dataset: recipe_hash(dataset, hashes) for dataset in {dataset for _, dataset in pairs}}
    sums = survey_inputs_hash(lake) if DATASET in of_datasets else ""
    found = {}
    for site_id, dataset in pairs:
        concerning = corrections.concerning(corrections_in_force, site_id, dataset)
        zone = time_zones.get(site_id) or "UTC"
        beside = [corrections.hash_of(concerning), zone] if concerning else []
        if dataset == DATASET:
            beside += [sums, zone]
        found[site_id, dataset] = _hash([of_datasets[dataset], *beside]) if beside else of_datasets[dataset]
    return found


def stale_datasets(lake: Lake) -> list[tuple[str, str]]:
    """Site and dataset pairs whose files, readings of files, precedence, corrections or feeds differ from the last."""
    with lake.at_one_time():
        return list(reasons(lake, recipe_hashes(lake)))


def reasons(lake: Lake, wanted: Mapping[tuple[str, str], str]) -> dict[tuple[str, str], str]:
    """Why each pair of a site and a dataset would be staged anew, of those that would be, in their order.

    Args:
        lake: the warehouse.
        wanted: what each would be staged with.
    """
    stale: dict[tuple[str, str], list[Partition]] = {}
    for partition in stale_partitions(lake, wanted):
        stale.setdefault((partition.site_id, partition.dataset), []).append(partition)
    return {pair: _why(partitions) for pair, partitions in sorted(stale.items())}


def _why(partitions: Sequence[Partition]) -> str:
    before = {file for partition in partitions for file in partition.files_before}
    now = {file for partition in partitions for file in partition.files}
    if not any(partition.was_staged for partition in partitions):
        return f"its files changed: {len(now)} new" if partitions[0].day else "it was never staged"
    if not now:
        return "none of its files counts any more"
    if any(
        partition.recipe_hash_before not in (None, partition.recipe_hash) for partition in partitions if partition.files
    ):
        return "its feeds, its contract, its corrections or the reference facts they read changed"
    return f"its files changed: {len(now - before)} new, {len(before)} before"


def stage_dataset(lake: Lake, site_id: str, dataset: str) -> Staging:
    """Stage one dataset of one site anew where it is stale, some partitions at a time, each time in one transaction.

    The outcome depends only on the set of files: where two files state the same key, the higher revision counts, then a
    reading before an estimate, then the file whose path sorts last. The same key twice within one file and revision is
    quarantined. Lines of bills also give way to each other, see ``bill_lines``. A dataset that corrections
    concern is staged all at once, because a correction says of all its rows what it did, and so is one of which a feed
    looks across files.
    """
    with lake.at_one_time():
        stated = corrections.concerning(corrections.in_force(lake), site_id, dataset)
        hash_now = recipe_hashes(lake).get((site_id, dataset), "")
        is_whole = bool(stated) or _is_fed_across_files(lake, site_id, dataset)
        partitions = partitions_of(lake, site_id, dataset, hash_now, fresh_too=is_whole)
    done = Staging(site_id, dataset)
    for batch in [partitions] if is_whole and partitions else batches(partitions):
        done = _together(done, _stage(lake, batch, stated))
    return done


def _is_fed_across_files(lake: Lake, site_id: str, dataset: str) -> bool:
    tables = {table for feed in feeds(dataset) if feed.looks_across_files for table in feed.reads}
    query = (
        "SELECT count(*) FROM ops.files "
        "WHERE site_id = ? AND status = 'loaded' AND list_contains(?, 'raw.' || raw_table)"
    )
    return bool(tables) and lake.value(query, [site_id, sorted(tables)]) > 0


def _stage(lake: Lake, batch: Sequence[Partition], stated: Sequence[Correction]) -> Staging:
    """Stage partitions of one dataset of a site anew."""
    site_id, dataset = batch[0].site_id, batch[0].dataset
    prepared = _prepare(lake, batch, stated)
    with lake.transaction(f"stage {dataset} of {site_id}"):
        unstage(lake, batch)
        lake.insert(f"staged.{dataset}", prepared.kept)
        quarantine(lake, prepared.quarantined, site_id, dataset)
        for table, rows in (
            ("corrections", prepared.outcomes),
            ("corrected_rows", prepared.changes),
            ("stagings", prepared.stagings),
        ):
            lake.insert(f"ops.{table}", rows.with_columns(run_id=pl.lit(lake.run_id)))
        if dataset == DATASET:
            enter_day_sums(lake, site_id, prepared.kept)
            _resolve_overlaps(lake, site_id, batch)
    counts = {
        name: int(prepared.stagings[name].sum()) for name in prepared.stagings.columns if name.startswith("rows_")
    }
    return Staging(site_id, dataset, **counts, corrections_refused=prepared.corrections_refused)


@dataclass(frozen=True)
class _Prepared:
    """What is to be written of some partitions.

    Attributes:
        kept: rows that count.
        quarantined: records that were rejected.
        stagings: what became of the rows of each partition.
        outcomes: what each correction did.
        changes: what it changed.
        corrections_refused: corrections that were not applied to all they matched.
    """

    kept: pl.DataFrame
    quarantined: pl.DataFrame
    stagings: pl.DataFrame
    outcomes: pl.DataFrame
    changes: pl.DataFrame
    corrections_refused: int


def _prepare(lake: Lake, batch: Sequence[Partition], stated: Sequence[Correction]) -> _Prepared:
    """Feed, correct and check rows of some partitions, and say which of them count."""
    contract = DATASETS[batch[0].dataset]
    raw = fed(lake, batch)
    corrected = corrections.apply(raw, batch[0].site_id, stated, _time_zone(lake, batch[0].site_id))
    rows = {"fed": _per_day(raw, contract), "not_dropped": _per_day(corrected.rows, contract)}
    kept, rejected = _one_row_per_event(_checked(corrected.rows, contract), contract)
    quarantined = _with_day(rejected, raw, contract)
    rows |= {"staged": _per_day(kept, contract), "quarantined": _per_day(quarantined, contract)}
    stagings = _counted(batch, rows)
    return _Prepared(kept, quarantined, stagings, corrected.outcomes, corrected.changes, corrected.refused)


def _together(one: Staging, other: Staging) -> Staging:
    names = [field.name for field in fields(Staging) if field.type in ("int", int)]
    return replace(one, **{name: getattr(one, name) + getattr(other, name) for name in names})


def _counted(batch: Sequence[Partition], rows: Mapping[str, Mapping[date | None, int]]) -> pl.DataFrame:
    """Rows of ``ops.stagings`` of some partitions, those of which a file is left."""
    stagings = []
    for partition in batch:
        fed, not_dropped, staged, quarantined = (
            rows[what].get(partition.day, 0) for what in ("fed", "not_dropped", "staged", "quarantined")
        )
        stagings.append(
            {
                "site_id": partition.site_id,
                "dataset": partition.dataset,
                "day": partition.day,
                "recipe_hash": partition.recipe_hash,
                "file_ids": [file_id for file_id, _ in partition.files],
                "source_hashes": [source_hash for _, source_hash in partition.files],
                "rows_fed": fed,
                "rows_dropped": fed - not_dropped,
                "rows_staged": staged,
                "rows_superseded": not_dropped - staged - quarantined,
                "rows_quarantined": quarantined,
                "run_id": None,
            }
        )
    found = pl.DataFrame(stagings, schema=STAGINGS.dtypes())
    return found.filter(pl.col("file_ids").list.len() > 0)


def _per_day(rows: pl.DataFrame, contract: Contract) -> dict[date | None, int]:
    if not contract.is_staged_by_day:
        return {None: rows.height}
    day = "staged_day" if "staged_day" in rows.columns else contract.begins
    return dict(rows.group_by(pl.col(day).cast(pl.Date)).len().iter_rows())


def _with_day(records: pl.DataFrame, raw: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Rejected records with the day they are staged with."""
    if not contract.is_staged_by_day:
        return records.with_columns(staged_day=pl.lit(None, pl.Date))
    row = ["file_id", "row_number"]
    days = raw.select(*row, pl.col(contract.begins).cast(pl.Date).alias("staged_day")).unique(row)
    return records.join(days, on=row, how="left")


def quarantine(lake: Lake, records: pl.DataFrame, site_id: str, dataset: str) -> None:
    """Put records that failed in stage staged into quarantine."""
    lake.insert(
        "quarantine.records",
        records.with_columns(
            stage=pl.lit("staged"), site_id=pl.lit(site_id), table_name=pl.lit(dataset), run_id=pl.lit(lake.run_id)
        ),
    )


def _resolve_overlaps(lake: Lake, site_id: str, batch: Sequence[Partition]) -> None:
    """Let one sample of each key count where files in place meet others, and count them in."""
    in_place = lake.value("SELECT count(*) FROM ops.files WHERE site_id = ? AND is_adopted", [site_id])
    if not in_place:
        return
    files = sorted(file_id for partition in batch if not partition.day for file_id in partition.changed)
    days = [partition.day for partition in batch if partition.day]
    repeated = find_interleaved(lake, site_id, files, days)
    if repeated.height:
        records = repeated_keys(repeated, DATASETS[DATASET]).with_columns(staged_day=pl.lit(None, pl.Date))
        quarantine(lake, records, site_id, DATASET)
    lake.execute(_COUNT_IN_PLACE, {"site": site_id, "dataset": DATASET})


_COUNT_IN_PLACE = """
    UPDATE ops.stagings SET
        rows_fed = counts.fed,
        rows_staged = counts.staged,
        rows_superseded = counts.fed - counts.staged - counts.quarantined,
        rows_quarantined = counts.quarantined
    FROM (
        WITH adopted AS (FROM ops.files WHERE site_id = $site AND is_adopted AND status = 'loaded'),
        without_day AS (
            SELECT file_id IN (SELECT file_id FROM adopted) AS is_in_place
            FROM quarantine.records
            WHERE stage = 'staged' AND table_name = $dataset AND site_id = $site AND staged_day IS NULL
        )
        SELECT
            (SELECT coalesce(sum(rows_accepted), 0)::BIGINT FROM adopted)
            + (SELECT count(*) FROM without_day WHERE NOT is_in_place) AS fed,
            (SELECT count(*) FROM without_day) AS quarantined,
            (SELECT count(*) FROM staged.accelerator_samples WHERE site_id = $site) - (
                SELECT coalesce(sum(rows_staged), 0)::BIGINT
                FROM ops.stagings
                WHERE site_id = $site AND dataset = $dataset AND day IS NOT NULL
            ) AS staged
    ) AS counts
    WHERE site_id = $site AND dataset = $dataset AND day IS NULL
"""
"""What became of samples in place, and of rows without a time: what the days do not account for."""


def _time_zone(lake: Lake, site_id: str) -> str:
    return lake.value("SELECT time_zone FROM reference.sites WHERE site_id = ?", [site_id]) or "UTC"


def _hashes_of_facts(lake: Lake) -> dict[str, str]:
    return dict(lake.frame("SELECT name, content_hash FROM ops.reference_tables").iter_rows())


def recipe_hash(dataset: str, facts: Mapping[str, str]) -> str:
    """Hash of what decides how a dataset is staged: the code, its contract included, its feeds and the facts they read.

    Args:
        dataset: the dataset.
        facts: hash of each reference table.
    """
    digest = hashlib.sha256(fingerprints.installed().of_staging(family(dataset)).encode())
    for feed in feeds(dataset):
        digest.update(feed.query.encode())
        for table in sorted(table for table in feed.reads if table.startswith("reference.")):
            digest.update(str(facts.get(table.removeprefix("reference."))).encode())
    return digest.hexdigest()


def _hash(stated: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(stated).encode()).hexdigest()


def _checked(fed: pl.DataFrame, contract: Contract) -> Checked:
    """Check rows of several files. Row numbers repeat across files, so rows are numbered for that and back after it."""
    numbers = pl.int_range(1, fed.height + 1, dtype=pl.Int64, eager=True)
    checked = check(Chunk(fed.drop("path").with_columns(row_number=numbers)), contract, time_zone="UTC")
    columns = ["row_number", "rule", "column_name", "value", "message", "record", "file_id"]
    places = fed.select("row_number", "path", "file_id")
    accepted, rejected = (
        rows.with_columns(places[(rows["row_number"] - 1).to_numpy()]) for rows in (checked.accepted, checked.rejected)
    )
    return Checked(accepted, rejected.select(columns))


def _one_row_per_event(checked: Checked, contract: Contract) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows that count, in the contract's columns, and rejected records; what is neither is superseded."""
    is_of_bills = contract is UTILITY_BILLS
    rows = bill_lines.credits_as_adjustments(checked.accepted) if is_of_bills else checked.accepted
    kept, repeated = _one_row_per_key(rows, contract)
    rejected = [checked.rejected, _as_quarantined(repeated, "duplicate_key")]
    if is_of_bills:
        kept, overlapping = bill_lines.without_overlaps(bill_lines.latest_issues(kept))
        rejected.append(_as_quarantined(overlapping, bill_lines.OVERLAP))
    columns = [*provenance(), *(name for name in contract.columns if name not in provenance())]
    return kept.select(columns).sort(contract.key, nulls_last=True), pl.concat(rejected)


def _one_row_per_key(rows: pl.DataFrame, contract: Contract) -> tuple[pl.DataFrame, pl.DataFrame]:
    """One row per key, and the rows that repeat the key of an earlier one in their file, with what is wrong."""
    key = list(contract.key)
    is_repeated = rows.select(pl.struct(key).is_duplicated()).to_series()
    several = rows.filter(is_repeated)
    first_count = [order for name, order in _FIRST_COUNT.items() if name in rows.columns]
    first_here = pl.int_range(pl.len()).over([*key, *first_count, "file_id"]) == 0
    ordered = several.sort(["path", "file_id", "row_number"])
    by_precedence = ordered.filter(first_here).sort(
        [*first_count, "path", "file_id"], descending=[*(False for _ in first_count), True, True]
    )
    repeated = _named_repetition(ordered.filter(~first_here), contract)
    if several.is_empty():
        return rows, repeated
    kept = by_precedence.unique(key, keep="first", maintain_order=True)
    return pl.concat([rows.filter(~is_repeated), kept]), repeated


def _named_repetition(rows: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    key = pl.lit(", ".join(contract.key))
    stated = pl.concat_str([pl.col(name).cast(pl.String).fill_null("") for name in contract.key], separator=", ")
    repeats = pl.format("an earlier row of the same file already states {} = {}", key, stated)
    return rows.with_columns(wrong_value=stated, what_is_wrong=repeats)


def repeated_keys(rows: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Rows that repeat the key of an earlier row of their file, as records for the quarantine."""
    return _as_quarantined(_named_repetition(rows, contract), "duplicate_key")


def _as_quarantined(rows: pl.DataFrame, rule: str) -> pl.DataFrame:
    return rows.select(
        "row_number",
        rule=pl.lit(rule),
        column_name=pl.lit(None, pl.String),
        value="wrong_value",
        message="what_is_wrong",
        record=pl.struct(pl.exclude("path", "wrong_value", "what_is_wrong", *provenance())).struct.json_encode(),
        file_id="file_id",
    )
