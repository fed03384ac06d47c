"""Corrects known errors of sources on the way into staged, as long as each source still makes its error."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from fnmatch import fnmatchcase
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from suanheng.config.corrections import Correction, read_corrections
from suanheng.config.errors import BadSettings
from suanheng.config.workspace import Workspace
from suanheng.schemas.columns import provenance
from suanheng.schemas.contract import Contract
from suanheng.schemas.staged import DATASETS
from suanheng.schemas.tables.corrections import CORRECTED_ROWS, IN_FORCE, OUTCOMES
from suanheng.warehouse.lake import Lake

_EQUAL_WITHIN = 1e-9
"""Relative difference up to which a number is the one that was expected: feeds convert units."""

_NO_OUTCOMES = pl.DataFrame(schema={k: v for k, v in OUTCOMES.dtypes().items() if k != "run_id"})
_NO_CHANGES = pl.DataFrame(schema={k: v for k, v in CORRECTED_ROWS.dtypes().items() if k != "run_id"})


@dataclass(frozen=True)
class Corrected:
    """Rows of a dataset after its corrections: rows given = rows + dropped.

    Attributes:
        rows: what goes on to the gate.
        dropped: how many rows were taken out.
        outcomes: one row per correction, as ``ops.corrections`` without the run.
        changes: one row per row that was touched, as ``ops.corrected_rows`` without the run.
    """

    rows: pl.DataFrame
    dropped: int
    outcomes: pl.DataFrame
    changes: pl.DataFrame

    @property
    def refused(self) -> int:
        """Corrections of which at least one row was refused."""
        return self.outcomes.filter(pl.col("rows_refused") > 0).height


def refresh(lake: Lake, workspace: Workspace) -> None:
    """Put the corrections of the package and the workspace in force where they have changed.

    Raises:
        BadSettings: a correction is incomplete, or names what its dataset does not have.
    """
    stated = read_checked(workspace)
    rows = pl.DataFrame(
        [
            {
                "correction_id": correction.correction_id,
                "position": position,
                "dataset": correction.dataset,
                "definition": json.dumps(correction.definition, ensure_ascii=False, sort_keys=True),
                "reason": correction.definition["reason"],
                "source": correction.definition["source"],
                "file": correction.file,
            }
            for position, correction in enumerate(stated, 1)
        ],
        schema=IN_FORCE.dtypes(),
    )
    if not rows.equals(lake.frame("SELECT * FROM reference.corrections ORDER BY position").select(rows.columns)):
        with lake.transaction("corrections"):
            lake.execute("DELETE FROM reference.corrections")
            lake.insert("reference.corrections", rows)


def read_checked(workspace: Workspace) -> list[Correction]:
    """Corrections of the package and the workspace, held to the contracts of their datasets.

    Raises:
        BadSettings: naming the correction and what is wrong with it.
    """
    stated = read_corrections(workspace.corrections_folder, workspace.root)
    for correction in stated:
        try:
            _check(correction)
        except (ValueError, TypeError, pl.exceptions.PolarsError) as error:
            raise BadSettings(f"{correction.file}: correction {correction.correction_id}: {error}") from None
    return stated


def in_force(lake: Lake) -> list[Correction]:
    """The corrections in force, in the order in which they are tried."""
    rows = lake.frame("SELECT definition, file FROM reference.corrections ORDER BY position").rows()
    entries = [(json.loads(definition), file) for definition, file in rows]
    return [Correction(e["id"], e["dataset"], e["action"], e["column"], e, file) for e, file in entries]


def concerning(stated: Sequence[Correction], site_id: str, dataset: str) -> list[Correction]:
    """Those of some corrections that may match rows of a dataset of a site."""
    return [correction for correction in stated if correction.dataset == dataset and correction.concerns(site_id)]


def hash_of(stated: Sequence[Correction]) -> str:
    """Hash of corrections: changes whenever one of them may touch other rows, or touch them otherwise."""
    return hashlib.sha256(repr([correction.definition for correction in stated]).encode()).hexdigest()


def apply(rows: pl.DataFrame, site_id: str, stated: Sequence[Correction], time_zone: str) -> Corrected:
    """Correct rows that feeds gave, where each column still holds what its correction expects.

    What a correction matches and expects is looked for in what the source gives, never in what another correction has
    written, and a column of a row is corrected once: the earlier correction counts.

    Args:
        rows: columns of the dataset, and ``path`` of each row's file.
        site_id: site of the rows.
        stated: the corrections that concern them.
        time_zone: zone of the site's calendar.
    """
    if not stated:
        return Corrected(rows, 0, _NO_OUTCOMES, _NO_CHANGES)
    given, nowhere = rows, pl.repeat(False, rows.height, dtype=pl.Boolean, eager=True)
    gone, touched = nowhere, dict.fromkeys(rows.columns, nowhere)
    outcomes, changes = [], []
    for correction in stated:
        matched = given.select(_matches(correction, given, time_zone).fill_null(False)).to_series()
        as_expected = given.select(_is_expected(correction).fill_null(False)).to_series() & matched
        applied = as_expected & ~gone & ~touched[correction.column]
        if correction.action == "drop":
            gone = gone | applied
        elif correction.action != "flag":
            touched[correction.column] = touched[correction.column] | applied
            rows = rows.with_columns(_corrected(correction, applied, rows.schema[correction.column]))
        finding = _finding(correction, given.filter(matched & ~as_expected), _true(as_expected & ~applied))
        outcomes.append(
            {
                "correction_id": correction.correction_id,
                "site_id": site_id,
                "dataset": correction.dataset,
                "rows_matched": _true(matched),
                "rows_applied": _true(applied),
                "rows_refused": _true(matched & ~applied),
                "finding": finding,
            }
        )
        changes.append(_changes(correction, given.filter(applied), rows.filter(applied)))
    return Corrected(
        rows.filter(~gone), _true(gone), pl.DataFrame(outcomes, schema=_NO_OUTCOMES.schema), pl.concat(changes)
    )


def _true(rows: pl.Series) -> int:
    return int(rows.sum())


def _check(correction: Correction) -> None:
    contract = DATASETS.get(correction.dataset)
    if contract is None:
        raise ValueError(f"there is no dataset {correction.dataset!r}. There are: {', '.join(DATASETS)}.")
    definition = correction.definition
    where = definition["match"].get("where", {})
    own = [name for name in contract.columns if name not in provenance()]
    for name in (correction.column, *where):
        if name not in own:
            raise ValueError(f"{correction.dataset} has no column {name!r}. It has: {', '.join(own)}.")
    if contract.happened is None and {"from", "to"} & set(definition["match"]):
        raise ValueError(f"match.from and match.to: rows of {correction.dataset} describe a state, not a time.")
    for name, values in where.items():
        for value in values if isinstance(values, list) else [values]:
            _typed(contract, name, value)
    expect = definition["expect"]
    is_number = contract.dtypes()[correction.column].is_numeric()
    if not is_number and (isinstance(expect, dict) or correction.action == "scale"):
        raise ValueError(f"{correction.column} is no number: it has no range and cannot be scaled.")
    if not isinstance(expect, dict):
        _typed(contract, correction.column, expect)
    if correction.action == "override":
        _typed(contract, correction.column, definition["value"])
    factor = definition.get("factor", 1)
    if contract.dtypes()[correction.column] == pl.Int64 and factor != int(factor):
        raise ValueError(f"{correction.column} is a whole number and {factor} is none. Use override.")


def _typed(contract: Contract, name: str, value: Any) -> Any:
    """A value of a correction as its column holds it."""
    dtype = contract.dtypes()[name]
    if value is None:
        return None
    kind = {pl.String: str, pl.Boolean: bool, pl.Date: str, pl.Datetime: str}.get(dtype.base_type(), (int, float))
    if not isinstance(value, kind) or (isinstance(value, bool) and dtype != pl.Boolean):
        raise ValueError(f"{name} is {value!r}. Expected {_in_words(dtype)}.")
    if dtype == pl.Date:
        return date.fromisoformat(str(value))
    if dtype == pl.Datetime:
        instant = datetime.fromisoformat(str(value))
        if instant.tzinfo is None:
            raise ValueError(f"{name} is {value!r}. Expected {_in_words(dtype)}.")
        return instant.astimezone(UTC).replace(tzinfo=None)
    return value


def _in_words(dtype: pl.DataType) -> str:
    named = {
        pl.String: "a text, in quotes",
        pl.Boolean: "true or false",
        pl.Date: "a day, e.g. 2023-02-01",
        pl.Datetime: 'a time with its offset, in quotes, e.g. "2023-02-01T08:00:00+08:00"',
    }
    return named.get(dtype.base_type(), "a number")


def _matches(correction: Correction, rows: pl.DataFrame, time_zone: str) -> pl.Expr:
    contract = DATASETS[correction.dataset]
    match = correction.definition["match"]
    meets = [pl.repeat(True, rows.height, dtype=pl.Boolean)]
    if "file" in match:
        paths = rows["path"].unique().to_list()
        meets.append(pl.col("path").is_in([path for path in paths if fnmatchcase(path, match["file"])]))
    if contract.happened is not None:
        begins = contract.happened[0]
        as_bound = _as_day if contract.dtypes()[begins] == pl.Date else _as_instant
        if "from" in match:
            meets.append(pl.col(begins) >= as_bound(match["from"], time_zone))
        if "to" in match:
            meets.append(pl.col(begins) < as_bound(match["to"], time_zone))
    for name, values in match.get("where", {}).items():
        wanted = [_typed(contract, name, value) for value in (values if isinstance(values, list) else [values])]
        meets.append(pl.any_horizontal(*(pl.col(name).eq_missing(pl.lit(value)) for value in wanted)))
    return pl.all_horizontal(*meets)


def _as_day(day: str, time_zone: str) -> date:
    return date.fromisoformat(day)


def _as_instant(day: str, time_zone: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), time(), ZoneInfo(time_zone)).astimezone(UTC).replace(tzinfo=None)


def _is_expected(correction: Correction) -> pl.Expr:
    expect, value = correction.definition["expect"], pl.col(correction.column)
    if isinstance(expect, dict):
        low, high = expect.get("at_least"), expect.get("at_most")
        bounds = ([value >= low] if low is not None else []) + ([value <= high] if high is not None else [])
        return pl.all_horizontal(*bounds)
    wanted = _typed(DATASETS[correction.dataset], correction.column, expect)
    if isinstance(wanted, int | float) and not isinstance(wanted, bool):
        return (value - wanted).abs() <= abs(wanted) * _EQUAL_WITHIN
    return value.eq_missing(pl.lit(wanted))


def _corrected(correction: Correction, applied: pl.Series, dtype: pl.DataType) -> list[pl.Expr]:
    value, definition = pl.col(correction.column), correction.definition
    if correction.action == "scale":
        new = value * definition["factor"]
    else:
        new = pl.lit(_typed(DATASETS[correction.dataset], correction.column, definition["value"]))
    columns = [pl.when(pl.lit(applied)).then(new.cast(dtype)).otherwise(value).alias(correction.column)]
    if "evidence" in definition:
        evidence = pl.col("evidence_class")
        columns.append(
            pl.when(pl.lit(applied)).then(pl.lit(definition["evidence"])).otherwise(evidence).alias("evidence_class")
        )
    return columns


def _finding(correction: Correction, others: pl.DataFrame, contested: int) -> str | None:
    findings = []
    if others.height:
        row = others.sort("path", "row_number").row(0, named=True)
        findings.append(
            f"the source has changed: {correction.column} of {others.height} rows is not what was expected, "
            f"{_expected_in_words(correction.definition['expect'])}; first row {row['row_number']} of {row['path']}, "
            f"which says {_shown(row[correction.column])}. They stay as they are; renew the correction or remove it"
        )
    if contested:
        findings.append(f"{contested} rows are corrected in {correction.column} by an earlier correction already")
    return "; ".join(findings) or None


def _expected_in_words(expect: Any) -> str:
    if isinstance(expect, dict):
        return " and ".join(f"{bound.replace('_', ' ')} {value:.15g}" for bound, value in expect.items())
    return _shown(expect)


def _shown(value: Any) -> str:
    return "nothing" if value is None else str(value)


def _changes(correction: Correction, before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    name, action = correction.column, correction.action
    new = after[name].cast(pl.String) if action != "drop" else pl.lit(None, pl.String)
    return before.select(
        correction_id=pl.lit(correction.correction_id),
        site_id="site_id",
        dataset=pl.lit(correction.dataset),
        file_id="file_id",
        row_number="row_number",
        action=pl.lit(action),
        column_name=pl.lit(name),
        original_value=pl.col(name).cast(pl.String),
        new_value=new,
        reason=pl.lit(correction.definition["reason"]),
    ).select(_NO_CHANGES.columns)
