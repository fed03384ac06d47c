"""Contract of test cases of a JUnit XML report, read as compatibility tests."""

import polars as pl

from suanheng.schemas.columns import amount, choice, flag, name, text
from suanheng.schemas.contract import Column, Contract

TITLE = "JUnit XML test report"
FEEDS = ("compatibility_tests",)
OPTIONS = {
    "sku": "device type the tests ran on, where no property sku or device says it",
    "subject_kind": "operator, framework or model, where no property says it",
    "subject_version": "version of what was tested, where no property says it",
    "is_required": "whether tenants need the tests, where no property says it; true where absent",
    "weight": "how much a test counts, where no property says it; 1 where absent",
    "tested_on": "day of the tests (YYYY-MM-DD), for reports without a timestamp",
    "evidence_url": "where the report is kept, where no property says it",
}
TIMES = "days"
HOLDS = "chunks"
SAMPLE = "data/junit_operators.xml"
SAMPLE_SOURCE: dict[str, object] = {"options": {"sku": "Own 80GB SXM", "subject_kind": "operator"}}
REFUSES = (
    "XML that is no test report, or that is not well-formed: a report that broke off would lose its failures.",
    "XML with a document type: JUnit has none, and one may name other files or grow without end.",
)
LIMITS = (
    "A test is known by its class and its name; the same test twice in one report is quarantined.",
    "The subject is the property subject, else the name of the test without what stands in brackets.",
    "The day is the one the report's timestamp shows, whatever zone it is in.",
    "Properties of a suite count for the tests that stand after them, as every writer of the format has it.",
    "A test whose status or result is a word that is not known is quarantined: it is not taken for passed.",
    "Output, messages of failures and durations are not read.",
)

CONTRACT = Contract(
    "junit",
    "one test case",
    columns={
        "testsuite": text("Name of the suite."),
        "classname": text("Class of the test."),
        "name": name("Name of the test.", required=True),
        "outcome": choice(
            ("passed", "failed", "error", "skipped"),
            "Outcome, by the elements of the test, else by its attributes status, result and executed.",
            required=True,
        ),
        "tested_on": Column(
            pl.Date,
            "Day of the suite's timestamp; from sources.toml where that is absent.",
            time_formats=("%Y-%m-%d",),
            required=True,
        ),
        "subject": name("What was tested, from a property."),
        "subject_kind": choice(
            ("operator", "framework", "model"), "What kind it is, from a property or sources.toml.", required=True
        ),
        "subject_version": name("Version of it, from a property or sources.toml."),
        "sku": name("Device type, from a property or sources.toml.", required=True),
        "is_required": flag("Whether tenants need it, from a property or sources.toml.", required=True),
        "weight": amount("1", "How much it counts, from a property or sources.toml.", required=True),
        "evidence_url": text("Where the report is kept, from a property or sources.toml."),
    },
)
