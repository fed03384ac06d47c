"""Pulls from a real Prometheus server: windows and their seams, what comes late, what breaks, who may ask."""

import gzip
import json
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from suanheng.config.errors import BadSettings
from suanheng.flows import night
from suanheng.flows.landing.pull import ATTEMPTS, Refused, pull, windows_to_ask
from suanheng.flows.orchestration.steps import Steps
from suanheng.warehouse.errors import Unavailable
from suanheng.warehouse.lake import reading

JUNE = datetime(2024, 6, 1, tzinfo=UTC)
STEP_S = 30
DAYS = 4
POINTS = DAYS * 86_400 // STEP_S
POWER = "DCGM_FI_DEV_POWER_USAGE"
ENERGY = "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION"


def at(**after) -> datetime:
    """A moment after the beginning of June."""
    return JUNE + timedelta(**after)


def no_pause(seconds: float) -> None:
    """Do not wait."""


def history(metric: str, values, device: str = "GPU-a", every_s: int = STEP_S, begin: datetime = JUNE) -> str:
    """Samples of one device in OpenMetrics."""
    first = int(begin.timestamp())
    label = f'UUID="{device}",Hostname="node-1",modelName="Own 80GB"'
    return "".join(f"{metric}{{{label}}} {value} {first + every_s * i}\n" for i, value in enumerate(values))


@pytest.fixture(scope="module")
def exposition():
    """An exporter on loopback: one gauge that counts how often it was scraped."""
    registry = CollectorRegistry()
    scrapes = Gauge("DCGM_FI_DEV_SM_CLOCK", "Clock.", ["UUID"], registry=registry)

    class Exporter(BaseHTTPRequestHandler):
        def do_GET(self):
            scrapes.labels("GPU-live").inc()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(generate_latest(registry))

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Exporter)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def server(new_server, exposition):
    """A server with four days of two devices, a sample every 30 s, and a live scrape every second."""
    made = new_server(
        config="global: {scrape_interval: 1s}\nscrape_configs: [{job_name: live, static_configs: "
        f"[{{targets: ['{exposition}']}}]}}]\n"
    )
    made.fill(
        history(POWER, (300 + i % 97 for i in range(POINTS)))
        + history(POWER, ("NaN" if i % 10 == 0 else 200 for i in range(POINTS)), "GPU-b")
    )
    made.start()
    return made


def points_of(files: dict[str, bytes]) -> list[tuple]:
    """Every point of the answers among some files: series, time, value."""
    return sorted(
        (json.dumps(series["metric"], sort_keys=True), *point)
        for name, content in files.items()
        if not name.endswith(".empty")
        for series in json.loads(gzip.decompress(content))["data"]["result"]
        for point in series["values"]
    )


def ask(server, query: str, start: datetime, end: datetime, step_s: int) -> httpx.Response:
    """Ask the server itself."""
    form = {"query": query, "start": start.timestamp(), "end": end.timestamp(), "step": step_s}
    return httpx.post(f"{server.url}/api/v1/query_range", data=form, timeout=60, trust_env=False)


def test_p09_windows_put_together_equal_one_answer_without_windows(server, puller):
    dcgm = puller(server.url)
    pulled = pull(dcgm.order, dcgm.workspace, at(days=DAYS), no_pause)
    assert (pulled.new, len(dcgm.files())) == (DAYS * 4, DAYS * 4)
    end = at(days=DAYS) - timedelta(seconds=60)
    whole = ask(server, f'{{__name__="{POWER}"}}', JUNE, end, 60)
    # The reference: one query for all four days at 60 s, 5,760 points a series.
    reference = points_of({"whole": gzip.compress(whole.content)})
    assert len(reference) == 2 * DAYS * 86_400 // 60
    assert points_of(dcgm.files()) == reference
    assert pulled.values == len(reference)


