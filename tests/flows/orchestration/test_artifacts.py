"""What a run shows in the server: every kind of change is counted, and long lists are cut and say so."""

from pathlib import Path

from suanheng.flows.orchestration.artifacts import SHOWN, changes, links

LANDED = {"site_id": "tiny", "format": "template", "rows_read": 10, "rows_quarantined": 0, "problem": None}
STAGED = {"site_id": "tiny", "dataset": "utility_bills", "rows_quarantined": 3}


def test_changes_are_counted_and_named_and_every_failure_has_a_row() -> None:
    done = {
        "landings": [
            {**LANDED, "path": "a.csv"},
            {**LANDED, "path": "b.csv", "rows_read": 5, "rows_quarantined": 2},
            {**LANDED, "path": "c.csv", "rows_read": 0, "problem": "no table"},
        ],
        "stagings": [STAGED],
        "built": ["tiny 2023Q1"],
        "failures": {"tiny 2023Q2": "ValueError: no"},
        "reports": ["x.html", "x.json"],
    }
    assert [tuple(row.values()) for row in changes(done)] == [
        ("files ingested", 2, "a.csv, b.csv"),
        ("records read", 15, ""),
        ("files refused", 1, "c.csv: no table"),
        ("records quarantined", 5, "b.csv, utility_bills of tiny"),
        ("datasets staged", 1, "utility_bills of tiny"),
        ("quarters built", 1, "tiny 2023Q1"),
        ("report files written", 2, ""),
        ("parts failed", 1, ""),
        ("failed", 1, "tiny 2023Q2: ValueError: no"),
    ]


def test_start_pages_are_linked_first_and_what_is_left_out_is_counted() -> None:
    pages = [Path(f"/reports/tiny/{number:03}.html") for number in range(SHOWN)] + [Path("/reports/index.en.html")]
    lines = links(pages).splitlines()
    assert lines[:2] == [
        "- [reports/index.en.html](file:///reports/index.en.html)",
        "- [tiny/000.html](file:///reports/tiny/000.html)",
    ]
    assert lines[SHOWN:] == ["… and 1 more"]
