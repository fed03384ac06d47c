"""Partitions: what of a dataset is staged at once, from which files, and which are not as they would be staged now.

A dataset that is staged day by day has a partition per site and day (UTC), and one without a day for rows that state no
time or are read where their file is. Every other dataset of a site is one partition. A partition is made from the files
with rows of it, and from nothing else: so the end depends on the set of files alone, and a night touches the days
that its files cover, whatever the history.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from suanheng.schemas.formats import raw_tables
from suanheng.schemas.staged import DATASETS
from suanheng.warehouse.lake import Lake
from suanheng.warehouse.tables import columns_of_tables

ROWS_AT_ONCE = 2_000_000
"""Records that are fed, checked and written at once, or those of one day if they are more."""

_PARTITIONS = """
    WITH datasets AS (
        SELECT unnest($tables::VARCHAR[]) AS raw_table, unnest($datasets::VARCHAR[]) AS dataset,
            unnest($by_day::BOOLEAN[]) AS is_by_day
    ),
    recipes AS (
        SELECT unnest($recipe_sites::VARCHAR[]) AS site_id, unnest($recipe_datasets::VARCHAR[]) AS dataset,
            unnest($recipe_hashes::VARCHAR[]) AS recipe_hash
    ),
    loaded AS (
        SELECT
            site_id, dataset, path, file_id, source_hash,
            rows_accepted / greatest(len(files.days), 1) AS rows,
            unnest(CASE
                WHEN NOT is_by_day OR is_adopted THEN [NULL::DATE]
                WHEN files.days IS NOT NULL THEN files.days
                WHEN first_at IS NULL THEN [NULL::DATE]
                ELSE list_append(
                    list_transform(
                        range(date_diff('day', first_at::DATE, last_at::DATE) + 1),
                        lambda number: first_at::DATE + number::INTEGER
                    ),
                    NULL
                )
            END) AS day
        FROM {files} AS files
        JOIN datasets USING (raw_table)
        WHERE status = 'loaded' AND coalesce(site_id = $site, true) AND coalesce(dataset = $dataset, true)
    ),
    wanted AS (
        SELECT
            site_id, dataset, day, recipe_hash,
            list(file_id ORDER BY path, file_id) AS file_ids,
            list(source_hash ORDER BY path, file_id) AS source_hashes,
            sum(rows) AS rows
        FROM loaded JOIN recipes USING (site_id, dataset)
        GROUP BY ALL
    ),
    staged AS (
        FROM {stagings} WHERE coalesce(site_id = $site, true) AND coalesce(dataset = $dataset, true)
    )
    SELECT
        coalesce(wanted.site_id, staged.site_id) AS site_id,
        coalesce(wanted.dataset, staged.dataset) AS dataset,
        coalesce(wanted.day, staged.day) AS day,
        wanted.recipe_hash, wanted.file_ids, wanted.source_hashes, wanted.rows,
        staged.recipe_hash AS recipe_hash_before, staged.file_ids AS file_ids_before,
        staged.source_hashes AS source_hashes_before
    FROM wanted
    FULL JOIN staged
        ON wanted.site_id = staged.site_id AND wanted.dataset = staged.dataset
        AND coalesce(wanted.day, DATE '0001-01-01') = coalesce(staged.day, DATE '0001-01-01')
    WHERE $fresh_too
        OR (wanted.recipe_hash, wanted.file_ids, wanted.source_hashes)
            IS DISTINCT FROM (staged.recipe_hash, staged.file_ids, staged.source_hashes)
    ORDER BY ALL
