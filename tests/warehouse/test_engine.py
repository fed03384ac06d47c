"""Joins are left as they are written for one statement, and no longer, however it ends."""

import duckdb
import pytest

from suanheng.warehouse.engine import connect, joins_as_written

SETTING = "SELECT current_setting('disabled_optimizers')"


def setting(connection: duckdb.DuckDBPyConnection) -> set[str]:
    (named,) = connection.execute(SETTING).fetchone() or ("",)
    return set(filter(None, named.split(",")))


def test_joins_are_optimized_again_afterwards() -> None:
    connection = connect([])
    with joins_as_written(connection):
        assert setting(connection) == {"join_order", "build_side_probe_side"}
    assert setting(connection) == set()


def test_joins_are_optimized_again_after_a_statement_that_failed_its_transaction() -> None:
    connection = connect([])
    connection.execute("CREATE TABLE one (id INTEGER PRIMARY KEY)")
    connection.execute("BEGIN")
    with pytest.raises(duckdb.ConstraintException), joins_as_written(connection):
        connection.execute("INSERT INTO one VALUES (1), (1)")
    with pytest.raises(duckdb.TransactionException, match="aborted"):
        connection.execute("SELECT 1")
    connection.execute("ROLLBACK")
    assert setting(connection) == set()
