"""Bills that meet: overlaps, estimates and the readings after them, corrections, credit notes. From file to staged."""

import itertools
import random
import shutil
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suanheng.flows.landing.land import land
from suanheng.flows.landing.pending import waiting
from suanheng.transforms.staging import stage
from suanheng.transforms.staging.bill_lines import credits_as_adjustments, without_overlaps
from suanheng.warehouse.lake import writing

HEADER = "invoice_id,meter_id,commodity,line_type,service_start,service_end,energy_kwh,is_estimated,revision"
STAGED = (
    "SELECT * FROM staged.utility_bills WHERE site_id = ? ORDER BY service_start, service_end, line_type, energy_kwh"
)
RECORDS = "SELECT * FROM quarantine.records WHERE site_id = ? AND stage = 'staged' ORDER BY record"
LEDGER = "SELECT * FROM ops.stagings WHERE site_id = ?"
JANUARY, FEBRUARY, MARCH, APRIL = "2023-01-01", "2023-02-01", "2023-03-01", "2023-04-01"


def line(
    start: str,
    end: str,
    kwh: float,
    invoice: str = "",
    *,
    meter: str = "account-1",
    kind: str = "consumption",
    estimated: bool = False,
    revision: int = 0,
) -> str:
    return f"{invoice},{meter},electricity,{kind},{start},{end},{kwh},{str(estimated).lower()},{revision}"


