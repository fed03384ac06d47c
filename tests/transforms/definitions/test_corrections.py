"""Corrections applied: what is matched, guarded, changed, dropped, flagged, and what is traceable of it."""

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
import yaml

from suanheng.config.corrections import Correction
from suanheng.config.errors import BadSettings
from suanheng.flows import night
from suanheng.flows.orchestration.steps import Steps
from suanheng.transforms.definitions.corrections import apply, read_checked

BILLS = pl.DataFrame(
    {
        "site_id": ["tiny"] * 3,
        "file_id": ["f"] * 3,
        "row_number": [2, 3, 4],
        "evidence_class": ["metered"] * 3,
        "path": ["landing/tiny/a.csv", "landing/tiny/a.csv", "landing/tiny/b.csv"],
        "meter_id": ["m1", "m1", "m2"],
        "service_start": pl.Series(["2023-01-01", "2023-02-01", "2023-02-01"]).str.to_date(),
        "energy_kwh": [1310.0, 13100.0, None],
        "revision": [0, 0, 0],
    }
)
READINGS = pl.DataFrame(
    {
        "site_id": ["tiny"] * 2,
        "file_id": ["f"] * 2,
        "row_number": [2, 3],
        "evidence_class": ["metered"] * 2,
        "path": ["landing/tiny/a.csv"] * 2,
        # 2023-02-01 00:00 in Shanghai is 2023-01-31 16:00 UTC: the first is of January there, the second of February.
        "started_at_utc": [datetime(2023, 1, 31, 15), datetime(2023, 1, 31, 16)],
        "energy_kwh": [100.0, 100.0],
    }
)


def correction(name: str = "wrong", dataset: str = "utility_bills", **entry: Any) -> Correction:
    definition = {"id": name, "dataset": dataset, "column": "energy_kwh", "reason": f"known: {name}", **entry}
    return Correction(name, dataset, definition["action"], definition["column"], definition, "corrections/x.yaml")


TENFOLD = {"match": {"where": {"meter_id": "m1"}, "from": "2023-02-01"}, "expect": 13100}


def energies(corrected: Any) -> list[float | None]:
    return corrected.rows["energy_kwh"].to_list()


def test_an_override_replaces_what_is_still_wrong_and_nothing_else() -> None:
    corrected = apply(BILLS, "tiny", [correction(action="override", value=1310, **TENFOLD)], "Asia/Shanghai")
    assert energies(corrected) == [1310, 1310, None]
    assert corrected.rows.drop("energy_kwh").equals(BILLS.drop("energy_kwh"))
    assert corrected.changes.drop("site_id", "dataset").rows() == [
        ("wrong", "f", 3, "override", "energy_kwh", "13100.0", "1310.0", "known: wrong")
    ]


def test_a_scale_multiplies_once_however_often_it_is_applied() -> None:
    scale = correction(action="scale", factor=0.1, **TENFOLD)
    once = apply(BILLS, "tiny", [scale], "Asia/Shanghai")
    twice = apply(once.rows, "tiny", [scale], "Asia/Shanghai")
    assert energies(once) == energies(twice) == [1310, 1310, None]
    assert twice.refused == 1


def test_a_drop_takes_the_row_out_and_keeps_what_it_said() -> None:
    corrected = apply(BILLS, "tiny", [correction(action="drop", **TENFOLD)], "Asia/Shanghai")
    assert (corrected.rows["row_number"].to_list(), corrected.dropped) == ([2, 4], 1)
    assert corrected.changes.select("original_value", "new_value").rows() == [("13100.0", None)]


def test_a_flag_changes_nothing_and_is_written_down() -> None:
    corrected = apply(BILLS, "tiny", [correction(action="flag", **TENFOLD)], "Asia/Shanghai")
    assert corrected.rows.equals(BILLS)
    assert corrected.changes.select("row_number", "original_value", "new_value").rows() == [(3, "13100.0", "13100.0")]


def test_where_the_source_has_changed_its_rows_stay_and_a_finding_says_so() -> None:
    guarded = correction(action="override", value=1310, match=TENFOLD["match"], expect={"at_least": 20_000})
    corrected = apply(BILLS, "tiny", [guarded], "Asia/Shanghai")
    assert corrected.rows.equals(BILLS)
    outcome = corrected.outcomes.row(0, named=True)
    assert (outcome["rows_matched"], outcome["rows_applied"], outcome["rows_refused"]) == (1, 0, 1)
    assert outcome["finding"] == (
        "the source has changed: energy_kwh of 1 rows is not what was expected, at least 20000; first row 3 of "
        "landing/tiny/a.csv, which says 13100.0. They stay as they are; renew the correction or remove it"
    )


