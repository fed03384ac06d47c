"""pulls.toml: what it must say, and that no secret may stand in it."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from suanheng.config.errors import BadSettings
from suanheng.config.pulls import Pull, read_pulls
from suanheng.flows.landing.pull import windows_to_ask
from suanheng.transforms.definitions.reference import PACKAGED

WHOLE = {
    "name": '"dcgm"',
    "site": '"site-a"',
    "url": '"http://prometheus.example:9090/"',
    "exporter": '"dcgm"',
    "step": '"30s"',
    "window": '"6h"',
    "start": "2024-06-01",
}


def read(folder: Path, **changes: str | None) -> list[Pull]:
    """The pulls of a file with one entry; ``None`` leaves a key out."""
    entry = {key: value for key, value in {**WHOLE, **changes}.items() if value is not None}
    path = folder / "pulls.toml"
    path.write_text("[[pull]]\n" + "\n".join(f"{key} = {value}" for key, value in entry.items()), encoding="utf-8")
    return read_pulls(path)


def test_without_a_file_there_is_nothing_to_pull(tmp_path):
    assert read_pulls(tmp_path / "pulls.toml") == []


def test_a_pull_says_all_that_is_needed(tmp_path):
    (order,) = read(tmp_path, lookback='"2h"', token='"env:TOKEN"')
    assert (order.url, order.step, order.window) == (
        "http://prometheus.example:9090",
        timedelta(seconds=30),
        timedelta(hours=6),
    )
    assert (order.start, order.lookback) == (datetime(2024, 6, 1, tzinfo=UTC), timedelta(hours=2))
    assert order.folder == tmp_path / "landing" / "site-a" / "dcgm"
    assert (order.token, order.user) == ("env:TOKEN", None)


def test_a_start_with_an_offset_is_that_moment(tmp_path):
    (order,) = read(tmp_path, start="2024-06-01T00:00:00+08:00")
    assert order.start == datetime(2024, 5, 31, 16, tzinfo=UTC)
    # The window that holds it, from 12:00 to 18:00, is the first.
    assert windows_to_ask(order, datetime(2024, 6, 1, tzinfo=UTC))[0].start == datetime(2024, 5, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"name": None}, "name: expected the key name, but got nothing"),
        ({"name": '"../etc"'}, r'name: expected small letters, .*, but got "\.\./etc"'),
        ({"site": '"Site A"'}, 'site: expected small letters, .*, but got "Site A"'),
        ({"url": '"prometheus:9090"'}, "url: expected an address"),
        ({"url": '"ftp://prometheus"'}, "url: expected an address"),
        ({"exporter": None}, "query: expected either exporter or query, but got neither"),
        ({"query": '"up"'}, "query: expected either exporter or query, but got both"),
        ({"exporter": '"dgcm"'}, r"exporter: expected .*nvidia_gpu_exporter.*, but got \"dgcm\"; did you mean dcgm\?"),
        ({"step": '"30"'}, 'step: expected a whole number and s, m, h or d, but got "30"'),
        ({"step": "30"}, "step: expected a whole number and s, m, h or d, but got 30"),
        ({"step": '"0s"'}, "step: expected more than nothing"),
        ({"timeout": '"0s"'}, "timeout: expected more than nothing"),
        # 100 s are 3 1/3 steps of 30 s.
        ({"window": '"100s"'}, "window: expected a whole number of steps.*, but got 3.33333 steps of 30 s"),
        # 30 s x 11,000 are 91 h 40 min; four days are more.
        ({"window": '"4d"'}, "window: .*at most 11000 .*, but got 11520 steps"),
        ({"start": None}, "start: expected the key start"),
        ({"start": "2024-06-01T00:00:00"}, "start: expected a day, or a time with an offset"),
        ({"start": '"2024-06-01"'}, "start: expected a day, .*without quotes"),
        ({"end": "2024-06-01"}, "end: expected a day or time after start"),
        ({"user": '"alice"'}, "password: expected user and password, or none of them, but got no password"),
        ({"password": '"env:B"'}, "password: expected user and password, or none of them, but got no user"),
        ({"token": '"env:A"', "user": '"a"', "password": '"env:B"'}, "user: expected one way to authenticate"),
        ({"landing": "3"}, "landing: expected a path"),
        ({"retries": "3"}, "retries: expected one of the keys ca_file, .*, but got retries; remove it"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path, changes, reason):
    with pytest.raises(BadSettings, match=rf"pulls\.toml, line \d+, \[\[pull\]\] number 1, {reason}") as refused:
        read(tmp_path, **changes)
    assert len(refused.value.faults) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"token": '"eyJhbGciOi"'},
        {"token": '["eyJhbGciOi"]'},
        {"url": '"alice:eyJhbGciOi@prometheus.example"'},
        {"user": '"alice"', "password": '"eyJhbGciOi"'},
        {"url": '"http://alice:eyJhbGciOi@prometheus.example"'},
        {"url": '"http://prometheus.example/?token=eyJhbGciOi"'},
        {"bearer_token": '"eyJhbGciOi"'},
    ],
)
def test_a_secret_in_the_file_is_refused_and_not_repeated(tmp_path, changes):
    with pytest.raises(BadSettings) as refused:
        read(tmp_path, **changes)
    assert "eyJhbGciOi" not in str(refused.value)
    if "bearer_token" not in changes:
        assert "env:NAME" in str(refused.value)


PAGE = (Path(__file__).parents[2] / "docs" / "prometheus.md").read_text(encoding="utf-8")


def test_the_page_shows_a_pull_that_can_be_read(tmp_path):
    shown = re.search(r"```toml\n(\[\[pull\]\].*?)```", PAGE, re.DOTALL)
    assert shown is not None
    (tmp_path / "pulls.toml").write_text(shown[1], encoding="utf-8")
    (order,) = read_pulls(tmp_path / "pulls.toml")
    assert order.name == "gpus"


def test_the_page_names_every_key_and_every_exporter():
    section = PAGE.split("## pulls.toml")[1].split("## Credentials")[0]
    keys = {key for row in re.findall(r"^\| (`.+?) \|", section, re.MULTILINE) for key in re.findall(r"`(\w+)`", row)}
    assert keys == {field.alias or name for name, field in Pull.model_fields.items()}
    mapped = pl.read_csv(PACKAGED / "metric_mappings.csv", infer_schema=False).drop_nulls("dataset")
    named = re.findall(r"^\| `(\w+)` \| (?:accelerator samples|facility readings)", PAGE, re.MULTILINE)
    assert set(named) == set(mapped["exporter"])


def test_two_pulls_do_not_share_a_name_or_a_folder(tmp_path):
    read(tmp_path)
    path = tmp_path / "pulls.toml"
    entry = path.read_text()
    path.write_text(entry + "\n" + entry)
    with pytest.raises(BadSettings, match=r'line 10, .* number 2, name: .*once, but got "dcgm" again'):
        read_pulls(path)
    path.write_text(entry + "\n" + entry.replace('name = "dcgm"', 'name = "other"\nlanding = "landing/site-a/dcgm"'))
    with pytest.raises(BadSettings, match="number 2, landing: expected every folder once"):
        read_pulls(path)


def test_windows_are_over_and_begin_at_multiples_of_their_length(tmp_path):
    (order,) = read(tmp_path)
    now = datetime(2024, 6, 2, 5, 59, 59, tzinfo=UTC)
    windows = windows_to_ask(order, now)
    assert [window.name for window in windows][-1] == "20240601T180000Z_20240602T000000Z"
    assert len(windows) == 4
    assert windows_to_ask(order, datetime(2024, 6, 1, 6, tzinfo=UTC))[0].end == datetime(2024, 6, 1, 6, tzinfo=UTC)


def test_nothing_is_asked_for_from_the_end_on(tmp_path):
    (order,) = read(tmp_path, end="2024-06-02")
    windows = windows_to_ask(order, datetime(2024, 7, 1, tzinfo=UTC))
    assert [window.name for window in windows][-1] == "20240601T180000Z_20240602T000000Z"


def test_another_length_of_windows_goes_on_where_the_old_one_ended(tmp_path):
    (order,) = read(tmp_path)
    order.folder.mkdir(parents=True)
    for window in windows_to_ask(order, datetime(2024, 6, 2, tzinfo=UTC)):
        (order.folder / f"{window.name}.json.gz").write_bytes(b"")
    (shorter,) = read(tmp_path, window='"1h"')
    starts = [window.start for window in windows_to_ask(shorter, datetime(2024, 6, 2, 2, tzinfo=UTC))]
    assert starts == [datetime(2024, 6, 2, hour, tzinfo=UTC) for hour in (0, 1)]
