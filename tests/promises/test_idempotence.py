"""Promise 2: the same input twice changes nothing, and says so."""

import shutil

from typer.testing import CliRunner

from suanheng.flows.commands import app


def test_idempotence_a_second_night_changes_nothing(built_workspace) -> None:
    snapshot = built_workspace.snapshot()

    outcome = built_workspace.night()

    assert outcome.changed_nothing
    assert built_workspace.snapshot() == snapshot


def test_idempotence_a_second_run_says_that_nothing_has_changed(built_workspace) -> None:
    answer = CliRunner().invoke(app, ["ingest", "--workspace", str(built_workspace.root)])

    assert answer.exit_code == 0
    assert "Nothing has changed" in answer.output


def test_idempotence_the_same_content_under_another_name_is_recognised(built_workspace) -> None:
    snapshot = built_workspace.snapshot()
    original = built_workspace.path("utility_bills", "2023-03")
    shutil.copy(original, original.with_name("2023-03 (1).csv"))

    outcome = built_workspace.night()

    # "2023-03 (1).csv" sorts before "2023-03.csv", so even the path in the ledger stays.
    assert outcome.changed_nothing
    assert built_workspace.snapshot() == snapshot


def test_idempotence_a_renamed_file_is_not_read_again(built_workspace) -> None:
    before = built_workspace.digests("staged", "scorecards")
    original = built_workspace.path("utility_bills", "2023-03")
    original.rename(original.with_name("2023-03 final.csv"))

    outcome = built_workspace.night()

    assert outcome.changed_nothing
    assert built_workspace.digests("staged", "scorecards") == before
    assert built_workspace.value(
        "SELECT count(*) FROM ops.files WHERE path = 'landing/tiny/utility_bills/2023-03 final.csv'"
    ) == 1  # fmt: skip


def test_idempotence_where_two_bindings_match_a_file_the_first_counts_every_night(built_workspace) -> None:
    sources = built_workspace.root / "sources.toml"
    second = (
        '[[source]]\nformat = "template"\ndataset = "utility_bills"\n'
        'files = "landing/{site}/utility_bills/2023-*"\nevidence = "estimated"\n'
    )
    sources.write_text(sources.read_text(encoding="utf-8") + second, encoding="utf-8")

    assert built_workspace.night().changed_nothing
    assert built_workspace.value("SELECT DISTINCT evidence_class FROM staged.utility_bills") == "measured"