"""


@dataclass(frozen=True)
class Partition:
    """A partition that is not as it would be staged now.

    Attributes:
        site_id: its site.
        dataset: its dataset.
        day: its day (UTC), if it is of one.
        recipe_hash: what it would be staged with; nothing where none of its files counts any more.
        files: each file and how it was read, those that give way to others first.
        rows: records of its files, as far as they are of its day if they fall evenly on theirs.
        recipe_hash_before: what it was last staged with, if it ever was.
        files_before: what it was then staged from.
    """

    site_id: str
    dataset: str
    day: date | None
    recipe_hash: str | None
    files: tuple[tuple[str, str], ...]
    rows: float
    recipe_hash_before: str | None
    files_before: tuple[tuple[str, str], ...]

    @property
    def was_staged(self) -> bool:
        """Whether it ever was."""
        return self.recipe_hash_before is not None

    @property
    def changed(self) -> set[str]:
        """Files that have come, gone or been read anew since."""
        return {file_id for file_id, _ in {*self.files} ^ {*self.files_before}}


def stale_partitions(lake: Lake, recipe_hashes: Mapping[tuple[str, str], str]) -> list[Partition]:
    """Partitions of all sites whose files, readings of files, precedence of files or recipes differ from the last time.

    Args:
        lake: the warehouse.
        recipe_hashes: what each dataset of each site would be staged with.
    """
    return _partitions(lake, recipe_hashes)


def partitions_of(lake: Lake, site_id: str, dataset: str, recipe_hash: str, fresh_too: bool) -> list[Partition]:
    """The same of one dataset of a site.

    Args:
        lake: the warehouse.
        site_id: the site.
        dataset: the dataset.
        recipe_hash: what it would be staged with.
        fresh_too: also those that do not differ.
    """
    return _partitions(lake, {(site_id, dataset): recipe_hash}, site_id, dataset, fresh_too)


def _partitions(
    lake: Lake,
    recipe_hashes: Mapping[tuple[str, str], str],
    site_id: str | None = None,
    dataset: str | None = None,
    fresh_too: bool = False,
) -> list[Partition]:
    fed = [(table, fed) for table, form in raw_tables().items() for fed in form.feeds]
    asked = {
        "tables": [table for table, _ in fed],
        "datasets": [dataset for _, dataset in fed],
        "by_day": [DATASETS[dataset].is_staged_by_day for _, dataset in fed],
        "recipe_sites": [site for site, _ in recipe_hashes],
        "recipe_datasets": [dataset for _, dataset in recipe_hashes],
        "recipe_hashes": list(recipe_hashes.values()),
        "site": site_id,
        "dataset": dataset,
        "fresh_too": fresh_too,
    }
    return [
        Partition(
            row["site_id"],
            row["dataset"],
            row["day"],
            row["recipe_hash"],
            _paired(row["file_ids"], row["source_hashes"]),
            row["rows"] or 0,
            row["recipe_hash_before"],
            _paired(row["file_ids_before"], row["source_hashes_before"]),
        )
        for row in lake.frame(_query(lake), asked).iter_rows(named=True)
    ]


def sites_and_datasets(lake: Lake) -> list[tuple[str, str]]:
    """Pairs of a site and a dataset that files in the ledger feed."""
    fed = {table: form.feeds for table, form in raw_tables().items()}
    rows = lake.frame("SELECT DISTINCT site_id, raw_table FROM ops.files WHERE status = 'loaded'").iter_rows()
    return sorted({(site_id, dataset) for site_id, table in rows for dataset in fed.get(table, ())})


def batches(partitions: Sequence[Partition]) -> Iterator[list[Partition]]:
    """Partitions of one dataset of a site, in their order, as many at once as memory allows.

    Rows without a day come first: of a warehouse that an older version staged whole, they stand for all of it.
    """
    batch: list[Partition] = []
    for partition in sorted(partitions, key=lambda one: one.day or date.min):
        alone = partition.day is None or (batch and batch[0].day is None)
        if batch and (alone or sum(one.rows for one in batch) + partition.rows > ROWS_AT_ONCE):
            yield batch
            batch = []
        batch.append(partition)
    if batch:
        yield batch


def _query(lake: Lake) -> str:
    """The query; of a warehouse that an older version wrote, with the columns that it lacks."""
    there = columns_of_tables(lake)
    later = {"files": ("days", "NULL::DATE[]"), "stagings": ("day", "NULL::DATE")}
    tables = {
        table: f"ops.{table}" if column in there[f"ops.{table}"] else f"(SELECT *, {none} AS {column} FROM ops.{table})"
        for table, (column, none) in later.items()
    }
    return _PARTITIONS.format(**tables)


def _paired(file_ids: list[str] | None, source_hashes: list[str] | None) -> tuple[tuple[str, str], ...]:
    return tuple(zip(file_ids or (), source_hashes or (), strict=True))