def test_the_guard_is_held_to_each_row() -> None:
    guarded = correction(action="override", value=1310, match={"where": {"meter_id": "m1"}}, expect=13100)
    corrected = apply(BILLS, "tiny", [guarded], "Asia/Shanghai")
    assert energies(corrected) == [1310, 1310, None]
    assert corrected.outcomes.select("rows_matched", "rows_applied", "rows_refused").row(0) == (2, 1, 1)


def test_an_unknown_value_can_be_expected_and_filled_in() -> None:
    filled = correction(action="override", value=5, match={"where": {"meter_id": ["m2", "m3"]}}, expect=None)
    assert energies(apply(BILLS, "tiny", [filled], "Asia/Shanghai")) == [1310, 13100, 5]


def test_a_value_can_be_made_unknown() -> None:
    emptied = correction(action="override", value=None, **TENFOLD)
    assert energies(apply(BILLS, "tiny", [emptied], "Asia/Shanghai")) == [1310, None, None]


def test_files_are_matched_by_their_path() -> None:
    in_b = correction(action="override", value=5, match={"file": "landing/*/b.csv"}, expect=None)
    assert energies(apply(BILLS, "tiny", [in_b], "Asia/Shanghai")) == [1310, 13100, 5]


def test_days_are_days_at_the_site() -> None:
    february = correction(
        dataset="facility_readings",
        action="override",
        value=7,
        match={"from": "2023-02-01", "to": "2023-03-01"},
        expect=100,
    )
    assert energies(apply(READINGS, "tiny", [february], "Asia/Shanghai")) == [100, 7]
    assert energies(apply(READINGS, "tiny", [february], "UTC")) == [100, 100]


def test_a_column_of_a_row_is_corrected_once_and_the_earlier_correction_counts() -> None:
    first = correction("first", action="scale", factor=0.1, **TENFOLD)
    second = correction("second", action="scale", factor=0.01, **TENFOLD)
    corrected = apply(BILLS, "tiny", [first, second], "Asia/Shanghai")
    assert energies(corrected) == [1310, 1310, None]
    outcome = corrected.outcomes.row(1, named=True)
    assert (outcome["rows_refused"], outcome["finding"]) == (
        1,
        "1 rows are corrected in energy_kwh by an earlier correction already",
    )


def test_a_dataset_without_rows_matches_nothing() -> None:
    corrected = apply(BILLS.clear(), "tiny", [correction(action="drop", **TENFOLD)], "Asia/Shanghai")
    assert (corrected.rows.height, corrected.dropped, corrected.refused) == (0, 0, 0)
    assert corrected.outcomes.select("rows_matched", "finding").rows() == [(0, None)]


@pytest.mark.parametrize(("stated", "evidence"), [({}, "metered"), ({"evidence": "estimated"}, "estimated")])
def test_evidence_stays_what_it_was_unless_the_correction_says_otherwise(stated: dict, evidence: str) -> None:
    corrected = apply(BILLS, "tiny", [correction(action="override", value=1, **TENFOLD, **stated)], "Asia/Shanghai")
    assert corrected.rows["evidence_class"].to_list() == ["metered", evidence, "metered"]


ENTRY: dict[str, Any] = {
    "id": "tenfold",
    "dataset": "utility_bills",
    "match": {"site": "tiny", "where": {"meter_id": "account-1"}, "from": "2023-02-01", "to": "2023-03-01"},
    "action": "scale",
    "column": "energy_kwh",
    "factor": 0.5,
    "expect": 1310,
    "reason": "The utility counted the meter twice.",
    "source": "letter of 2023-03-02",
    "provided_by": "utility",
    "date": "2023-03-05",
}