def test_p09_more_points_than_a_server_answers_are_pulled_in_windows(server, puller):
    refused = ask(server, POWER, JUNE, at(days=DAYS) - timedelta(seconds=STEP_S), STEP_S)
    assert POINTS > 11_000
    assert (refused.status_code, "11,000 points" in refused.json()["error"]) == (400, True)
    dcgm = puller(server.url, step=f"{STEP_S}s", window="1d")
    pulled = pull(dcgm.order, dcgm.workspace, at(days=DAYS), no_pause)
    assert (pulled.new, pulled.values) == (DAYS, 2 * POINTS)
    assert len(points_of(dcgm.files())) == 2 * POINTS


def test_a_second_pull_has_nothing_to_ask(server, puller, gate_to):
    gate = gate_to(server.url)
    dcgm = puller(gate.url, window="1d")
    pull(dcgm.order, dcgm.workspace, at(days=2, hours=2), no_pause)
    files, asked = dcgm.files(), len(gate.requests)
    again = pull(dcgm.order, dcgm.workspace, at(days=2, hours=3), no_pause)
    assert asked == len(gate.requests) == 2
    assert (again.new, again.unchanged) == (0, 0)
    assert dcgm.files() == files


def test_a_window_is_asked_again_while_samples_may_come_late_and_gives_the_same_file(server, puller):
    dcgm = puller(server.url, window="1d", lookback="12h")
    pull(dcgm.order, dcgm.workspace, at(days=2, hours=2), no_pause)
    files = dcgm.files()
    # The first day is over by 26 h and settled, the second by 2 h and not; after 13 h it is, once it was asked again.
    assert [window.start for window in windows_to_ask(dcgm.order, at(days=2, hours=13))] == [at(days=1)]
    again = pull(dcgm.order, dcgm.workspace, at(days=2, hours=13), no_pause)
    assert (again.new, again.replaced, again.unchanged) == (0, 0, 1)
    assert dcgm.files() == files
    assert windows_to_ask(dcgm.order, at(days=2, hours=14)) == []


