"""A setting holds for one statement, and no longer, however the statement ends."""

import duckdb
import pytest

from suanheng.warehouse.engine import connect, joins_as_written, memory_given_back

SETTINGS = pytest.mark.parametrize(
    ("held", "name", "meanwhile"),
    [
        (joins_as_written, "disabled_optimizers", "join_order,build_side_probe_side"),
        (memory_given_back, "allocator_bulk_deallocation_flush_threshold", "976.5 KiB"),
    ],
)


def setting(connection: duckdb.DuckDBPyConnection, name: str) -> set[str]:
    (named,) = connection.execute(f"SELECT current_setting('{name}')").fetchone() or ("",)
    return set(named.split(","))


@SETTINGS
def test_a_setting_is_as_before_afterwards(held, name, meanwhile) -> None:
    connection = connect([])
    before = setting(connection, name)
    with held(connection):
        assert setting(connection, name) == set(meanwhile.split(",")) != before
    assert setting(connection, name) == before


@SETTINGS
def test_a_setting_is_as_before_after_a_statement_that_failed_its_transaction(held, name, meanwhile) -> None:
    connection = connect([])
    before = setting(connection, name)
    connection.execute("CREATE TABLE one (id INTEGER PRIMARY KEY)")
    connection.execute("BEGIN")
    with pytest.raises(duckdb.ConstraintException), held(connection):
        connection.execute("INSERT INTO one VALUES (1), (1)")
    with pytest.raises(duckdb.TransactionException, match="aborted"):
        connection.execute("SELECT 1")
    connection.execute("ROLLBACK")
    assert setting(connection, name) == before