class Bills:
    """The bills of one site, handed in file by file."""

    def __init__(self, lake: Any, centre: Any, site_id: str) -> None:
        self._lake, self._centre, self._site_id = lake, centre, site_id

    def path(self, name: str) -> str:
        return f"landing/{self._site_id}/utility_bills/{name}"

    def hand_in(self, files: Mapping[str, list[str]]) -> None:
        """Put files into the landing zone, one after the other, and stage what is there after each."""
        for name, lines in files.items():
            path = self._centre.root / self.path(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
            for group in waiting(self._lake, self._centre.workspace):
                land(self._lake, group)
            for pair in stage.stale_datasets(self._lake):
                stage.stage_dataset(self._lake, *pair)

    @property
    def staged(self) -> list[tuple[str, str, str, float]]:
        rows = self._lake.frame(STAGED, [self._site_id])
        return [
            (kind, str(start), str(end), kwh)
            for kind, start, end, kwh in rows.select("line_type", "service_start", "service_end", "energy_kwh").rows()
        ]

    @property
    def kwh(self) -> float:
        return sum(kwh for *_, kwh in self.staged)

    @property
    def quarantined(self) -> list[dict[str, Any]]:
        return self._lake.frame(RECORDS, [self._site_id]).to_dicts()

    @property
    def ledger(self) -> dict[str, int]:
        row = self._lake.frame(LEDGER, [self._site_id]).row(0, named=True)
        return {name: row[f"rows_{name}"] for name in ("fed", "staged", "superseded", "quarantined")}


@pytest.fixture(scope="module")
def sites(built_once, tmp_path_factory) -> Iterator[Callable[[], Bills]]:
    """``sites()`` is the bills of another site, without any yet."""
    centre = type(built_once)(shutil.copytree(built_once.root, tmp_path_factory.mktemp("bills") / "workspace"))
    numbers = count(1)
    with writing(centre.workspace) as lake:
        yield lambda: Bills(lake, centre, f"bills-{next(numbers)}")


@pytest.fixture
def bills(sites) -> Bills:
    return sites()


# --- overlaps


def test_p08_overlapping_bills_are_refused_with_both_rows_named(bills):
    first = [line(JANUARY, FEBRUARY, 3100, "I-1"), line(MARCH, APRIL, 3000, "I-3")]
    bills.hand_in({"2023-q1.csv": first, "2023-q1_again.csv": [line("2023-03-10", "2023-04-10", 2900, "I-9")]})
    assert bills.staged == [("consumption", JANUARY, FEBRUARY, 3100), ("consumption", MARCH, APRIL, 3000)]
    (refused,) = bills.quarantined
    assert (refused["rule"], refused["row_number"]) == ("overlapping_service_period", 2)
    assert refused["value"] == "2023-03-10 to 2023-04-09"
    assert f"row 2 of {bills.path('2023-q1_again.csv')} (2023-03-10 to 2023-04-09)" in refused["message"]
    assert f"row 3 of {bills.path('2023-q1.csv')} (2023-03-01 to 2023-03-31)" in refused["message"]
    assert bills.ledger == {"fed": 3, "staged": 2, "superseded": 0, "quarantined": 1}


def test_p08_two_invoices_over_the_same_days_overlap_as_well(bills):
    bills.hand_in({"a.csv": [line(MARCH, APRIL, 3000, "I-3")], "b.csv": [line(MARCH, APRIL, 3000, "I-4")]})
    assert bills.kwh == 3000
    assert [record["rule"] for record in bills.quarantined] == ["overlapping_service_period"]


def test_p08_a_file_that_replaces_march_moves_the_total_by_the_difference(bills):
    january, march = line(JANUARY, FEBRUARY, 3100, "I-1"), line(MARCH, APRIL, 3000, "I-3")
    bills.hand_in({"a.csv": [january], "march.csv": [march]})
    before = bills.kwh
    bills.hand_in({"march.csv": [line(MARCH, APRIL, 3200, "I-3")]})
    assert bills.kwh - before == 200
    assert bills.ledger == {"fed": 2, "staged": 2, "superseded": 0, "quarantined": 0}


def test_p08_a_higher_revision_replaces_march_under_another_name(bills):
    bills.hand_in({"march.csv": [line(MARCH, APRIL, 3000, "I-3")]})
    bills.hand_in({"a_correction.csv": [line(MARCH, APRIL, 3200, "I-3", revision=1)]})
    assert bills.staged == [("consumption", MARCH, APRIL, 3200)]
    assert bills.ledger == {"fed": 2, "staged": 1, "superseded": 1, "quarantined": 0}


def test_p08_the_refused_march_counts_once_the_other_is_gone(bills):
    wrong, right = line("2023-02-20", APRIL, 9000, "I-8"), line(MARCH, APRIL, 3000, "I-3")
    bills.hand_in({"a.csv": [line(JANUARY, FEBRUARY, 3100, "I-1"), wrong], "b.csv": [right]})
    assert bills.kwh == 3100 + 9000
    bills.hand_in({"a.csv": [line(JANUARY, FEBRUARY, 3100, "I-1")]})
    assert bills.kwh == 3100 + 3000
    assert bills.quarantined == []


def test_neighbours_other_meters_and_other_kinds_of_line_do_not_overlap(bills):
    lines = [
        line(JANUARY, FEBRUARY, 100, "I-1"),
        line(FEBRUARY, MARCH, 100, "I-2"),
        line("2023-01-15", "2023-02-15", 100, "I-3", meter="account-2"),
        line("2023-01-15", "2023-02-15", 7, "I-4", kind="adjustment"),
        line("2023-01-15", "2023-02-15", 0, "I-5", kind="demand"),
    ]
    bills.hand_in({"a.csv": lines})
    assert bills.ledger == {"fed": 5, "staged": 5, "superseded": 0, "quarantined": 0}


def test_a_line_of_the_whole_day_overlaps_that_of_a_part_of_it():
    columns = {
        "meter_id": "m", "commodity": "electricity", "line_type": "consumption", "is_estimated": False,
        "revision": 0, "file_id": "f", "path": "p", "invoice_id": None,
    }  # fmt: skip
    periods = ["peak", "valley", "total", "peak"]
    starts = [pl.date(2023, 1, 1), pl.date(2023, 1, 1), pl.date(2023, 1, 10), pl.date(2023, 1, 31)]
    lines = pl.concat(
        pl.select(
            row_number=number, tariff_period=pl.lit(period), service_start=start, service_end=pl.date(2023, 2, 1),
            **{name: pl.lit(value) for name, value in columns.items()},
        )
        for number, (period, start) in enumerate(zip(periods, starts, strict=True), start=2)
    )  # fmt: skip
    kept, refused = without_overlaps(lines)
    assert kept["row_number"].to_list() == [2, 3]
    assert refused["row_number"].to_list() == [4, 5]
    assert "row 2 of p" in refused["what_is_wrong"][0]
    assert "row 3 of p" in refused["what_is_wrong"][0]
    assert "row 3 of p" not in refused["what_is_wrong"][1]


# --- estimates


def test_a_reading_of_the_same_period_supersedes_the_estimate(bills):
    estimate, reading = line(JANUARY, FEBRUARY, 3000, "I-1", estimated=True), line(JANUARY, FEBRUARY, 3300, "I-2")
    bills.hand_in({"z_estimate.csv": [estimate], "a_reading.csv": [reading]})
    assert bills.staged == [("consumption", JANUARY, FEBRUARY, 3300)]
    assert bills.ledger == {"fed": 2, "staged": 1, "superseded": 1, "quarantined": 0}


def test_estimate_and_reading_may_stand_in_one_file(bills):
    bills.hand_in({"a.csv": [line(JANUARY, FEBRUARY, 3000, estimated=True), line(JANUARY, FEBRUARY, 3300)]})
    assert bills.kwh == 3300
    assert bills.ledger == {"fed": 2, "staged": 1, "superseded": 1, "quarantined": 0}


def test_a_reading_over_a_longer_period_supersedes_the_estimates_within(bills):
    # Three estimates of 3 000 each; the reading of the quarter says 9 600, and is not 18 600.
    months = [(JANUARY, FEBRUARY), (FEBRUARY, MARCH), (MARCH, APRIL)]
    estimates = [line(*month, 3000, f"I-{number}", estimated=True) for number, month in enumerate(months)]
    bills.hand_in({"estimates.csv": estimates, "quarter.csv": [line(JANUARY, APRIL, 9600, "I-9")]})
    assert bills.staged == [("consumption", JANUARY, APRIL, 9600)]
    assert bills.ledger == {"fed": 4, "staged": 1, "superseded": 3, "quarantined": 0}


def test_readings_that_cover_an_estimate_together_supersede_it(bills):
    readings = [line(JANUARY, FEBRUARY, 3100, "I-1"), line(FEBRUARY, MARCH, 2800, "I-2")]
    bills.hand_in({"a.csv": [line(JANUARY, MARCH, 6000, "I-0", estimated=True)], "b.csv": readings})
    assert (bills.kwh, bills.ledger["superseded"]) == (5900, 1)


def test_an_estimate_that_readings_cover_in_part_is_refused(bills):
    bills.hand_in(
        {"a.csv": [line(JANUARY, MARCH, 6000, "I-0", estimated=True)], "b.csv": [line(JANUARY, FEBRUARY, 3100, "I-1")]}
    )
    assert bills.kwh == 3100
    (refused,) = bills.quarantined
    assert f"row 2 of {bills.path('a.csv')}" in refused["message"]


def test_a_true_up_stated_as_an_adjustment_adds_up(bills):
    bills.hand_in({"a.csv": [line(JANUARY, FEBRUARY, 3000, "I-1", estimated=True)]})
    bills.hand_in({"b.csv": [line(JANUARY, FEBRUARY, 300, "I-2", kind="adjustment")]})
    assert bills.kwh == 3300


# --- corrections and credit notes


def test_a_corrected_invoice_replaces_the_first_whatever_its_dates(bills):
    bills.hand_in({"a.csv": [line(JANUARY, FEBRUARY, 3100, "I-1")]})
    bills.hand_in({"b.csv": [line("2023-01-03", "2023-02-03", 3050, "I-1", revision=1)]})
    assert bills.staged == [("consumption", "2023-01-03", "2023-02-03", 3050)]
    assert bills.ledger == {"fed": 2, "staged": 1, "superseded": 1, "quarantined": 0}


def test_a_correction_replaces_lines_of_its_kind_only(bills):
    demand = line(JANUARY, FEBRUARY, 0, "I-1", kind="demand")
    bills.hand_in({"a.csv": [line(JANUARY, FEBRUARY, 3100, "I-1"), demand]})
    bills.hand_in({"b.csv": [line(JANUARY, FEBRUARY, 3050, "I-1", revision=1)]})
    assert [kind for kind, *_ in bills.staged] == ["consumption", "demand"]


def test_a_credit_note_takes_off_and_replaces_nothing(bills):
    bills.hand_in({"a.csv": [line(JANUARY, FEBRUARY, 3100)], "b.csv": [line(JANUARY, FEBRUARY, -100)]})
    assert bills.staged == [
        ("adjustment", JANUARY, FEBRUARY, -100),
        ("consumption", JANUARY, FEBRUARY, 3100),
    ]


def test_a_credit_note_is_replaced_by_its_own_correction(bills):
    bills.hand_in({"a.csv": [line(JANUARY, FEBRUARY, 3100, "I-1"), line(JANUARY, FEBRUARY, -100, "C-1")]})
    bills.hand_in({"b.csv": [line(JANUARY, "2023-01-31", -60, "C-1", revision=1)]})
    assert bills.kwh == 3040


def test_two_credit_notes_both_count(bills):
    notes = {f"{name}.csv": [line(JANUARY, FEBRUARY, kwh, name)] for name, kwh in (("C-1", -100), ("C-2", -30))}
    bills.hand_in({"a.csv": [line(JANUARY, FEBRUARY, 3100, "I-1")], **notes})
    assert bills.kwh == 2970


def test_water_below_zero_is_a_credit_too():
    lines = pl.DataFrame(
        {
            "commodity": ["water", "water", "electricity"],
            "line_type": ["consumption", "consumption", "demand"],
            "water_m3": [-1.0, 2.0, None],
            "energy_kwh": [None, -5.0, -1.0],
        }
    )
    assert credits_as_adjustments(lines)["line_type"].to_list() == ["adjustment", "consumption", "demand"]


def test_a_bill_taken_back_counts_no_more_and_the_one_issued_anew_does(bills):
    # 冲红 and 重开: the reversal takes back the first bill, under its number; the new one has a number of its own.
    reversal = line(JANUARY, FEBRUARY, -600, "A-1", kind="reversal", revision=1)
    bills.hand_in({"a.csv": [line(JANUARY, FEBRUARY, 600, "A-1")], "b.csv": [reversal]})
    assert bills.staged == [("reversal", JANUARY, FEBRUARY, -600)]
    bills.hand_in({"c.csv": [line(JANUARY, FEBRUARY, 550, "A-2", revision=2)]})
    assert bills.staged == [("consumption", JANUARY, FEBRUARY, 550), ("reversal", JANUARY, FEBRUARY, -600)]
    assert bills.ledger == {"fed": 3, "staged": 2, "superseded": 1, "quarantined": 0}


# --- order


ORDERED = {
    "estimates.csv": [
        line(JANUARY, FEBRUARY, 3000, "I-1", estimated=True),
        line(FEBRUARY, MARCH, 3000, "I-2", estimated=True),
    ],
    "quarter.csv": [line(JANUARY, APRIL, 9600, "I-9")],
    "overlap.csv": [line("2023-03-20", "2023-04-20", 2900, "I-4"), line("2023-04-20", "2023-05-20", 2800, "I-5")],
    "correction.csv": [line("2023-01-01", "2023-04-02", 9700, "I-9", revision=1)],
    "credit.csv": [line(JANUARY, FEBRUARY, -50, "C-1")],
}  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
def test_bills_that_meet_end_the_same_in_any_order(sites, seed):
    """By hand: the correction stands for the quarter and both estimates; the bill of 20 March shares days with it."""
    order = random.Random(seed).sample(sorted(ORDERED), len(ORDERED))
    bills = sites()
    bills.hand_in({name: ORDERED[name] for name in order})
    assert bills.staged == [
        ("adjustment", JANUARY, FEBRUARY, -50),
        ("consumption", JANUARY, "2023-04-02", 9700),
        ("consumption", "2023-04-20", "2023-05-20", 2800),
    ]
    (refused,) = bills.quarantined
    assert f"row 2 of {bills.path('overlap.csv')}" in refused["message"]
    assert f"row 2 of {bills.path('correction.csv')}" in refused["message"]
    assert bills.ledger == {"fed": 7, "staged": 3, "superseded": 3, "quarantined": 1}


DAY = st.integers(0, 20)
LINES = st.lists(
    st.fixed_dictionaries(
        {
            "first": DAY,
            "days": st.integers(1, 8),
            "is_estimated": st.booleans(),
            "revision": st.integers(0, 1),
            "path": st.sampled_from(["a", "b"]),
        }
    ),
    max_size=8,
)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(lines=LINES, data=st.data())
def test_no_day_is_read_twice_and_no_line_is_lost_in_whatever_order_they_come(lines, data):
    columns = {
        "meter_id": "m",
        "commodity": "electricity",
        "line_type": "consumption",
        "tariff_period": "peak",
        "file_id": "f",
    }
    start = pl.date(2023, 1, 1).cast(pl.Datetime)
    rows = pl.DataFrame(
        [{**columns, **row, "row_number": number} for number, row in enumerate(lines, start=2)],
        schema={**dict.fromkeys(columns, pl.String), "first": pl.Int64, "days": pl.Int64, "is_estimated": pl.Boolean,
                "revision": pl.Int64, "path": pl.String, "row_number": pl.Int64},
    ).with_columns(
        service_start=(start + pl.duration(days=pl.col("first"))).dt.date(),
        service_end=(start + pl.duration(days=pl.col("first") + pl.col("days"))).dt.date(),
    )  # fmt: skip
    kept, refused = without_overlaps(rows)
    days = [set(range(row["first"], row["first"] + row["days"])) for row in kept.iter_rows(named=True)]
    assert all(not one & other for one, other in itertools.combinations(days, 2))
    assert not set(kept["row_number"]) & set(refused["row_number"])

    # What neither counts nor is refused is an estimate of which every day is read.
    read = set().union(*(day for day, estimated in zip(days, kept["is_estimated"], strict=True) if not estimated))
    for row in rows.filter(~pl.col("row_number").is_in([*kept["row_number"], *refused["row_number"]])).iter_rows(
        named=True
    ):
        assert row["is_estimated"]
        assert set(range(row["first"], row["first"] + row["days"])) <= read

    shuffled = rows[data.draw(st.permutations(range(rows.height)))] if lines else rows
    again, refused_again = without_overlaps(shuffled)
    assert again.sort("row_number").equals(kept.sort("row_number"))
    assert refused_again.sort("row_number").equals(refused.sort("row_number"))
