"""Promise 7: "as it was then" and "as known now" are both answerable, and the difference is explained in rows."""

FIGURES = 'SELECT * EXCLUDE (reference_rows) FROM indicators."all" ORDER BY period, indicator'
FILES = "SELECT path, file_id, status FROM ops.files ORDER BY ALL"


def test_bitemporality_a_snapshot_answers_as_then(built_workspace, correct_a_bill) -> None:
    then = built_workspace.snapshot()
    figures, files = built_workspace.ask(FIGURES), built_workspace.ask(FILES)
    correct_a_bill(built_workspace)

    built_workspace.night()

    assert built_workspace.ask(FIGURES, snapshot=then).equals(figures)
    assert built_workspace.ask(FILES, snapshot=then).equals(files)

    now = built_workspace.ask(FIGURES)
    pue = "SELECT numerator FROM indicators.pue WHERE period = '2023-01'"
    # The bill of January was 1310 kWh and is 1500 kWh.
    assert built_workspace.value(pue, snapshot=then) == 1310
    assert built_workspace.value(pue) == 1500
    changed = figures.join(now, on=figures.columns, how="anti", nulls_equal=True)
    assert set(changed["period"]) == {"2023-01", "2023-02", "2023-03", "2023Q1", "2023-04", "2023-05", "2023-06",
                                      "2023Q2", "2023"}  # fmt: skip
    # What explains the difference: one file no longer counts, another is in its place.
    differing = set(built_workspace.ask(FILES).rows()) ^ set(files.rows())
    assert {(path, status) for path, _, status in differing} == {
        ("landing/tiny/utility_bills/2023-01.csv", "loaded"),
        ("landing/tiny/utility_bills/2023-01.csv", "replaced"),
    }


def test_bitemporality_every_snapshot_names_the_run_that_made_it(built_once) -> None:
    snapshots = built_once.ask("SELECT author, commit_message FROM ducklake_snapshots('lake') WHERE snapshot_id > 0")
    run_id = built_once.value("SELECT run_id FROM ops.runs")

    assert set(snapshots["author"]) == {"suanheng"}
    assert all(message.startswith(f"{run_id}: ") for message in snapshots["commit_message"])
