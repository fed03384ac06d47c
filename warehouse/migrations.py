"""Renamed tables and columns: how an older warehouse gets the names of this version, and how it is read until then.

One entry of ``MIGRATIONS`` per table that was renamed, or whose columns were::

    Migration("0.2.0", "rollups.boundary_samples", "rollups.loose_samples", {"is_settled": "is_summed"})

The first run of this version that writes renames what is stored: tables and columns only, no row and no data file. What
only reads renames nothing. Where the warehouse, or the snapshot that is read, is older than a migration, its tables are
seen through views that carry the names of this version. Columns that a contract has gained are no migration: they are
added by ``make_table``, and read as empty where they are missing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import duckdb

from suanheng.warehouse.errors import NewerWarehouse

RENAMED = "renamed"
"""Catalogue in memory that holds the views."""


@dataclass(frozen=True)
class Migration:
    """The names that one version gave to a table and its columns.

    Attributes:
        version: the version of suanheng that came with it.
        table: ``stage.table``, as that version names it.
        formerly: what the table was called before; empty where it keeps its name.
        columns: new names of columns by their former ones.
    """

    version: str
    table: str
    formerly: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """How it is entered in ``ops.migrations``, e.g. ``0.2.0 ops.files``."""
        return f"{self.version} {self.table}"

    @property
    def before(self) -> str:
        """The table as it was called before."""
        return self.formerly or self.table


MIGRATIONS: tuple[Migration, ...] = (
    Migration("0.2.0", "ops.files", columns={"binding": "source_hash"}),
    Migration("0.2.0", "ops.stagings", columns={"bindings": "source_hashes"}),
    Migration("0.2.0", "ops.expectations", "ops.gates"),
    Migration("0.2.0", "rollups.file_hour_sums", "rollups.settled_series_hour"),
    Migration(
        "0.2.0",
        "rollups.boundary_samples",
        "rollups.loose_samples",
        {
            "is_settled": "is_summed",
            "leads_into_settled": "summed_samples_follow",
            "comes_from_settled": "summed_samples_precede",
        },
    ),
    Migration("0.2.0", "rollups.interleaved_series", "rollups.tangled_series"),
)
"""All there ever were, in the order in which they are done. None is ever changed or removed."""


def pending(connection: duckdb.DuckDBPyConnection) -> list[Migration]:
    """Migrations that the warehouse, as the connection sees it, has not had yet. No transaction may be open.

    Raises:
        NewerWarehouse: it has had one that this version does not know.
    """
    try:
        done = dict(connection.execute("SELECT name, code_version FROM lake.ops.migrations").fetchall())
    except duckdb.CatalogException:
        # Older than its first migration, or without any table yet.
        done = {}
    if unknown := sorted(done.keys() - {migration.name for migration in MIGRATIONS}):
        raise NewerWarehouse(
            f"The warehouse was written by suanheng {done[unknown[-1]]}, which renamed what this version does not know "
            f"under another name: {', '.join(unknown)}. Use that version or a newer one, or put back the copy of the "
            "workspace that was made before the upgrade."
        )
    return [migration for migration in MIGRATIONS if migration.name not in done]


def renaming(migration: Migration, there: dict[str, list[str]]) -> list[str]:
    """Statements that rename a table and its columns; none where there is no such table.

    Args:
        migration: what is renamed.
        there: columns of all tables. What the statements change is changed here too, for the next migration.
    """
    if migration.before not in there:
        return []
    columns = there.pop(migration.before)
    there[migration.table] = [migration.columns.get(name, name) for name in columns]
    name = migration.table.split(".")[1]
    of_table = f'ALTER TABLE {quoted_name(migration.before)} RENAME TO "{name}"'
    of_columns = [
        f'ALTER TABLE {quoted_name(migration.table)} RENAME COLUMN "{old}" TO "{new}"'
        for old, new in migration.columns.items()
        if old in columns
    ]
    return [of_table, *of_columns] if migration.formerly else of_columns


def see_renamed(connection: duckdb.DuckDBPyConnection, waiting: Sequence[Migration]) -> frozenset[str]:
    """Make a view, in memory, of every table that some migrations have yet to rename; which tables these are.

    Of a table one may ask for ``snapshot_id``, which wrote a row, without it being a column; of a view it is the last.

    Args:
        connection: has the warehouse attached as ``lake``.
        waiting: migrations that it has not had.
    """
    if not waiting:
        return frozenset()
    query = (
        "SELECT table_schema || '.' || table_name, list(column_name ORDER BY ordinal_position) "
        "FROM information_schema.columns WHERE table_catalog = 'lake' GROUP BY ALL"
    )
    seen = _stored_names(waiting, dict(connection.execute(query).fetchall()))
    if seen:
        connection.execute(f"ATTACH ':memory:' AS {RENAMED}")
    for table, (stored, columns) in seen.items():
        named = ", ".join([*(f'"{before}" AS "{name}"' for name, before in columns.items()), "snapshot_id"])
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {RENAMED}.{table.partition('.')[0]}")
        connection.execute(
            f"CREATE VIEW {RENAMED}.{quoted_name(table)} AS SELECT {named} FROM lake.{quoted_name(stored)}"
        )
    return frozenset(seen)


def _stored_names(
    waiting: Iterable[Migration], there: Mapping[str, Iterable[str]]
) -> dict[str, tuple[str, dict[str, str]]]:
    """By their names after some migrations: what tables are called in the warehouse, and what their columns are."""
    found: dict[str, tuple[str, dict[str, str]]] = {}
    for migration in waiting:
        as_stored = (migration.before, {name: name for name in there.get(migration.before, ())})
        table, columns = found.pop(migration.before, as_stored)
        found[migration.table] = table, {migration.columns.get(name, name): old for name, old in columns.items()}
    return {table: stored for table, stored in found.items() if stored[1]}


def quoted_name(table: str) -> str:
    """``stage.table`` as it is written in a statement, whatever the table is called."""
    stage, name = table.split(".")
    return f'{stage}."{name}"'
