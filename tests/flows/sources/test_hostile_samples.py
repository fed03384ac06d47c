"""Whatever becomes of a file on its way, it is refused in words or taken apart to the record; feeds never stumble.

Every format reads its own sample, changed by a seeded hand: cut off, sprinkled with noise, its columns swapped, its
values replaced by what drivers, spreadsheets and people write in their place. ``SUANHENG_FUZZ_ROUNDS`` sets how many
changed samples each format reads; a round that fails is named, and comes out the same again.
"""

import csv
import io
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any
from xml.sax.saxutils import escape

import openpyxl
import polars as pl
import pytest

from suanheng.schemas.checking.records import Chunk, UnreadableFile, check
from suanheng.schemas.formats import Format, formats, template

TESTS = Path(__file__).parents[2]
ROUNDS = int(os.environ.get("SUANHENG_FUZZ_ROUNDS", "12"))

TEXTS = (
    *("", " ", "NaN", "nan", "null", "None", "N/A", "-", "inf", "-inf", "Infinity", "+Inf", "1e999", "1e308", "-1e308"),
    *("-1", "0", "-0.0", "1e-320", "0.5", "1e15", "1,5", "1,234.5", "1_000", "0x10", "٣", "½", "1e20", "12 W", "85%"),
    *(
        "9223372036854775807",
        "9223372036854775794",
        "-9223372036854775808",
        "18446744073709551615",
        "9" * 20,
        "9" * 400,
    ),
    *("=1+1", "<script>alert(1)</script>", "../../x", "..\\..\\x", "'; DROP TABLE t;--", "x" * 300, "x" * 140_000),
    *(
        "a\x1b[31mb",
        "a\x00b",
        "a\x7fb",
        "a\tb",
        "a\u2028b",
        "\ufeff",
        "\u202egnp",
        "中心",
        "🜚",
        '"',
        "'",
        "%",
        "{}",
        "\\",
    ),
    *("2024-02-30", "0001-01-01", "9999-12-31", "9999-12-31T23:59:59Z", "262143-01-01", "1899-12-31T23:59:59Z"),
    *(
        "2024-01-10 09:00:00",
        "20240110",
        "45301",
        "4.5e4",
        "01/02/2024",
        "24:00:00",
        "2024-03-10T02:30:00",
        "-5-00:00:00",
    ),
    *("true", "yes", "[]", "[1]", '{"a": 1}', "[null]", "a=b", "a|b", "a,b", "gres/gpu=" + "9" * 20, "cpu=-1,mem=9e9T"),
)
VALUES: tuple[Any, ...] = (
    *(None, [], {}, [None], [[]], {"a": None}, {"set": True}, True, False, 0, -1, 0.5, 1e308, -1e308, 10**20, 10**400),
    *(2**63 - 14, 2**63, float("nan"), float("inf"), {"number": {"number": 1}}, ["x", 1], "x", *TEXTS),
)


@pytest.mark.parametrize("form", formats().values(), ids=lambda form: form.name)
def test_a_hostile_sample_is_refused_in_words_or_taken_apart_to_the_record(
    form: Format, tmp_path, feed, staged
) -> None:
    accepted = [rows for number in range(ROUNDS) if (rows := taken_apart(form, tmp_path, number)) is not None]
    if not accepted:
        return
    for dataset in form.feeds:
        fed = feed(form.name, dataset, pl.concat(accepted))
        checked = staged(dataset, fed)
        assert checked.accepted.height + checked.rejected.height == fed.height
        assert_finite(checked.accepted)


def taken_apart(form: Format, folder: Path, number: int) -> pl.DataFrame | None:
    """Accepted rows of the sample as one round changes it, as a landed raw table holds them; nothing if refused."""
    try:
        return _accepted(form, changed(form, folder, number), number)
    except UnreadableFile as refusal:
        assert_in_words(str(refusal))
        return None
    except Exception as error:
        error.add_note(f"round {number} of {form.sample}")
        raise


def changed(form: Format, folder: Path, number: int) -> Path:
    """The sample as one round changes it, with the files beside it that its source names."""
    sample = TESTS / form.sample
    for option in form.side_files:
        beside = sample.with_name(form.sample_source["options"][option])
        shutil.copyfile(beside, folder / beside.name)
    path = folder / sample.name
    path.write_bytes(_changed(sample, Random(f"{form.name} {number}"), number))
    return path


