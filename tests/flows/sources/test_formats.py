"""What every format promises: a sample that its reader reads with the source its page shows."""

import importlib
from pathlib import Path

import pytest

from suanheng.schemas.formats import Format, formats
from suanheng.transforms.definitions.recipes import feeds

TESTS = Path(__file__).parents[2]
FORMATS = list(formats().values())


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
def test_the_sample_is_read_with_the_source_shown(form: Format, gated) -> None:
    accepted, _ = gated(
        form.name, TESTS / form.sample, form.sample_source.get("options", {}), form.sample_source.get("time_zone")
    )
    assert accepted.height > 0


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
def test_a_format_says_how_it_treats_time_and_memory_and_what_it_refuses(form: Format) -> None:
    assert form.times in {"local", "stated", "days"}
    assert form.holds in {"chunks", "document"}
    assert Path(form.sample).name.startswith(form.name)
    assert form.refuses
    assert form.limits
    assert (form.times == "local") == ("time_zone" in form.sample_source)
    assert set(form.sample_source.get("options", {})) <= set(form.options)


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
def test_every_reader_has_a_test_of_its_own_and_a_feed_per_dataset(form: Format) -> None:
    assert Path(__file__).with_name(f"test_{form.name}.py").exists()
    assert importlib.import_module(f"suanheng.flows.sources.{form.name}").read
    for dataset in form.feeds:
        assert [feed for feed in feeds(dataset) if f"raw.{form.name}" in feed.reads]


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
def test_no_two_columns_differ_in_case_only(form: Format) -> None:
    # SQL would take them for one.
    lowered = [name.lower() for name in form.contract.columns]
    assert len(set(lowered)) == len(lowered)
