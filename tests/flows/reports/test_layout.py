"""Names of files for hostile identifiers."""

from pathlib import Path

import pytest

from suanheng.flows.reports.layout import file_name, scorecard_file, scorecard_link


@pytest.mark.parametrize(
    ("identifier", "name"),
    [
        ("langfang-1", "langfang-1"),
        ("廊坊", "廊坊"),
        ("../../etc", "%2E.%2F..%2Fetc"),
        ("..", "%2E."),
        ("a/b\\c", "a%2Fb%5Cc"),
        ("compare", "%63ompare"),
        ("a b", "a%20b"),
        ("", "%"),
    ],
)
def test_no_identifier_leaves_its_folder(identifier: str, name: str) -> None:
    assert file_name(identifier) == name
    assert scorecard_file(Path("reports"), identifier, "2023", "json").parent.parent == Path("reports")


def test_a_link_leads_to_the_file() -> None:
    # The percent sign of the file's name is itself encoded in the address.
    assert scorecard_link("a/b", "2023Q2", "en.html") == "a%252Fb/2023Q2.en.html"
