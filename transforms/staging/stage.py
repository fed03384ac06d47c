"""From raw to staged: runs the feeds of a dataset, holds every row to the contract, keeps one row per key."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import polars as pl

from suanheng.config import fingerprints
from suanheng.config.corrections import Correction
from suanheng.schemas.checking.records import Checked, Chunk, check
from suanheng.schemas.columns import provenance
from suanheng.schemas.contract import Contract
from suanheng.schemas.datasets.energy import UTILITY_BILLS
from suanheng.schemas.formats import landed, raw_tables, template
from suanheng.schemas.staged import DATASETS, family
from suanheng.schemas.tables.ops import STAGINGS
from suanheng.transforms.definitions import corrections
from suanheng.transforms.definitions.recipes import feeds
from suanheng.transforms.staging import bill_lines
from suanheng.transforms.telemetry.overlapping_files import find_interleaved
from suanheng.transforms.telemetry.survey import DATASET
from suanheng.warehouse.lake import Lake
from suanheng.warehouse.tables import no_rows

_FIRST_COUNT = {"revision": -pl.col("revision"), "is_estimated": pl.col("is_estimated").fill_null(False)}
"""Which row of a key counts before the path decides: the higher revision, a reading before an estimate."""


@dataclass(frozen=True)
class Staging:
    """What became of the raw rows of one dataset of one site: fed = dropped + staged + superseded + quarantined."""

    site_id: str
    dataset: str
    rows_fed: int
    rows_dropped: int
    rows_staged: int
    rows_superseded: int
    rows_quarantined: int
    corrections_refused: int


@dataclass(frozen=True)
class StagingInputs:
    """What one dataset of one site is staged from.

    Attributes:
        recipe_hash: hash of its feeds, its contract and its corrections.
        files: hash of each file and of how it was read, those that give way to others first.
    """

    recipe_hash: str
    files: tuple[tuple[str, str], ...]


def staging_inputs(
    lake: Lake, facts: Mapping[str, str] | None = None, stated: Sequence[Correction] | None = None
) -> dict[tuple[str, str], StagingInputs]:
    """What each dataset of each site would be staged from now.

    Args:
        lake: the warehouse.
        facts: hash of each reference table; as they are loaded where it is not given.
        stated: the corrections; those in force where it is not given.
    """
    hashes = facts if facts is not None else _hashes_of_facts(lake)
    corrections_in_force = stated if stated is not None else corrections.in_force(lake)
    time_zones = dict(lake.frame("SELECT site_id, time_zone FROM reference.sites").iter_rows())
    inputs_hash = {dataset: recipe_hash(dataset, hashes) for dataset in DATASETS}
    found = {}
    for (site_id, dataset), files in _loaded_files(lake).items():
        concerning = corrections.concerning(corrections_in_force, site_id, dataset)
        corrected = _with_corrections(inputs_hash[dataset], concerning, time_zones.get(site_id))
        found[site_id, dataset] = StagingInputs(corrected, tuple(files))
    return found


def stale_datasets(lake: Lake) -> list[tuple[str, str]]:
    """Site and dataset pairs whose files, readings of files, precedence, corrections or feeds differ from the last."""
    with lake.at_one_time():
        return list(reasons(lake, staging_inputs(lake)))


def reasons(lake: Lake, wanted: Mapping[tuple[str, str], StagingInputs]) -> dict[tuple[str, str], str]:
    """Why each pair of a site and a dataset would be staged anew, of those that would be, in their order."""
    query = "SELECT site_id, dataset, recipe_hash, file_ids, source_hashes FROM ops.stagings"
    staged = {
        (site_id, dataset): StagingInputs(inputs_hash, tuple(zip(file_ids, source_hashes, strict=True)))
        for site_id, dataset, inputs_hash, file_ids, source_hashes in lake.frame(query).iter_rows()
    }
    differing = sorted(pair for pair in staged.keys() | wanted.keys() if staged.get(pair) != wanted.get(pair))
    return {pair: _why(staged.get(pair), wanted.get(pair)) for pair in differing}


def _why(before: StagingInputs | None, after: StagingInputs | None) -> str:
    if before is None:
        return "it was never staged"
    if after is None:
        return "none of its files counts any more"
    if before.recipe_hash != after.recipe_hash:
        return "its feeds, its contract, its corrections or the reference facts they read changed"
    return f"its files changed: {len(set(after.files) - set(before.files))} new, {len(before.files)} before"


def stage_dataset(lake: Lake, site_id: str, dataset: str) -> Staging:
    """Stage one dataset of one site anew, from all its raw rows, in one transaction.

    The outcome depends only on the set of files: where two files state the same key, the higher revision counts, then a
    reading before an estimate, then the file whose path sorts last. The same key twice within one file and revision is
    quarantined. Lines of bills are settled among each other besides, see ``bill_lines``.
    """
    contract = DATASETS[dataset]
    stated = corrections.concerning(corrections.in_force(lake), site_id, dataset)
    inputs_hash = recipe_hash(dataset, _hashes_of_facts(lake))
    files = _loaded_files(lake, site_id).get((site_id, dataset), [])
    fed = _fed(lake, site_id, dataset)
    corrected = corrections.apply(fed, site_id, stated, _time_zone(lake, site_id))
    checked = _checked(corrected.rows, contract)
    kept, quarantined = _settled(checked, contract)
    superseded = corrected.rows.height - kept.height - quarantined.height
    staging = Staging(
        site_id,
        dataset,
        fed.height,
        corrected.dropped,
        kept.height,
        superseded,
        quarantined.height,
        corrected.refused,
    )
    place = [site_id, dataset]
    was_staged = lake.value("SELECT count(*) FROM ops.stagings WHERE site_id = ? AND dataset = ?", place) > 0
    with lake.transaction(f"stage {dataset} of {site_id}"):
        changed = _changed_since(lake, site_id, dataset, files)
        if was_staged:
            _unstage(lake, site_id, dataset)
        lake.insert(f"staged.{dataset}", kept)
        quarantine(lake, quarantined, site_id, dataset)
        for table, rows in (("corrections", corrected.outcomes), ("corrected_rows", corrected.changes)):
            lake.insert(f"ops.{table}", rows.with_columns(run_id=pl.lit(lake.run_id)))
        if dataset == DATASET:
            staging = _with_adopted(lake, staging, changed)
        if files:
            file_ids, source_hashes = map(list, zip(*files, strict=True))
            row = {
                **asdict(staging),
                "recipe_hash": _with_corrections(inputs_hash, stated, _time_zone(lake, site_id)),
                "file_ids": file_ids,
                "source_hashes": source_hashes,
                "run_id": lake.run_id,
            }
            lake.insert(
                "ops.stagings", pl.DataFrame([row], schema_overrides=STAGINGS.dtypes()).select(list(STAGINGS.columns))
            )
    return staging


def quarantine(lake: Lake, records: pl.DataFrame, site_id: str, dataset: str) -> None:
    """Put records that failed in stage staged into quarantine."""
    lake.insert(
        "quarantine.records",
        records.with_columns(
            stage=pl.lit("staged"), site_id=pl.lit(site_id), table_name=pl.lit(dataset), run_id=pl.lit(lake.run_id)
        ),
    )


def _changed_since(lake: Lake, site_id: str, dataset: str, files: Sequence[tuple[str, str]]) -> list[str]:
    """Files that have come, gone or been read anew since the dataset was last staged."""
    query = "SELECT unnest(file_ids), unnest(source_hashes) FROM ops.stagings WHERE site_id = ? AND dataset = ?"
    before = set(lake.frame(query, [site_id, dataset]).iter_rows())
    return sorted({file_id for file_id, _ in before ^ set(files)})


def _with_adopted(lake: Lake, staging: Staging, changed: Sequence[str]) -> Staging:
    """Settle the keys of samples in place against all others, and count them in."""
    repeated = find_interleaved(lake, staging.site_id, changed)
    if repeated.height:
        records = repeated_keys(repeated, DATASETS[DATASET])
        quarantine(lake, records, staging.site_id, DATASET)
    fed, quarantined, staged = lake.frame(
        """
        WITH adopted AS (FROM ops.files WHERE site_id = $site AND is_adopted AND status = 'loaded')
        SELECT
            (SELECT sum(rows_accepted)::BIGINT FROM adopted),
            (SELECT count(*) FROM quarantine.records SEMI JOIN adopted USING (file_id, site_id) WHERE stage = 'staged'),
            (SELECT count(*) FROM staged.accelerator_samples WHERE site_id = $site),
        """,
        {"site": staging.site_id},
    ).row(0)
    if fed is None:
        return staging
    fed, quarantined = staging.rows_fed + fed, staging.rows_quarantined + quarantined
    return replace(
        staging,
        rows_fed=fed,
        rows_quarantined=quarantined,
        rows_staged=staged,
        rows_superseded=fed - staging.rows_dropped - staged - quarantined,
    )


def _unstage(lake: Lake, site_id: str, dataset: str) -> None:
    """Remove what was staged of a dataset, but for the samples that are read where they are."""
    copied = "site_id = $site AND file_id NOT IN (SELECT file_id FROM ops.files WHERE site_id = $site AND is_adopted)"
    lake.execute(f"DELETE FROM staged.{dataset} WHERE row_number IS NOT NULL AND {copied}", {"site": site_id})
    lake.execute(
        f"DELETE FROM quarantine.records WHERE stage = 'staged' AND table_name = $dataset AND {copied}",
        {"site": site_id, "dataset": dataset},
    )
    for table in ("stagings", "corrections", "corrected_rows"):
        lake.execute(f"DELETE FROM ops.{table} WHERE site_id = ? AND dataset = ?", [site_id, dataset])


def _with_corrections(inputs_hash: str, stated: Sequence[Correction], time_zone: str | None) -> str:
    """Hash of what a dataset is made with; corrections are of days at the site, so its zone counts with them."""
    if not stated:
        return inputs_hash
    return hashlib.sha256((inputs_hash + corrections.hash_of(stated) + (time_zone or "UTC")).encode()).hexdigest()


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


def _loaded_files(lake: Lake, of_site: str | None = None) -> dict[tuple[str, str], list[tuple[str, str]]]:
    """Files by site and dataset, each with how it was read, those that give way to others first."""
    query = (
        "SELECT site_id, raw_table, file_id, source_hash FROM ops.files "
        "WHERE status = 'loaded' AND coalesce(site_id = ?, true) ORDER BY path, file_id"
    )
    fed = {table: form.feeds for table, form in raw_tables().items()}
    files: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for site_id, raw_table, file_id, source_hash in lake.frame(query, [of_site]).iter_rows():
        for dataset in fed.get(raw_table, ()):
            files.setdefault((site_id, dataset), []).append((file_id, source_hash))
    return files


def _fed(lake: Lake, site_id: str, dataset: str) -> pl.DataFrame:
    """Raw rows of a dataset of a site, each with the path of its file; only of feeds that its files can feed."""
    query = (
        "SELECT DISTINCT raw_table FROM ops.files WHERE site_id = ? AND status = 'loaded' AND is_adopted IS NOT TRUE"
    )
    copied = set(lake.frame(query, [site_id]).to_series())
    fed_by = [feed for feed in feeds(dataset) if any(f"raw.{table}" in feed.reads for table in copied)]
    is_stated_itself = f"template_{dataset}" in copied
    if not fed_by and not is_stated_itself:
        return pl.DataFrame(schema={**DATASETS[dataset].dtypes(), "path": pl.String})
    stated = f"SELECT * FROM raw.template_{dataset}" if is_stated_itself else no_rows(landed(template(dataset)))
    union = "\nUNION ALL BY NAME\n".join([stated, *(f"SELECT * FROM (\n{feed.query}\n)" for feed in fed_by)])
    loaded = "SELECT site_id, file_id, min(path) AS path FROM ops.files WHERE status = 'loaded' GROUP BY ALL"
    return lake.frame(
        f"SELECT fed.*, loaded.path FROM (\n{union}\n) AS fed JOIN ({loaded}) AS loaded USING (site_id, file_id) "
        "WHERE fed.site_id = ? ORDER BY loaded.path, fed.row_number",
        [site_id],
    )


def _checked(fed: pl.DataFrame, contract: Contract):
    """Gate a whole dataset. Row numbers repeat across files, so rows are numbered for the gate and back after it."""
    numbered = fed.with_columns(
        source_row=pl.col("row_number"), row_number=pl.int_range(1, fed.height + 1, dtype=pl.Int64)
    )
    checked = check(Chunk(numbered.drop("source_row", "path")), contract, time_zone="UTC")
    places = numbered.select("row_number", "source_row", "path", pl.col("file_id").alias("source_file"))
    accepted = checked.accepted.join(places, on="row_number", how="left").with_columns(row_number="source_row")
    rejected = checked.rejected.join(places, on="row_number", how="left").with_columns(
        row_number="source_row", file_id="source_file"
    )
    columns = ["row_number", "rule", "column_name", "value", "message", "record", "file_id"]
    return type(checked)(accepted.drop("source_row", "source_file"), rejected.select(columns))


def _settled(checked: Checked, contract: Contract) -> tuple[pl.DataFrame, pl.DataFrame]:
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
    first_count = [order for name, order in _FIRST_COUNT.items() if name in rows.columns]
    first_here = pl.int_range(pl.len()).over([*key, *first_count, "file_id"]) == 0
    ordered = rows.sort(["path", "file_id", "row_number"])
    by_precedence = ordered.filter(first_here).sort(
        [*first_count, "path", "file_id"], descending=[*(False for _ in first_count), True, True]
    )
    return (
        by_precedence.unique(key, keep="first", maintain_order=True),
        _named_repetition(ordered.filter(~first_here), contract),
    )


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
