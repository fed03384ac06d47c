"""The JSON Schemas for editors accept and refuse what the models do, as far as a schema can."""

import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

ROOT = Path(__file__).parents[2]
PULL = """\
[[pull]]
name = "a"
site = "a"
url = "http://a"
exporter = "dcgm"
step = "30s"
window = "1h"
start = 2024-06-01
"""
SITE = '[[site]]\nsite_id = "a"\nname_en = "A"\ntime_zone = "UTC"\n'
SOURCE = '[[source]]\nformat = "template"\ndataset = "utility_bills"\nfiles = "{site}/*"\n'


def faults(name: str, text: str) -> list[str]:
    """Where a file breaks its schema, as an editor sees it: days and times are text."""
    schema = json.loads((ROOT / "docs" / "schemas" / f"{name}.json").read_text(encoding="utf-8"))
    jsonschema.Draft7Validator.check_schema(schema)
    content: Any = json.loads(json.dumps(tomllib.loads(text), default=str))
    return [error.message for error in jsonschema.Draft7Validator(schema).iter_errors(content)]


@pytest.mark.parametrize("name", ["suanheng", "sites", "sources"])
def test_a_schema_accepts_the_worked_example(name) -> None:
    path = ROOT / "docs" / "examples" / "gpu-servers" / f"{name}.toml"
    assert faults(name, path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [("suanheng", "[warehouse]\nthreads = 2\n"), ("sites", SITE), ("sources", SOURCE), ("pulls", PULL), ("pulls", "")],
)
def test_a_schema_accepts_what_is_enough(name, text) -> None:
    assert faults(name, text) == []


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("suanheng", "[warehouse]\nthread = 2\n", "'thread' was unexpected"),
        ("suanheng", "[warehouse]\nthreads = 0\n", "0 is less than the minimum of 1"),
        ("suanheng", '[storage]\nurl_style = "hosted"\n', "is not one of ['path', 'vhost']"),
        ("sites", SITE + 'size_class = "big"\n', "is not one of ['small', 'large', 'very_large']"),
        ("sites", SITE + 'region_code = "Hebei"\n', "does not match"),
        ("sites", SITE + "rack_units = 0\n", "0 is less than or equal to the minimum of 0"),
        ("sites", '[[site]]\nsite_id = "a"\n', "'time_zone' is a required property"),
        ("sources", SOURCE.replace("template", "templat"), "'templat' is not one of"),
        ("sources", SOURCE.replace("utility_bills", "bills"), "'bills' is not one of"),
        ("sources", SOURCE + 'cadence = "dayly"\n', "'dayly' is not one of"),
        ("pulls", PULL.replace('"30s"', '"30"'), "'30' does not match"),
        ("pulls", PULL + 'token = "s3cret"\n', "'s3cret' does not match"),
    ],
)
def test_a_schema_refuses_what_cannot_be(name, text, said) -> None:
    assert any(said in fault for fault in faults(name, text))
