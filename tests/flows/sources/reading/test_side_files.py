"""Dictionaries beside the data: when one changes, what is under it is read again, and nothing else is."""

import pytest

from suanheng.flows.landing.land import land
from suanheng.flows.landing.pending import waiting
from suanheng.warehouse.lake import writing

SOURCE = """
[[source]]
format = "bms_points"
files = "landing/{site}/bms/readings-*.csv"
time_zone = "Asia/Shanghai"
options = { points = "points.csv" }
"""


@pytest.fixture
def ingest(built_workspace):
    """``take_in()`` ingests what is waiting; gives the files, and the meters and boundaries that are then known."""
    settings = built_workspace.workspace.sources_file
    settings.write_text(settings.read_text(encoding="utf-8") + SOURCE, encoding="utf-8")
    with writing(built_workspace.workspace) as lake:

        def run():
            landings = [landing for group in waiting(lake, built_workspace.workspace) for landing in land(lake, group)]
            known = lake.frame("SELECT meter_id, boundary, value FROM raw.bms_points ORDER BY ALL").rows()
            return [(landing.path.split("/")[-1], landing.problem) for landing in landings], known

        yield run


def test_a_changed_dictionary_reads_its_files_again(built_workspace, ingest):
    folder = built_workspace.root / "landing" / "tiny" / "bms"
    folder.mkdir()
    dictionary = "column_name,meter_id,boundary,quantity,unit\nP,M-1,{},power,kW\n"
    (folder / "readings-1.csv").write_text("timestamp,P\n2023-01-01 00:00:00,5\n", encoding="utf-8")

    files, known = ingest()
    assert known == []
    assert "points.csv, where no file is" in files[0][1]

    (folder / "points.csv").write_text(dictionary.format("utility"), encoding="utf-8")
    assert ingest() == ([("readings-1.csv", None)], [("M-1", "utility", 5)])
    assert ingest() == ([], [("M-1", "utility", 5)])

    (folder / "points.csv").write_text(dictionary.format("cooling"), encoding="utf-8")
    assert ingest() == ([("readings-1.csv", None)], [("M-1", "cooling", 5)])