def assert_in_words(refusal: str) -> None:
    assert re.search(r". Expected .+; got .+\. \S", refusal, re.DOTALL), refusal
    assert "Traceback" not in refusal
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", refusal), refusal
    assert len(refusal) < 5_000, refusal[:1_000]


def assert_finite(rows: pl.DataFrame) -> None:
    infinite = rows.select((~pl.col(pl.Float64, pl.Float32).fill_null(0).is_finite()).any())
    assert not any(infinite.row(0)) if infinite.width else True, infinite


def _accepted(form: Format, path: Path, number: int) -> pl.DataFrame | None:
    read = import_module(f"suanheng.flows.sources.{form.name}").read
    accepted = []
    for chunk in read(path, form.sample_source.get("options", {})):
        checked = check(chunk, form.contract, form.sample_source.get("time_zone"))
        assert checked.accepted.height + checked.rejected.height == chunk.rows.height + len(chunk.unreadable)
        assert checked.rejected["message"].str.len_chars().min() != 0
        assert_finite(checked.accepted)
        accepted.append(checked.accepted)
    if not accepted:
        return None
    place = {"site_id": "site-a", "file_id": f"{number:064}", "evidence_class": "measured"}
    return pl.concat(accepted).with_columns(**{column: pl.lit(value) for column, value in place.items()})