@pytest.fixture
def correct(built_workspace):
    """``correct(entry, …)`` puts corrections into the workspace."""

    def write(*entries: dict[str, Any]) -> Any:
        folder = built_workspace.root / "corrections"
        folder.mkdir(exist_ok=True)
        (folder / "utility.yaml").write_text(yaml.safe_dump(list(entries)), encoding="utf-8")
        return built_workspace

    return write


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dataset": "bills"}, "there is no dataset 'bills'"),
        ({"column": "kwh"}, "utility_bills has no column 'kwh'"),
        ({"column": "file_id"}, "utility_bills has no column 'file_id'"),
        ({"match": {"where": {"meter": "x"}}}, "utility_bills has no column 'meter'"),
        ({"match": {"where": {"service_start": "1 Feb"}}}, "Invalid isoformat string"),
        ({"column": "meter_id"}, "meter_id is no number"),
        ({"action": "override", "value": "many", "factor": ...}, "energy_kwh is 'many'. Expected a number"),
        ({"column": "revision", "expect": 1}, "revision is a whole number and 0.5 is none"),
        (
            {"dataset": "hardware_assets", "column": "rated_power_w", "match": {"from": "2023-01-01"}},
            "describe a state",
        ),
    ],
)
def test_what_the_dataset_does_not_have_is_refused_by_name(correct, change: dict[str, Any], words: str) -> None:
    entry = {key: value for key, value in {**ENTRY, **change}.items() if value is not ...}
    with pytest.raises(BadSettings, match=f"corrections/utility.yaml: correction tenfold: .*{words}"):
        read_checked(correct(entry).workspace)


def ingest(centre: Any) -> Any:
    """Ingest and stage, build nothing."""
    return night.ingest(centre.workspace, Steps(), datetime(2024, 2, 1, tzinfo=UTC))


BILLS_STAGED = "SELECT energy_kwh FROM staged.utility_bills WHERE meter_id = 'account-1' ORDER BY service_start"


@pytest.mark.long
def test_a_night_applies_a_correction_once_and_takes_it_back_when_it_is_removed(built_workspace, correct) -> None:
    before = built_workspace.digests("staged", "rollups", "indicators")

    assert correct(ENTRY).night().built
    assert built_workspace.ask(BILLS_STAGED)["energy_kwh"].to_list() == [1310, 655, 1310, 1310, 1310, 1310]
    assert built_workspace.ask("SELECT row_number, original_value, new_value FROM ops.corrected_rows").rows() == [
        (2, "1310.0", "655.0")
    ]
    assert built_workspace.night().changed_nothing

    (built_workspace.root / "corrections" / "utility.yaml").unlink()
    assert built_workspace.night().built
    assert built_workspace.digests("staged", "rollups", "indicators") == before
    assert built_workspace.value("SELECT count(*) FROM ops.corrected_rows") == 0


def test_a_source_that_mends_itself_ends_the_correction_and_the_night_says_so(built_workspace, correct) -> None:
    ingest(correct(ENTRY))
    rows = built_workspace.rows("utility_bills", "2023-02")
    built_workspace.write("utility_bills", "2023-02", [{**rows[0], "energy_kwh": "655"}, rows[1]])

    outcome = ingest(built_workspace)

    # Neither 327.5, which would be scaled twice, nor 1310.
    assert built_workspace.ask(BILLS_STAGED)["energy_kwh"].to_list()[1] == 655
    assert outcome.corrections_refused == 1
    assert built_workspace.value("SELECT sum(corrections_refused) FROM ops.runs") == 1
    assert "which says 655.0" in built_workspace.value("SELECT finding FROM ops.corrections")


def test_a_dropped_row_is_counted(built_workspace, correct) -> None:
    ingest(correct({key: value for key, value in {**ENTRY, "action": "drop"}.items() if key != "factor"}))
    fed, dropped, staged, superseded, quarantined = built_workspace.ask(
        "SELECT rows_fed, rows_dropped, rows_staged, rows_superseded, rows_quarantined FROM ops.stagings "
        "WHERE dataset = 'utility_bills'"
    ).row(0)
    assert (fed, dropped) == (12, 1)
    assert fed == dropped + staged + superseded + quarantined


def test_a_corrected_value_is_held_to_the_contract_like_any_other(built_workspace, correct) -> None:
    wrong = {"action": "override", "column": "commodity", "expect": "electricity", "value": "electricty"}
    ingest(correct({key: value for key, value in {**ENTRY, **wrong}.items() if key != "factor"}))
    query = "SELECT row_number, rule FROM quarantine.records WHERE table_name = 'utility_bills'"
    assert built_workspace.ask(query).rows() == [(2, "isin")]


def test_a_correction_of_another_site_stales_nothing(built_workspace, correct) -> None:
    outcome = correct({**ENTRY, "match": {"site": "elsewhere"}}).night()
    assert outcome.stagings == []
    assert outcome.built == []


def test_a_binding_that_changes_how_files_are_read_stages_them_anew(built_workspace) -> None:
    path = built_workspace.root / "sources.toml"
    path.write_text(path.read_text(encoding="utf-8").replace('"measured"', '"metered"'), encoding="utf-8")
    assert len(ingest(built_workspace).stagings) == 13
    assert built_workspace.value("SELECT DISTINCT evidence_class FROM staged.utility_bills") == "metered"
