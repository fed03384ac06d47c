"""The quick look before pandera: it never passes over what pandera rejects, whatever the contract and the rows."""

import re
from datetime import datetime
from random import Random

import pandera.polars as pandera
import polars as pl
import pytest

from suanheng.schemas.checking import records
from suanheng.schemas.checking.breaches import may_break
from suanheng.schemas.checking.records import Chunk, check
from suanheng.schemas.contract import Column, Contract
from suanheng.schemas.formats import raw_tables
from suanheng.schemas.staged import DATASETS
from suanheng.schemas.tables.reference import REFERENCE

CONTRACTS = {
    **{f"raw.{name}": form.contract for name, form in raw_tables().items()},
    **{f"staged.{name}": of for name, of in DATASETS.items()},
    **{f"reference.{name}": of for name, of in REFERENCE.items()},
}
WORDS = ("a", "site-a", "A100 SXM 80GB", "CN-HE", "CNY", "2024-01-31", "0" * 64, "https://example.org/a", "MIT", "1.0")
GOOD_ROWS = 20


@pytest.mark.parametrize("name", sorted(CONTRACTS))
def test_what_pandera_rejects_was_suspected(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    of = CONTRACTS[name]
    rows = drawn(of, Random(name))
    looked_at: list[pl.DataFrame] = []
    judge = records._contract_faults
    monkeypatch.setattr(records, "_contract_faults", lambda typed, of: (looked_at.append(typed), judge(typed, of))[1])
    monkeypatch.setattr(records, "may_break", lambda _: pl.lit(True))

    rejected = check(Chunk(rows), of, "UTC").rejected

    (typed,) = looked_at
    suspected = set(typed.filter(may_break(of))["row_number"])
    by_pandera = rejected.filter(~pl.col("rule").is_in(["type", "control_character"]))
    assert set(by_pandera["row_number"]) <= suspected
    # There is something to be passed over, where the contract asks for anything at all.
    asks = any(described.required or described.checks for described in of.columns.values())
    assert by_pandera.height > 0 or not asks


def test_most_good_rows_are_not_suspected() -> None:
    shares = [
        1 - len(rows.filter(may_break(of))) / GOOD_ROWS
        for of in CONTRACTS.values()
        for rows in [drawn(of, Random(1)).head(GOOD_ROWS)]
    ]
    assert sum(share > 0.5 for share in shares) > len(shares) / 2


def test_a_check_that_is_not_known_makes_every_row_suspect() -> None:
    odd = Column(pl.Float64, "Anything.")
    odd.checks.append(pandera.Check(lambda data: data.lazyframe.select(pl.col(data.key) != 3), name="not_three"))
    of = Contract("odd", "a number", columns={"number": odd})
    rows = pl.DataFrame({"row_number": [1, 2], "number": [1.0, 3.0]})
    assert rows.select(may_break(of).all()).item()
    assert check(Chunk(rows), of).rejected["row_number"].to_list() == [2]


def drawn(of: Contract, chance: Random) -> pl.DataFrame:
    """Rows that keep what single columns ask for, and then one for each column and each value at or beyond its edge."""
    columns = {name: described for name, described in of.columns.items() if name != "row_number"}

    def good() -> dict[str, object]:
        return {name: _good(described, chance) for name, described in columns.items()}

    rows = [good() for _ in range(GOOD_ROWS)]
    rows += [{**good(), name: edge} for name, described in columns.items() for edge in _edges(described)]
    types = {name: described.dtype for name, described in columns.items()}
    return pl.DataFrame(rows, schema=types, strict=False).with_row_index("row_number", offset=1)


def _good(described: Column, chance: Random) -> object:
    stated = {one.name: one.statistics for one in described.checks}
    if not described.required and chance.random() < 0.2:
        return None
    kind = described.dtype
    if "isin" in stated:
        return chance.choice(list(stated["isin"]["allowed_values"]))
    if kind == pl.String:
        fits = re.compile(stated.get("str_matches", {}).get("pattern", ""))
        return chance.choice([word for word in WORDS if fits.match(word)] or [None])
    if kind == pl.Boolean:
        return chance.random() < 0.5
    if kind in (pl.Datetime, pl.Date):
        moment = datetime(2024, chance.randint(1, 12), 1)
        return moment if kind == pl.Datetime else moment.date()
    lowest = stated.get("greater_than_or_equal_to", {}).get("min_value", 0)
    highest = stated.get("less_than_or_equal_to", {}).get("max_value", lowest + 100)
    return kind_of(kind)(chance.choice([lowest, highest, min(lowest + 1, highest)]))


def _edges(described: Column) -> list[object]:
    kind = described.dtype
    if kind == pl.String:
        return [None, "", " a ", "<script>", "no such word", "a\x1b[31m", *WORDS]
    if kind in (pl.Boolean, pl.Datetime, pl.Date):
        return [None]
    stated = [bound for one in described.checks for bound in one.statistics.values() if isinstance(bound, int | float)]
    return [None, *(kind_of(kind)(bound + step) for bound in stated for step in (-1, 0, 1))]


def kind_of(dtype: pl.DataType) -> type[float] | type[int]:
    return float if dtype == pl.Float64 else int
