"""JUnit reports: outcomes, properties at three levels, and XML that means harm."""

from datetime import date

import pytest

from suanheng.schemas.checking.records import UnreadableFile

OPERATORS = {"subject_kind": "operator"}


@pytest.fixture
def results(gated, feed, staged, samples):
    """Staged tests of the sample, by identifier."""
    accepted, _ = gated("junit", samples / "junit_operators.xml", OPERATORS)
    checked = staged("compatibility_tests", feed("junit", "compatibility_tests", accepted))
    assert checked.rejected.is_empty()
    return {row["test_id"]: row for row in checked.accepted.iter_rows(named=True)}


def test_an_error_is_a_failure_and_a_skipped_test_was_not_run(results):
    assert {test: row["result"] for test, row in results.items()} == {
        "tests.ops.matmul[fp16]": "passed",
        "tests.ops.conv2d[fp8]": "failed",
        "tests.ops.softmax": "failed",
        "tests.ops.sort": "not_run",
        "tests.ops.scan": "passed",
        "own-7b": "passed",
        "tests.ops.last": "passed",
    }


def test_the_nearest_property_counts(results):
    plain, own, nested, after = (
        results[test] for test in ("tests.ops.softmax", "tests.ops.scan", "own-7b", "tests.ops.last")
    )
    assert [row["subject_version"] for row in (plain, own, nested, after)] == ["2.3.0"] * 4
    assert (plain["weight"], plain["is_required"], plain["subject_kind"]) == (1, True, "operator")
    assert (own["weight"], own["is_required"], own["subject_name"]) == (2.5, False, "prefix scan")
    # A device stated beside the sku of the outer suite is one more property; sku is asked for first.
    assert (nested["subject_kind"], nested["sku"]) == ("model", "X100")
    # Properties of an inner suite end with it.
    assert after["subject_kind"] == "operator"


def test_the_subject_is_named_without_what_stands_in_brackets(results):
    assert results["tests.ops.matmul[fp16]"]["subject_name"] == "matmul"


def test_the_day_is_the_one_the_suite_shows(results):
    assert results["tests.ops.matmul[fp16]"]["tested_on"] == date(2024, 6, 30)
    assert results["own-7b"]["tested_on"] == date(2024, 7, 1)


def test_a_test_without_a_name_is_quarantined_and_none_is_lost(gated, samples):
    accepted, rejected = gated("junit", samples / "junit_operators.xml", OPERATORS)
    assert accepted.height == 7
    assert rejected.select("row_number", "message").rows() == [(7, "name is required, but is empty")]


def test_what_no_property_says_the_source_must(gated, tmp_path):
    path = tmp_path / "report.xml"
    path.write_text('<testsuite name="a"><testcase name="b"/></testsuite>', encoding="utf-8")
    _, rejected = gated("junit", path)
    for column in ("tested_on", "subject_kind", "sku"):
        assert column in rejected["message"].item()
    options = {**OPERATORS, "sku": "X100", "tested_on": date(2024, 6, 1), "is_required": False, "weight": 3}
    accepted, _ = gated("junit", path, options)
    assert accepted.select("tested_on", "is_required", "weight").rows() == [(date(2024, 6, 1), False, 3.0)]


def test_no_report_is_held_in_memory(gated, tmp_path):
    path = tmp_path / "report.xml"
    case = '<testcase name="t{}"><system-out>{}</system-out></testcase>'
    cases = "".join(case.format(number, "x" * 1000) for number in range(2000))
    path.write_text(f'<testsuite name="a" timestamp="2024-06-01T00:00:00">{cases}</testsuite>', encoding="utf-8")
    accepted, rejected = gated("junit", path, {**OPERATORS, "sku": "X100"})
    assert (accepted.height, rejected.height) == (2000, 0)
    assert accepted["name"].to_list()[-1] == "t1999"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("<html/>", "begins with <html>", id="another document"),
        pytest.param('<testsuite name="a"><testcase name="b"/>', "half a report", id="broken off"),
        pytest.param("", "test report", id="empty"),
        pytest.param(
            '<!DOCTYPE t [<!ENTITY x SYSTEM "file:///etc/passwd">]><testsuite><testcase name="&x;"/></testsuite>',
            "document type",
            id="entity",
        ),
    ],
)
def test_what_is_no_report_is_refused(gated, tmp_path, text, said):
    path = tmp_path / "report.xml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UnreadableFile, match=said):
        gated("junit", path)


@pytest.mark.parametrize(
    ("attributes", "result"),
    [
        ('status="run" result="completed"', "passed"),  # googletest
        ('status="notrun" result="suppressed"', "not_run"),
        ('status="run" result="skipped"', "not_run"),
        ('status="disabled"', "not_run"),  # CTest
        ('status="fail"', "failed"),
        ('executed="False"', "not_run"),  # NUnit
        ('result="Ignored" executed="True"', "not_run"),
        ("", "passed"),
    ],
)
def test_a_test_that_did_not_run_is_not_passed(gated, feed, tmp_path, attributes, result):
    path = tmp_path / "report.xml"
    path.write_text(f'<testsuite timestamp="2023-03-15T10:00:00"><testcase name="a" {attributes}/></testsuite>')
    accepted, rejected = gated("junit", path, {"sku": "X100", "subject_kind": "operator"})
    assert rejected.is_empty()
    assert feed("junit", "compatibility_tests", accepted)["result"].to_list() == [result]


def test_an_outcome_in_a_word_that_nobody_knows_is_quarantined(gated, tmp_path):
    path = tmp_path / "report.xml"
    path.write_text(
        '<testsuite timestamp="2023-03-15T10:00:00"><testcase name="a" status="maybe"/>'
        '<testcase name="b" status="maybe"><failure/></testcase></testsuite>'
    )
    accepted, rejected = gated("junit", path, {"sku": "X100", "subject_kind": "operator"})
    assert (accepted["outcome"].to_list(), rejected["row_number"].to_list()) == (["failed"], [1])