def _changed(sample: Path, chance: Random, number: int) -> bytes:
    """Even rounds change what the file says, odd ones its bytes."""
    content = sample.read_bytes()
    if number % 2:
        return _DAMAGES[number // 2 % len(_DAMAGES)](content, chance)
    if sample.suffix == ".xlsx":
        return _other_cells(content, chance)
    text = content.decode()
    return _rewriting(sample, text, chance)(text, chance).encode("utf-8", "surrogatepass")


def _rewriting(sample: Path, text: str, chance: Random) -> Callable[[str, Random], str]:
    """How the text of a sample is changed: mostly by its own rules, so that readers get to see the values."""
    if chance.random() < 0.1:
        return _other_words
    if "|" in text.split("\n", maxsplit=1)[0]:
        return _other_bars
    if ":::MLLOG {" in text:
        return _other_messages
    by_ending = {".json": _other_json, ".jsonl": _other_json_lines, ".csv": _other_table, ".xml": _other_elements}
    return by_ending.get(sample.suffix, _other_words)


def _cut_off(content: bytes, chance: Random) -> bytes:
    return content[: chance.randrange(len(content))]


def _noise(content: bytes, chance: Random) -> bytes:
    noisy = bytearray(content)
    for _ in range(chance.randint(1, 8)):
        noisy[chance.randrange(len(noisy))] = chance.randrange(256)
    return bytes(noisy)


def _in_gbk(content: bytes, chance: Random) -> bytes:
    at = chance.randrange(len(content))
    return content[:at] + "中心二号".encode("gbk") + content[at:]


def _other_line_ends(content: bytes, chance: Random) -> bytes:
    return content.replace(b"\n", chance.choice([b"\r\n", b"\r", b"\n\n", b"\n \n"]))


def _byte_order_mark(content: bytes, chance: Random) -> bytes:
    return chance.choice([b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"]) + content


def _nothing(content: bytes, chance: Random) -> bytes:
    return chance.choice([b"", b"\n", b" ", b"\xef\xbb\xbf", b"\0" * 100, b"\x1f\x8b", b"{}", b"[]", b"null", b"0"])


def _lines_in_disorder(content: bytes, chance: Random) -> bytes:
    lines = content.split(b"\n")
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(lines))
        lines[at : at + 1] = chance.choice([[], [lines[at]] * 2, [chance.choice(lines)], [b""], [lines[at][:-3]]])
    return b"\n".join(lines)


def _of_another_kind(content: bytes, chance: Random) -> bytes:
    other = chance.choice([form.sample for form in formats().values()])
    return (TESTS / other).read_bytes()


def _deeply_nested(content: bytes, chance: Random) -> bytes:
    return chance.choice([b"[" * 100_000, b'{"a":' * 100_000, b"<a>" * 10_000, b'[{"a":' * 500 + b"1" + b"}]" * 500])


_DAMAGES: tuple[Callable[[bytes, Random], bytes], ...] = (
    *(_cut_off, _noise, _in_gbk, _other_line_ends, _byte_order_mark, _nothing),
    *(_lines_in_disorder, _of_another_kind, _deeply_nested, _cut_off, _noise, _lines_in_disorder),
)


def _other_table(text: str, chance: Random, separator: str = ",") -> str:
    rows = list(csv.reader(io.StringIO(text), delimiter=separator))
    _TABLE_CHANGES[chance.randrange(len(_TABLE_CHANGES))](rows, chance)
    out = io.StringIO()
    csv.writer(out, delimiter=separator, lineterminator="\n").writerows(rows)
    return out.getvalue()


def _other_bars(text: str, chance: Random) -> str:
    return _other_table(text, chance, "|")


def _swap_columns(rows: list[list[str]], chance: Random) -> None:
    one, other = chance.choices(range(max(map(len, rows))), k=2)
    for row in rows:
        if max(one, other) < len(row):
            row[one], row[other] = row[other], row[one]


def _swap_values(rows: list[list[str]], chance: Random) -> None:
    header, rows[:] = rows[0], rows[1:]
    _swap_columns(rows or [header], chance)
    rows.insert(0, header)


def _remove_column(rows: list[list[str]], chance: Random) -> None:
    gone = chance.randrange(max(map(len, rows)))
    for row in rows:
        del row[gone : gone + 1]


def _other_column(rows: list[list[str]], chance: Random) -> None:
    at, text = chance.randrange(max(map(len, rows))), chance.choice(TEXTS)
    for row in rows[1:]:
        row[at : at + 1] = [text]


def _rows_with_one_other_cell(rows: list[list[str]], chance: Random) -> None:
    model = chance.choice([row for row in rows if len(row) == max(map(len, rows))])
    for at in range(len(model)):
        for text in chance.sample(TEXTS, 4):
            rows.append([*model[:at], text, *model[at + 1 :]])


_TABLE_CHANGES = (
    *(_rows_with_one_other_cell, _rows_with_one_other_cell, _rows_with_one_other_cell),
    *(_swap_columns, _swap_values, _remove_column, _other_column),
)


def _other_json(text: str, chance: Random) -> str:
    document = json.loads(text)
    lists = [each for _, each in _insides(document) if isinstance(each, list) and each]
    if lists and chance.random() < 0.6:
        models = chance.choice(lists)
        models.extend(_with_another_value(chance.choice(models), chance) for _ in range(30))
        return json.dumps(document)
    for _ in range(chance.randint(1, 3)):
        document = _with_another_value(document, chance)
    return json.dumps(document)


def _other_json_lines(text: str, chance: Random) -> str:
    lines = text.splitlines()
    more = [json.dumps(_with_another_value(json.loads(chance.choice(lines)), chance)) for _ in range(30)]
    return "\n".join([*lines, *more])


def _other_messages(text: str, chance: Random) -> str:
    """A log in which the JSON after the mark of some lines says something else."""
    lines = text.split("\n")
    for at in chance.sample(range(len(lines)), len(lines) // 2):
        before, brace, message = lines[at].partition("{")
        if brace and message.endswith("}"):
            lines[at] = before + json.dumps(_with_another_value(json.loads(brace + message), chance))
    return "\n".join(lines)


def _other_elements(text: str, chance: Random) -> str:
    """XML in which some elements or attributes hold another text."""
    places = list(re.finditer(r"(?<=>)[^<>\s][^<>]*(?=<)|(?<==\")[^\"]*(?=\")", text))
    for place in sorted(chance.sample(places, min(len(places), chance.randint(1, 6))), key=lambda at: -at.start()):
        text = text[: place.start()] + escape(chance.choice(TEXTS), {'"': "&quot;"}) + text[place.end() :]
    return text


def _with_another_value(document: Any, chance: Random) -> Any:
    """A copy of a JSON document in which one value is another, or missing."""
    copy = json.loads(json.dumps(document))
    places = [(keys, inside) for keys, inside in _insides(copy) if isinstance(inside, dict | list) and inside]
    if not places or chance.random() < 0.05:
        return chance.choice(VALUES)
    _, place = chance.choice(places)
    key = chance.choice(list(place) if isinstance(place, dict) else range(len(place)))
    if chance.random() < 0.15:
        del place[key]
    else:
        place[key] = chance.choice([*VALUES, [place[key]], {"a": place[key]}, str(place[key])])
    return copy


def _insides(document: Any, keys: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    yield keys, document
    below = (
        document.items() if isinstance(document, dict) else enumerate(document if isinstance(document, list) else [])
    )
    for key, value in below:
        yield from _insides(value, (*keys, key))


def _other_words(text: str, chance: Random) -> str:
    """Text in which some words or numbers are others."""
    words = list(re.finditer(r"[\w.+-]+", text))
    for word in sorted(chance.sample(words, min(len(words), chance.randint(1, 4))), key=lambda word: -word.start()):
        text = text[: word.start()] + chance.choice(TEXTS) + text[word.end() :]
    return text


def _other_cells(content: bytes, chance: Random) -> bytes:
    workbook = openpyxl.load_workbook(io.BytesIO(content))
    cells = [cell for sheet in workbook for row in sheet.iter_rows() for cell in row if cell.value is not None]
    for cell in chance.sample(cells, min(len(cells), 8)):
        text = chance.choice(TEXTS)
        cell.value = openpyxl.cell.cell.ILLEGAL_CHARACTERS_RE.sub("", text)[:32_000]
    out = io.BytesIO()
    workbook.save(out)
    return out.getvalue()


# What hostile samples have brought to light


def altered(sample: str, folder: Path, *changes: tuple[str, str]) -> Path:
    """A copy of a sample in which some words are others."""
    text = (TESTS / "data" / sample).read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    (folder / sample).write_text(text, encoding="utf-8")
    return folder / sample


def test_a_count_whose_product_is_no_whole_number_in_sql_is_quarantined(gated, tmp_path) -> None:
    path = altered("asset_register_chinese.csv", tmp_path, ("AS-8000,2,", "AS-8000,9223372036854775807,"))
    _, rejected = gated("asset_register", path)
    assert "9223372036854775807" in rejected["value"].to_list()


@pytest.mark.parametrize("resource", ["gres/gpu=8", "gres/gpu:a100=8", "cpu=64"])
def test_resources_in_billions_are_quarantined(gated, tmp_path, resource) -> None:
    beyond = resource.split("=")[0] + "=" + "9" * 20
    path = altered("sacct_spellings.txt", tmp_path, (f",{resource}", f",{beyond}"))
    _, rejected = gated("sacct", path, time_zone="Asia/Shanghai")
    assert rejected.filter(row_number=1)["rule"].item() == "resources_are_countable"


@pytest.mark.parametrize("count", [-1, None, "many", 10**20])
def test_a_count_of_accelerators_that_is_no_number_is_neither_zero_nor_a_crash(gated, tmp_path, count) -> None:
    document = json.loads((TESTS / "data" / "sacct_json_wrapped_numbers.json").read_text(encoding="utf-8"))
    for named in ("gpu", "gpu:a100", "npu:910b3"):
        resource = {"type": "gres", "name": named, "count": count}
        document["jobs"].append({**document["jobs"][0], "tres": {"allocated": [resource]}})
    path = tmp_path / "jobs.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    _, rejected = gated("sacct_json", path)
    assert rejected["rule"].to_list().count("resources_are_countable") == 3


def test_a_run_of_endless_days_is_quarantined(gated, tmp_path) -> None:
    path = altered("sacct_spellings.txt", tmp_path, ("|1-01:30:00|", "|" + "9" * 30 + "-01:30:00|"))
    _, rejected = gated("sacct", path, time_zone="Asia/Shanghai")
    assert rejected.filter(row_number=1)["column_name"].item() == "elapsed"


def test_a_run_longer_than_a_century_is_quarantined(gated, tmp_path) -> None:
    path = altered("codecarbon_defaults.csv", tmp_path, ("3600.0", "1e300"))
    _, rejected = gated("codecarbon", path, {"cluster": "tern"}, "Asia/Shanghai")
    assert rejected["column_name"].to_list() == ["duration"]


def test_dimensions_of_a_model_do_not_burst_whole_numbers(gated, feed, tmp_path) -> None:
    changes = [('"layers": 12', '"layers": 1000000000'), ('"attention_heads": 12', '"attention_heads": 1000000000')]
    path = altered("run_report_two_conventions.jsonl", tmp_path, *changes)
    accepted, _ = gated("run_report", path)
    runs = feed("run_report", "workload_runs", accepted)
    # By hand: 12 L H Q T = 12 x 1e18 x 64 x 1024 per token, beside which 6 N vanishes, for 16e9 tokens.
    assert runs.filter(job_id="palm")["model_pflop"].item() == pytest.approx(12e18 * 64 * 1024 * 16e9 / 1e15)


def test_a_day_after_the_last_of_the_calendar_is_quarantined_and_not_a_crash() -> None:
    day = pl.Series("service_end", ["9999-12-31"]).str.to_date().dt.offset_by("1d")
    bill = pl.DataFrame({"row_number": [1], "meter_id": ["m"], "service_start": ["2023-01-01"]}).with_columns(day)
    checked = check(Chunk(bill), template("utility_bills").contract)
    assert checked.accepted.is_empty()
    # By its number, as no calendar has it: 9999-12-31 is day 2,932,896 since 1970.
    assert (checked.rejected["column_name"].item(), "2932897" in checked.rejected["value"].item()) == (
        "service_end",
        True,
    )


def test_a_bill_without_end_is_no_crash(gated, tmp_path) -> None:
    path = tmp_path / "meters.csv"
    shutil.copyfile(TESTS / "data" / "portfolio_manager_inclusive.csv", path)
    text = re.sub(
        r"(,\d\d?/\d\d?/2\d{3}),\d\d?/\d\d?/2\d{3},", r"\1,12/31/9999,", path.read_text(encoding="utf-8"), count=1
    )
    path.write_text(text, encoding="utf-8")
    assert "9999" in text
    accepted, rejected = gated("portfolio_manager", path)
    assert accepted.height + rejected.height > 0


def test_an_archive_with_a_broken_directory_is_refused_as_a_workbook(tmp_path) -> None:
    sample = "portfolio_manager_template_it_energy.xlsx"
    (tmp_path / sample).write_bytes((TESTS / "data" / sample).read_bytes().replace(b"PK\x01\x02", b"PK\x01\x00", 1))
    with pytest.raises(UnreadableFile, match="cannot be opened as a workbook"):
        list(import_module("suanheng.flows.sources.portfolio_manager_template").read(tmp_path / sample, {}))


def test_a_reference_that_is_a_list_is_no_crash(gated, tmp_path) -> None:
    document = json.loads((TESTS / "data" / "cyclonedx_server.json").read_text(encoding="utf-8"))
    document["dependencies"] = [{"ref": ["x"]}, {"ref": {"a": 1}}]
    path = tmp_path / "server.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    accepted, _ = gated("cyclonedx", path)
    assert accepted["name"].to_list() == ["GPU tray", "X100", "M3", "bmc", "zlib"]


@pytest.mark.parametrize("custom_fields", ["soon", [1], 7])
def test_custom_fields_that_are_no_object_hold_nothing(gated, tmp_path, custom_fields) -> None:
    document = json.loads((TESTS / "data" / "netbox_devices.json").read_text(encoding="utf-8"))
    document["results"][0]["custom_fields"] = custom_fields
    path = tmp_path / "netbox.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    accepted, rejected = gated("netbox", path, {"fields": {"in_service_from": "commissioned"}})
    assert accepted.height + rejected.height == len(document["results"])


@pytest.mark.parametrize(("form", "sample"), [("on_premise_csv", "on_premise_csv_machines.csv")])
def test_a_cell_longer_than_a_csv_reader_takes_is_quarantined(gated, tmp_path, form, sample) -> None:
    path = altered(sample, tmp_path, ("Own CPU 32C", "x" * 140_000))
    _, rejected = gated(form, path)
    assert rejected.filter(row_number=2)["rule"].item() == "quoting"


def test_a_key_that_is_an_object_is_the_key_of_nothing(gated, tmp_path) -> None:
    changes = [('"key": "seed"', '"key": {"a": null}')]
    path = altered("mlperf_training_log_success.txt", tmp_path, *changes)
    accepted, _ = gated("mlperf_training_log", path, {"system_name": "rack-1"})
    assert accepted["seed"].to_list() == [None]


def test_a_refusal_does_not_repeat_the_whole_file(tmp_path) -> None:
    path = tmp_path / "top500.csv"
    path.write_bytes(b"<a>" * 10_000)
    with pytest.raises(UnreadableFile) as refusal:
        list(import_module("suanheng.flows.sources.top500").read(path, {"list_date": "2023-11-01"}))
    assert_in_words(str(refusal.value))
