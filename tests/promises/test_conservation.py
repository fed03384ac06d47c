"""Promise 1: rows read = rows accepted + rows quarantined, to the row. Nothing disappears."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suanheng.config.workspace import Workspace
from suanheng.flows.landing.land import land
from suanheng.flows.landing.pending import waiting
from suanheng.transforms.staging import stage
from suanheng.transforms.staging.stage import Staging
from suanheng.warehouse.lake import Lake, reading, writing
from tests.conftest import stagings

HEADER = "meter_id,commodity,service_start,service_end,energy_kwh,revision"

GOOD_FIELDS = (
    st.sampled_from(["meter-1", "meter-2"]),
    st.just("electricity"),
    st.sampled_from(["2023-01-01", "2023-02-01"]),
    st.sampled_from(["2023-03-01", "2023-04-01"]),
    st.sampled_from(["1", "2.5", "1,000"]).map(lambda number: f'"{number}"'),
    st.sampled_from(["0", "1"]),
)
ANY_FIELD = st.text(st.sampled_from("abc 019.-:'千瓦时@=\x00\x1b\t"), max_size=6)

# Records of six good fields, of six fields that hold anything, and of any number of fields.
RECORD = st.one_of(
    st.tuples(*GOOD_FIELDS), st.tuples(*[ANY_FIELD] * 6), st.lists(ANY_FIELD, min_size=2, max_size=8)
).map(",".join)

COUNTS = """
    SELECT
        f.rows_read, f.rows_accepted, f.rows_quarantined,
        (SELECT count(*) FROM raw.template_{dataset} AS r WHERE r.file_id = f.file_id AND r.site_id = f.site_id),
        (SELECT count(*) FROM quarantine.records AS q
         WHERE q.file_id = f.file_id AND q.site_id = f.site_id AND q.stage = 'raw'),
        (SELECT count(DISTINCT row_number) FROM (
            SELECT row_number FROM raw.template_{dataset} AS r WHERE r.file_id = f.file_id AND r.site_id = f.site_id
            UNION ALL
            SELECT row_number FROM quarantine.records AS q
            WHERE q.file_id = f.file_id AND q.site_id = f.site_id AND q.stage = 'raw'))
    FROM ops.files AS f WHERE f.path = ?
"""


@pytest.fixture
def ingest(built_workspace) -> Iterator[Callable[..., tuple[Lake, str]]]:
    """``take_in({"a.csv": text, …})`` takes bills into a site of their own; gives the warehouse and the site."""
    numbers = count(1)
    with writing(built_workspace.workspace) as lake:
        yield partial(_ingest, lake, built_workspace.workspace, numbers)


def _ingest(lake: Lake, workspace: Workspace, numbers: Iterator[int], files: dict[str, str]) -> tuple[Lake, str]:
    site_id = f"site-{next(numbers)}"
    folder = workspace.root / "landing" / site_id / "utility_bills"
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8", newline="")
    for group in waiting(lake, workspace):
        land(lake, group)
    return lake, site_id


def test_conservation_every_record_is_accepted_or_quarantined(ingest) -> None:
    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    @given(records=st.lists(RECORD, min_size=1, max_size=12))
    def holds(records: list[str]) -> None:
        lake, site_id = ingest({"bills.csv": "\n".join([HEADER, *records]) + "\n"})

        path = f"landing/{site_id}/utility_bills/bills.csv"
        read, accepted, quarantined, raw, rejected, row_numbers = lake.frame(
            COUNTS.format(dataset="utility_bills"), [path]
        ).row(0)
        # Every line was written as one record: no field holds a line break.
        assert read == len(records)
        assert (raw, rejected) == (accepted, quarantined)
        assert raw + rejected == row_numbers == len(records)

    holds()


def test_conservation_every_row_fed_is_staged_superseded_or_quarantined(ingest) -> None:
    @settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
    @given(files=st.lists(st.lists(st.tuples(*GOOD_FIELDS).map(",".join), min_size=1, max_size=6), max_size=3))
    def holds(files: list[list[str]]) -> None:
        texts = {f"{number}.csv": "\n".join([HEADER, *records]) for number, records in enumerate(files)}
        lake, site_id = ingest(texts)
        distinct = set(texts.values())

        staged = stage.stage_dataset(lake, site_id, "utility_bills")

        assert staged.rows_fed == sum(text.count("\n") for text in distinct)
        assert_conserved(staged)
        assert (
            lake.value("SELECT count(*) FROM staged.utility_bills WHERE site_id = ?", [site_id]) == staged.rows_staged
        )

    holds()


def assert_conserved(staged: Staging) -> None:
    assert staged.rows_fed == staged.rows_staged + staged.rows_superseded + staged.rows_quarantined


def test_conservation_of_every_file_of_a_night(built_once) -> None:
    with reading(built_once.workspace) as lake:
        for path in built_once.files():
            shown = path.relative_to(built_once.root).as_posix()
            counts = lake.frame(COUNTS.format(dataset=path.parent.name), [shown])
            read, accepted, quarantined, raw, rejected, row_numbers = counts.row(0)
            # The files have one record per line, below one line of header; the letter is refused as a whole.
            assert read == (0 if path.stem == "letter" else _records(path)), shown
            assert (raw, rejected) == (accepted, quarantined), shown
            assert raw + rejected == row_numbers == read, shown


def _records(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines()) - 1


def test_conservation_names_what_is_wrong_with_each_record(built_once) -> None:
    records = built_once.ask("SELECT stage, row_number, rule FROM quarantine.records ORDER BY row_number").rows()

    # Line 2 states what 2023-01.csv states; the faulty file sorts last, so line 2 counts and line 3 repeats it.
    assert records == [
        ("staged", 3, "duplicate_key"),
        ("raw", 4, "less_than_or_equal_to"),
        ("raw", 5, "not_nullable"),
        ("raw", 6, "field_count"),
    ]


def test_conservation_of_every_dataset_staged(built_once) -> None:
    accepted = "SELECT sum(rows_accepted) FROM ops.files WHERE raw_table = 'template_' || ?"
    with reading(built_once.workspace) as lake:
        of_datasets = stagings(lake).to_dicts()
        for row in of_datasets:
            assert row["rows_fed"] == lake.value(accepted, [row["dataset"]]), row["dataset"]
            assert row["rows_fed"] == row["rows_staged"] + row["rows_superseded"] + row["rows_quarantined"]
            assert row["rows_staged"] == lake.value(f"SELECT count(*) FROM staged.{row['dataset']}"), row["dataset"]

    assert len(of_datasets) == 13