def test_late_samples_replace_the_file_of_their_window(new_server, puller):
    late = new_server()
    values = list(range(2 * 3600 // STEP_S))
    late.fill(history(POWER, values))
    late.start()
    dcgm = puller(late.url, window="1h", lookback="6h")
    pull(dcgm.order, dcgm.workspace, at(hours=2), no_pause)
    before = dcgm.files()
    late.kill()
    late.fill(history(POWER, [5] * 60, "GPU-late", begin=at(hours=1)))
    late.start()
    pulled = pull(dcgm.order, dcgm.workspace, at(hours=2, minutes=30), no_pause)
    after = dcgm.files()
    assert (pulled.unchanged, pulled.replaced) == (1, 1)
    changed = [name for name in after if after[name] != before[name]]
    assert changed == ["20240601T010000Z_20240601T020000Z.json.gz"]
    # Samples from 01:00:00 to 01:29:30: points one minute apart from 01:00 to 01:30, which is the last one's.
    assert sum("GPU-late" in point[0] for point in points_of(after)) == 31
    late.kill()


def test_a_series_that_ends_is_not_carried_on(new_server, puller):
    ended = new_server()
    ended.fill(history(POWER, range(60), every_s=60))
    ended.start()
    # A plain selector gives five minutes more than there are samples: the last at 00:59, and its echo until 01:04.
    plain = ask(ended, POWER, JUNE, at(hours=2), 60).json()["data"]["result"][0]["values"]
    assert plain[-1][0] == at(hours=1, minutes=4).timestamp()
    # With a step of half the scrape interval a plain selector would also give each sample twice.
    dcgm = puller(ended.url, step="30s", window="1h")
    pulled = pull(dcgm.order, dcgm.workspace, at(hours=2), no_pause)
    assert (pulled.values, pulled.new, pulled.empty) == (60, 1, 1)
    assert [int(value) for _, _, value in points_of(dcgm.files())] == list(range(60))


def test_a_server_that_has_forgotten_does_not_take_the_copy_along(new_server, puller):
    full, forgetful = new_server(), new_server()
    full.fill(history(POWER, range(120)))
    forgetful.fill(history(POWER, range(60)))
    full.start()
    forgetful.start()
    dcgm = puller(full.url, window="1h", lookback="12h")
    pull(dcgm.order, dcgm.workspace, at(hours=1), no_pause)
    before = dcgm.files()
    dcgm = puller(forgetful.url, window="1h", lookback="12h")
    pulled = pull(dcgm.order, dcgm.workspace, at(hours=1, minutes=30), no_pause)
    assert (pulled.kept, pulled.replaced) == (1, 0)
    assert dcgm.files() == before


def test_a_window_without_samples_is_remembered_until_some_come(new_server, puller):
    sparse = new_server()
    sparse.fill(history(POWER, range(120), begin=at(hours=1)))
    sparse.start()
    dcgm = puller(sparse.url, window="1h", lookback="6h")
    pulled = pull(dcgm.order, dcgm.workspace, at(hours=2), no_pause)
    assert (pulled.empty, pulled.new) == (1, 1)
    assert list(dcgm.files()) == [
        "20240601T000000Z_20240601T010000Z.empty",
        "20240601T010000Z_20240601T020000Z.json.gz",
    ]
    sparse.kill()
    sparse.fill(history(POWER, range(120)))
    sparse.start()
    pull(dcgm.order, dcgm.workspace, at(hours=3), no_pause)
    assert "20240601T000000Z_20240601T010000Z.json.gz" in dcgm.files()
    assert not [name for name in dcgm.files() if name.startswith("20240601T00") and name.endswith(".empty")]


@pytest.fixture
def scraping(server) -> datetime:
    """The moment from which the server is known to scrape; it looks for targets some seconds after its start."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        now = datetime.now(UTC)
        if ask(server, "DCGM_FI_DEV_SM_CLOCK", now, now, 1).json()["data"]["result"]:
            return now
        time.sleep(0.2)
    raise TimeoutError("Prometheus scrapes nothing")


def begin_at(puller, begin: datetime) -> None:
    """Let a pull begin at a moment."""
    text = puller.workspace.pulls_file.read_text()
    puller.workspace.pulls_file.write_text(text.replace("2024-06-01", f"{begin:%Y-%m-%dT%H:%M:%SZ}"))


def end_at(puller, end: str) -> None:
    """Let a pull end at a moment."""
    with puller.workspace.pulls_file.open("a") as file:
        file.write(f"end = {end}\n")


@pytest.mark.long
def test_what_is_scraped_now_is_pulled_now(server, scraping, puller):
    live = puller(server.url, query='DCGM_FI_DEV_SM_CLOCK{UUID="GPU-live"}', step="1s", window="5s", lookback="0s")
    begin_at(live, scraping + timedelta(seconds=5))
    time.sleep(11)
    pulled = pull(live.order, live.workspace, datetime.now(UTC), no_pause)
    assert (pulled.new >= 1, pulled.empty) == (True, 0)
    values = [float(value) for _, _, value in points_of(live.files())]
    assert values == sorted(values)
    assert len(set(values)) >= 3
    assert pulled.unmapped == {}


def test_a_restart_in_mid_pull_is_waited_for(new_server, puller, gate_to):
    made = new_server()
    made.fill(history(POWER, range(720)))
    made.start()
    undisturbed = puller(made.url, window="1h")
    pull(undisturbed.order, undisturbed.workspace, at(hours=6), no_pause)

    def kill_at_third(number, handler):
        if number == 3:
            made.kill()
        return False

    waits = []

    def come_back(seconds):
        waits.append(seconds)
        if len(waits) == 2:
            made.start()

    gate = gate_to(made.url, kill_at_third)
    disturbed = puller(gate.url, "disturbed", window="1h")
    pulled = pull(disturbed.order, disturbed.workspace, at(hours=6), come_back)
    assert pulled.new == 6
    assert disturbed.files() == undisturbed.files()
    # Exponential backoff with jitter: 0.5 to 1 s, then 1 to 2 s.
    assert 0.5 <= waits[0] <= 1 <= waits[1] <= 2
    made.kill()


DIE_HERE = """
import sys
from datetime import datetime
from pathlib import Path
from suanheng.config.pulls import read_pulls
from suanheng.config.workspace import open_workspace
from suanheng.flows.landing.pull import pull
workspace = open_workspace(Path(sys.argv[1]))
pull(read_pulls(workspace.pulls_file)[0], workspace, datetime.fromisoformat(sys.argv[2]))
"""


def test_a_pull_that_was_killed_goes_on_where_it_was(server, puller, gate_to):
    undisturbed = puller(server.url)
    pull(undisturbed.order, undisturbed.workspace, at(days=1), no_pause)
    held = threading.Event()

    def hold_third(number, handler):
        if number == 3:
            # Half an answer, and then nothing: the process dies with a file half written.
            handler.send_response(200)
            handler.send_header("Content-Length", "100000")
            handler.end_headers()
            handler.wfile.write(b'{"status":"success","data":{')
            held.set()
            time.sleep(30)
        return number == 3

    gate = gate_to(server.url, hold_third)
    killed = puller(gate.url, "killed")
    command = [sys.executable, "-c", DIE_HERE, str(killed.workspace.root), at(days=1).isoformat()]
    process = subprocess.Popen(command)
    assert held.wait(60)
    deadline = time.monotonic() + 30
    while len(killed.files()) < 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert [name for name in killed.files() if name.endswith(".part")] == [
        "20240601T120000Z_20240601T180000Z.json.gz.part"
    ]

    gate.misbehave = None
    pulled = pull(killed.order, killed.workspace, at(days=1), no_pause)
    assert pulled.new == 2
    assert killed.files() == undisturbed.files()


def test_basic_authentication_of_a_server(new_server, puller, monkeypatch, tmp_path):
    # The hash of "test", from Prometheus' guide on basic authentication.
    web = tmp_path / "web.yml"
    web.write_text("basic_auth_users:\n  alice: $2b$12$hNf2lSsxfm0.i4a.1kVpSOVyBCfIB51VRjgBUyv6kdnyTlgWj81Ay\n")
    closed = new_server(f"--web.config.file={web}")
    closed.fill(history(POWER, range(120)))
    closed.start()
    dcgm = puller(closed.url, window="1h", user="alice", password="env:PULL_PASSWORD")
    with pytest.raises(Refused, match="PULL_PASSWORD is not set"):
        pull(dcgm.order, dcgm.workspace, at(hours=1), no_pause)
    monkeypatch.setenv("PULL_PASSWORD", "a-wrong-one")
    with pytest.raises(Refused, match=r"status 401.*It wants credentials") as refused:
        pull(dcgm.order, dcgm.workspace, at(hours=1), no_pause)
    assert "a-wrong-one" not in str(refused.value)
    monkeypatch.setenv("PULL_PASSWORD", "test\n")
    assert pull(dcgm.order, dcgm.workspace, at(hours=1), no_pause).values == 60
    assert not any(b"test" in content for content in dcgm.files().values())


def test_a_bearer_token_is_sent_to_the_server(server, puller, gate_to, monkeypatch):
    monkeypatch.setenv("PULL_TOKEN", "s3cret")
    gate = gate_to(server.url, lambda number, handler: handler.headers["Authorization"] != "Bearer s3cret")
    dcgm = puller(gate.url, token="env:PULL_TOKEN")
    assert pull(dcgm.order, dcgm.workspace, at(hours=6), no_pause).new == 1


def test_credentials_do_not_follow_a_redirect(server, puller, gate_to, monkeypatch):
    monkeypatch.setenv("PULL_TOKEN", "s3cret")
    elsewhere = gate_to(server.url)

    def redirect(number, handler):
        handler.answer(307, Location=f"{elsewhere.url}/api/v1/query_range")
        return True

    dcgm = puller(gate_to(server.url, redirect).url, token="env:PULL_TOKEN")
    with pytest.raises(Refused, match="credentials go nowhere but to url"):
        pull(dcgm.order, dcgm.workspace, at(hours=6), no_pause)
    assert elsewhere.requests == []


def test_neither_proxy_nor_netrc_of_the_environment_is_used(server, puller, gate_to, monkeypatch, tmp_path):
    proxy = gate_to(server.url)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.url)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password else\n")
    direct = gate_to(server.url)
    dcgm = puller(direct.url)
    pull(dcgm.order, dcgm.workspace, at(hours=6), no_pause)
    assert proxy.requests == []
    assert "Authorization" not in direct.requests[0]


def test_a_wrong_query_says_what_the_server_says_and_is_not_asked_twice(server, puller, gate_to):
    gate = gate_to(server.url)
    wrong = puller(gate.url, query="sum(")
    with pytest.raises(Refused, match=r"status 400: .*parse error.*repair match or query"):
        pull(wrong.order, wrong.workspace, at(hours=6), no_pause)
    assert len(gate.requests) == 1


def test_a_wrong_path_says_so(server, puller):
    dcgm = puller(f"{server.url}/select/0/prometheus")
    with pytest.raises(Refused, match=r"status 404.*check url"):
        pull(dcgm.order, dcgm.workspace, at(hours=6), no_pause)


def test_an_answer_that_is_too_large_for_the_server_says_so(new_server, puller):
    small = new_server("--query.max-samples=100")
    small.fill(history(POWER, range(720)))
    small.start()
    dcgm = puller(small.url)
    with pytest.raises(Refused, match=r"status 422.*too many samples.*make window smaller"):
        pull(dcgm.order, dcgm.workspace, at(hours=6), no_pause)


PARTIAL = b'{"status":"success","data":{"resultType":"matrix","result":[]},"warnings":["store 10.0.0.9 is down"]}'


@pytest.mark.parametrize(
    ("misbehaviour", "reason"),
    [
        (lambda handler: handler.answer(503, b'{"status":"error","error":"query timed out"}'), "503: query timed out"),
        (lambda handler: handler.answer(429, b"slow down", Retry_After="7"), "429: slow down"),
        (lambda handler: handler.cut(), "RemoteProtocolError"),
        (lambda handler: handler.answer(200, b'{"status":"success","data":{"resultType":"matr'), "beginning of it"),
        (lambda handler: handler.answer(200, b"<html>Log in</html>"), "no JSON"),
        (lambda handler: handler.answer(200, PARTIAL), "partial answer.*store 10.0.0.9 is down"),
    ],
    ids=["unavailable", "too many requests", "cut", "half an answer", "another page", "partial"],
)
def test_what_may_pass_is_asked_again_a_few_times_and_then_named(server, puller, gate_to, misbehaviour, reason):
    def misbehave(number, handler):
        if number <= trouble:
            misbehaviour(handler)
        return number <= trouble

    waits = []
    trouble = 2
    dcgm = puller(gate_to(server.url, misbehave).url)
    assert pull(dcgm.order, dcgm.workspace, at(hours=6), waits.append).new == 1
    assert len(waits) == 2
    assert min(waits) >= (7 if "429" in reason else 0.5)

    trouble = 100
    hopeless = puller(gate_to(server.url, misbehave).url, "hopeless")
    with pytest.raises(Unavailable, match=rf"(?s){reason}.*Asked {ATTEMPTS} times"):
        pull(hopeless.order, hopeless.workspace, at(hours=6), no_pause)
    assert [name for name in hopeless.files() if not name.endswith(".part")] == []


def test_an_answer_that_reaches_beyond_its_window_is_not_laid_down(server, puller, gate_to):
    # As VictoriaMetrics does without nocache=1: it moves the end to where its cache likes it.
    outside = {"metric": {"__name__": POWER}, "values": [[at(hours=6).timestamp(), "1"]]}
    body = json.dumps({"status": "success", "data": {"resultType": "matrix", "result": [outside]}}).encode()

    def shifted(number, handler):
        handler.answer(200, body)
        return True

    dcgm = puller(gate_to(server.url, shifted).url)
    with pytest.raises(Refused, match="reaches to 2024-06-01 06:00:00"):
        pull(dcgm.order, dcgm.workspace, at(hours=6), no_pause)


def test_an_answer_that_differs_only_in_what_it_says_of_itself_is_the_same(server, puller, gate_to):
    def with_statistics(number, handler):
        values = [[at(minutes=minute).timestamp(), "1"] for minute in range(60)]
        result = [{"metric": {"__name__": POWER, "UUID": "GPU-a"}, "values": values}]
        answer = {"status": "success", "data": {"resultType": "matrix", "result": result}, "stats": {"took": number}}
        handler.answer(200, json.dumps(answer).encode())
        return True

    dcgm = puller(gate_to(server.url, with_statistics).url, window="1h", lookback="12h")
    pull(dcgm.order, dcgm.workspace, at(hours=1), no_pause)
    before = dcgm.files()
    again = pull(dcgm.order, dcgm.workspace, at(hours=1, minutes=30), no_pause)
    assert (again.unchanged, again.replaced) == (1, 0)
    assert dcgm.files() == before


def test_an_exporter_nobody_mapped_is_named(server, puller):
    dcgm = puller(server.url)
    # Whoever reads pulls.toml is stated before; here the last usable mapping went after it was read.
    order = dcgm.order.model_copy(update={"exporter": "dcgn"})
    with pytest.raises(
        BadSettings, match=r"exporter is 'dcgn'. Expected one of amd_device_metrics, ascend_npu_exporter, dcgm"
    ):
        pull(order, dcgm.workspace, at(hours=6), no_pause)


def test_metrics_that_are_not_mapped_are_counted_and_named(server, scraping, puller):
    everything = puller(server.url, query='{job="live"}', step="1s", window="5s", lookback="0s")
    begin_at(everything, datetime.now(UTC) - timedelta(seconds=5))
    time.sleep(6)
    pulled = pull(everything.order, everything.workspace, datetime.now(UTC), no_pause)
    assert {"up", "scrape_duration_seconds"} <= set(pulled.unmapped)
    assert "DCGM_FI_DEV_SM_CLOCK" not in pulled.unmapped


def test_p03_a_night_pulls_first_and_counts_energy_across_resets_and_unknowns(new_server, puller):
    # An hour of samples every 30 s, then points a minute apart. The counter rises 300 W x 30 s = 9 kJ a sample and is
    # reset after 30 minutes; power is 300 W and unknown now and then. By hand: 60 minutes at 300 W are 0.3 kWh: 59
    # steps by the counter, the one across the reset bridged by power.
    made = new_server()
    counter = [9_000_000 * (i if i < 60 else i - 60) for i in range(124)]
    made.fill(history(ENERGY, counter) + history(POWER, ("NaN" if i % 40 == 0 and i else 300 for i in range(124))))
    made.start()
    dcgm = puller(made.url, window="1h")
    end_at(dcgm, "2024-06-01T02:00:00Z")
    outcome = night.night(dcgm.workspace, Steps(), datetime(2024, 8, 1, tzinfo=UTC), write_reports=False)
    assert outcome.failures == {}
    with reading(dcgm.workspace) as lake:
        hour = lake.frame("SELECT * FROM rollups.device_hour WHERE hour_start_utc = '2024-06-01'").row(0, named=True)
        unknown = lake.value("SELECT count(*) FROM staged.accelerator_samples WHERE power_w IS NULL")
        zero = lake.value("SELECT count(*) FROM staged.accelerator_samples WHERE power_w = 0")
    assert float(hour["energy_kwh"]) == pytest.approx(0.3, rel=1e-9)
    assert (float(hour["device_hours"]), hour["device_id"], hour["sku"]) == (1, "GPU-a", "Own 80GB")
    assert (unknown, zero) == (3, 0)
    made.kill()


def test_a_pull_that_fails_is_named_and_the_night_goes_on(server, puller):
    dcgm = puller(server.url)
    now = at(days=60)
    begin_at(dcgm, now - timedelta(hours=12))
    broken = (
        dcgm.workspace.pulls_file.read_text()
        .replace("name = 'gpus'", "name = 'broken'")
        .replace(server.url, f"{server.url}/nowhere")
    )
    with dcgm.workspace.pulls_file.open("a") as file:
        file.write(broken)
    other = dcgm.workspace.root / "landing" / "site-a" / "gpus" / "by_hand.json.gz"
    other.parent.mkdir(parents=True)
    values = [[at(minutes=minute).timestamp(), "300"] for minute in range(60)]
    result = [{"metric": {"__name__": POWER, "UUID": "GPU-a"}, "values": values}]
    body = {"status": "success", "data": {"resultType": "matrix", "result": result}}
    other.write_bytes(gzip.compress(json.dumps(body).encode()))
    outcome = night.ingest(dcgm.workspace, Steps(), now)
    assert list(outcome.failures) == ["broken of site-a"]
    assert "status 404" in outcome.failures["broken of site-a"]
    assert [landing.rows_accepted for landing in outcome.landings] == [60]


AS_TASKS = """
import json, sys
from datetime import datetime
from pathlib import Path
from prefect import flow
from prefect.blocks.system import Secret
from suanheng.config.pulls import read_pulls
from suanheng.config.workspace import open_workspace
from suanheng.flows.orchestration import steps
from suanheng.flows.orchestration.tasks import TASKS
from suanheng.warehouse.errors import Unavailable
from suanheng.flows.landing.pull import Refused, pull

for task in TASKS.values():
    task.retry_delay_seconds = [0.1, 0.1]
workspace, now = open_workspace(Path(sys.argv[1])), datetime.fromisoformat(sys.argv[2])
tries = []

def gone(item):
    tries.append("gone")
    if len(tries) < 3:
        raise Unavailable("gone")
    return "back"

def refused(item):
    tries.append("refused")
    raise Refused("no")

@flow
def night():
    Secret(value="s3cret").save("prometheus-token", overwrite=True)
    each = steps.PrefectSteps().each
    return [
        *each("pull", ["a"], gone, part=str),
        *each("pull", ["b"], refused, part=str),
        *each("pull", read_pulls(workspace.pulls_file), lambda order: pull(order, workspace, now).new, part=repr),
    ]

back, failure, new = night()
print(json.dumps([back, type(failure.error).__name__, new, tries]))
"""


@pytest.mark.long
def test_as_a_task_it_is_tried_again_only_where_that_may_help_and_a_block_holds_the_token(server, puller, gate_to):
    gate = gate_to(server.url)
    dcgm = puller(gate.url, token="block:prometheus-token")
    command = [sys.executable, "-c", AS_TASKS, str(dcgm.workspace.root), at(hours=6).isoformat()]
    environment = {**os.environ, "PREFECT_LOGGING_LEVEL": "CRITICAL"}
    run = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == ["back", "Refused", 1, ["gone"] * 3 + ["refused"]]
    assert gate.requests[0]["Authorization"] == "Bearer s3cret"


def run_verb(puller, *arguments: str) -> tuple[int, dict]:
    """Run the command line on a workspace; exit code and answer."""
    program = "from suanheng.flows.commands import main; main()"
    run = subprocess.run(
        [sys.executable, "-c", program, *arguments, "--json"],
        capture_output=True,
        text=True,
        env={**os.environ, "SUANHENG_WORKSPACE": str(puller.workspace.root)},
        check=False,
    )
    return run.returncode, json.loads(run.stdout) if run.stdout else {"error": run.stderr}


@pytest.mark.long
def test_the_verbs_tell_what_was_pulled_and_what_becomes_of_each_metric(new_server, puller):
    made = new_server()
    made.fill(history(POWER, range(120)) + history("node_load1", range(120)))
    made.start()
    both = puller(made.url, query=f'{{__name__=~"{POWER}|node_load1"}}', window="1h")
    end_at(both, "2024-06-01T01:00:00Z")
    now = datetime.now(UTC)
    code, answer = run_verb(both, "pull")
    (pulled,) = answer["pulls"]
    assert (code, answer["failures"], answer["unbound"]) == (0, {}, [])
    assert (pulled["new"], pulled["site"]) == (1, "site-a")
    assert set(pulled["unmapped"]) == {"node_load1"}
    night.ingest(both.workspace, Steps(), now)
    code, found = run_verb(both, "metrics")
    assert code == 0
    assert {row["metric"]: row["becomes"] for row in found} == {
        POWER: "accelerator_samples.power_w",
        "node_load1": "not mapped",
    }
    code, answer = run_verb(both, "pull", "nobody")
    assert (code, "There is no pull nobody" in answer["error"]) == (2, True)
    made.kill()
