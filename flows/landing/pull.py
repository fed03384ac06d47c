"""Pulls: asks Prometheus servers for the windows that are missing, and lays their answers down as files.

What was pulled is stated by the files alone: each is named after its window, written whole or not at all, and as old as
the moment it was last asked for. So a pull that was killed goes on where it was, and a second one finds nothing to do.
"""

import filecmp
import gzip
import json
import os
import random
import re
import ssl
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count, zip_longest
from pathlib import Path

import httpx
from filelock import FileLock

from suanheng.config.errors import BadSettings, SuanhengError
from suanheng.config.pulls import Pull
from suanheng.config.workspace import Workspace
from suanheng.flows.sources.prometheus_matrix import samples
from suanheng.schemas.checking.records import Unreadable, UnreadableFile
from suanheng.transforms.definitions.reference import facts
from suanheng.warehouse.errors import Unavailable

ATTEMPTS = 6
"""How often a window is asked for before a pull gives up: with the pauses between, about half a minute."""

_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 300.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STAMP = "%Y%m%dT%H%M%SZ"
_NAMED_AFTER_WINDOW = re.compile(r"(\d{8}T\d{6}Z)_(\d{8}T\d{6}Z)\.(?:json\.gz|empty)")
_TOO_MANY_REQUESTS = 429
_SHOWN_CHARACTERS = 300


class Refused(SuanhengError):
    """Raised when a server answers that it will not: asking again does not help."""


@dataclass(frozen=True, order=True)
class Window:
    """A half-open span of time that one query and one file cover."""

    start: datetime
    end: datetime

    @property
    def name(self) -> str:
        """Name of its file, without the ending."""
        return f"{self.start:{_STAMP}}_{self.end:{_STAMP}}"


@dataclass
class Pulled:
    """What a pull did.

    Attributes:
        name: the pull.
        site: its site.
        folder: where its files are.
        new: files written for windows that had none.
        replaced: files whose window holds more by now, or other values.
        unchanged: files whose window was asked for again, and answered alike.
        kept: files whose window was asked for again and holds less by now, as when a server's retention runs out.
        empty: windows without a sample.
        values: samples in the new and replaced files.
        unmapped: samples in them by metric, of metrics that ``reference.metric_mappings`` does not name.
    """

    name: str
    site: str
    folder: str
    new: int = 0
    replaced: int = 0
    unchanged: int = 0
    kept: int = 0
    empty: int = 0
    values: int = 0
    unmapped: dict[str, int] = field(default_factory=dict)


def pull(order: Pull, workspace: Workspace, now: datetime, pause: Callable[[float], None] = time.sleep) -> Pulled:
    """Ask for every window that is over and not settled, oldest first, and write the answers.

    A window is settled once it was asked for after its end by more than the pull's ``lookback``.

    Args:
        order: what to ask whom.
        workspace: where.
        now: the present.
        pause: waits that many seconds.

    Raises:
        Unavailable: the server did not answer, however often it was asked. What was pulled until then stays.
        Refused: the server answered that it will not, or the credentials are missing.
        BadSettings: no metric of the exporter is mapped.
    """
    query, mapped = _query(order, workspace)
    order.folder.mkdir(parents=True, exist_ok=True)
    lock = workspace.root / "lake" / f"pull-{order.name}.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    pulled = Pulled(order.name, order.site, str(order.folder))
    unmapped: Counter[str] = Counter()
    with FileLock(lock), _client(order) as client:
        for window in windows_to_ask(order, now):
            part = order.folder / f"{window.name}.json.gz.part"
            metrics = _answered(client, order, query, window, part, pause)
            if _lay_down(order.folder / f"{window.name}.json.gz", part, metrics.total(), now, pulled):
                unmapped += Counter({metric: n for metric, n in metrics.items() if metric not in mapped})
    pulled.unmapped = dict(sorted(unmapped.items()))
    return pulled


def windows_to_ask(order: Pull, now: datetime) -> list[Window]:
    """Windows that are over and not settled, oldest first. They begin at whole multiples of their length since 1970."""
    settled = _settled(order)
    first = _EPOCH + (order.start - _EPOCH) // order.window * order.window
    starts = (first + n * order.window for n in count())
    windows: list[Window] = []
    for start in starts:
        window = Window(start, start + order.window)
        if window.end > now or (order.end and window.start >= order.end):
            return windows
        if not any(span.start <= window.start and window.end <= span.end for span in settled):
            windows.append(window)
    return windows


def _settled(order: Pull) -> list[Window]:
    """Spans of time that need not be asked for again, joined where they meet."""
    spans: list[Window] = []
    for path in sorted(order.folder.glob("*")) if order.folder.is_dir() else []:
        match = _NAMED_AFTER_WINDOW.fullmatch(path.name)
        if match is None:
            continue
        start, end = (datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC) for stamp in match.groups())
        if path.stat().st_mtime < (end + order.lookback).timestamp():
            continue
        if spans and start <= spans[-1].end:
            spans[-1] = Window(spans[-1].start, max(end, spans[-1].end))
        else:
            spans.append(Window(start, end))
    return spans


def _query(order: Pull, workspace: Workspace) -> tuple[str, set[str]]:
    """What to ask, and every metric that is mapped or known to be of no use."""
    mappings = facts("metric_mappings", workspace)
    known = set(mappings["metric"])
    if order.query is not None:
        return order.query, known
    used = mappings.filter(exporter=order.exporter, is_usable=True).drop_nulls("dataset")
    names = sorted(set(used["metric"]))
    if not names:
        exporters = ", ".join(sorted(set(mappings.drop_nulls("dataset")["exporter"])))
        raise BadSettings(
            f"{workspace.pulls_file}, pull {order.name}: exporter is {order.exporter!r}. Expected one of {exporters}, "
            f"or rows of your own in {workspace.reference_folder / 'metric_mappings.csv'}."
        )
    match = f",{order.match}" if order.match else ""
    # The newest sample of each step, and none where there was none. A plain selector would repeat the last sample of a
    # series for five minutes. Ranges used to include their beginning, where the step before ends: hence a millisecond
    # less.
    span_ms = order.step // timedelta(milliseconds=1) - 1
    return f'last_over_time({{__name__=~"{"|".join(names)}"{match}}}[{span_ms}ms])', known


def _client(order: Pull) -> httpx.Client:
    """A client that talks to that server alone: no proxy, no .netrc, no redirect."""
    headers = {"Authorization": f"Bearer {_secret(order.token)}"} if order.token else {}
    auth = httpx.BasicAuth(order.user, _secret(order.password)) if order.user and order.password else None
    try:
        context = ssl.create_default_context(cafile=order.ca_file) if order.ca_file else True
    except OSError as error:
        raise Refused(f"ca_file {order.ca_file} holds no certificates: {error}. Give the PEM file.") from None
    timeout = httpx.Timeout(order.timeout_s, connect=min(10.0, order.timeout_s))
    return httpx.Client(
        headers=headers, auth=auth, verify=context, timeout=timeout, trust_env=False, follow_redirects=False
    )


def _secret(reference: str) -> str:
    """The secret that a reference names: ``env:NAME``, or ``block:NAME`` of a Prefect Secret block.

    Raises:
        Refused: there is none.
    """
    kind, _, name = reference.partition(":")
    secret = (os.environ.get(name, "") if kind == "env" else _secret_of_block(name)).strip()
    if not secret:
        what = "Environment variable" if kind == "env" else "Prefect Secret block"
        raise Refused(f"{what} {name} is not set, which the pull takes its credentials from. Set it.")
    if not secret.isascii() or not secret.isprintable():
        raise Refused(f"What {reference} holds cannot be sent: it has other characters than letters, digits and signs.")
    return secret


def _secret_of_block(name: str) -> str:
    from prefect.blocks.system import Secret

    try:
        return str(Secret.load(name).get())  # type: ignore[union-attr]
    except ValueError as error:
        raise Refused(f"There is no Prefect Secret block {name}: {error}. Create it on the Prefect server.") from None


def _answered(
    client: httpx.Client, order: Pull, query: str, window: Window, part: Path, pause: Callable[[float], None]
) -> Counter[str]:
    """Get the whole answer for a window into a file; samples in it by metric. Asks again where that may help."""
    backoff_s = _FIRST_PAUSE_S
    attempts = 1
    while True:
        try:
            _download(client, order, query, window, part)
            return _counted(order, window, part)
        except Unavailable as error:
            if attempts == ATTEMPTS:
                raise Unavailable(f"{error} Asked {ATTEMPTS} times.") from None
            pause(min(max(backoff_s * random.uniform(0.5, 1), error.wait_s), _LONGEST_PAUSE_S))
            backoff_s *= 2
            attempts += 1


def _download(client: httpx.Client, order: Pull, query: str, window: Window, part: Path) -> None:
    form = {
        "query": query,
        "start": str(int(window.start.timestamp())),
        # The end of a query is inclusive, that of a window is not.
        "end": str(int((window.end - order.step).timestamp())),
        "step": str(int(order.step.total_seconds())),
        # Keeps VictoriaMetrics from moving start and end to where its cache likes them; others ignore it.
        "nocache": "1",
    }
    where = f"{order.url}, {window.name}"
    try:
        with client.stream("POST", f"{order.url}/api/v1/query_range", data=form) as response:
            _refuse_other_than_ok(response, where)
            with part.open("wb") as file:
                with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0, compresslevel=6) as packed:
                    for piece in response.iter_bytes():
                        packed.write(piece)
                file.flush()
                os.fsync(file.fileno())
    except httpx.HTTPError as error:
        raise Unavailable(f"{where}: {type(error).__name__}: {error}.") from None


def _refuse_other_than_ok(response: httpx.Response, where: str) -> None:
    status = response.status_code
    if status == httpx.codes.OK:
        return
    said = f"{where}: status {status}: {_said(response)}."
    if status == _TOO_MANY_REQUESTS or status >= httpx.codes.INTERNAL_SERVER_ERROR:
        wait = response.headers.get("Retry-After", "")
        raise Unavailable(said, float(wait) if wait.isdigit() else 0)
    if response.is_redirect:
        target = response.headers.get("Location", "")
        raise Refused(f"{said} It points to {target}, and credentials go nowhere but to url. Set url to where it is.")
    raise Refused(f"{said} {_ADVICE.get(status, 'Ask whoever runs the server.')}")


_ADVICE = {
    400: "The query is wrong: repair match or query in pulls.toml.",
    401: "It wants credentials, or others: set token, or user and password, in pulls.toml.",
    403: "The credentials may not read this: ask whoever gave them.",
    404: "Nothing answers at that path: check url in pulls.toml, without /api/v1.",
    422: "The server cannot answer it: make window smaller, or match narrower, in pulls.toml.",
}


def _said(response: httpx.Response) -> str:
    """The reason in an error answer; the beginning of it where there is none."""
    beginning = next(response.iter_bytes(4096), b"").decode("utf-8", "replace")
    try:
        answer = json.loads(beginning)
    except ValueError:
        answer = None
    reason = answer.get("error") if isinstance(answer, dict) else None
    return " ".join(str(reason or beginning).split())[:_SHOWN_CHARACTERS] or "without a word"


def _counted(order: Pull, window: Window, part: Path) -> Counter[str]:
    """Samples of an answer by metric.

    Raises:
        Unavailable: it is cut off, or says that it is incomplete.
        Refused: it reaches beyond its window, so that neighbours would overlap.
    """
    earliest, latest = (round(at.timestamp() * 1_000_000) for at in (window.start, window.end))
    metrics: Counter[str] = Counter()
    try:
        for sample in samples(part):
            if isinstance(sample, Unreadable):
                metrics[""] += 1
                continue
            if not earliest <= sample.time_us < latest:
                raise Refused(
                    f"{order.url}, {window.name}: the answer reaches to "
                    f"{_EPOCH + timedelta(microseconds=sample.time_us)}. Expected nothing outside the window."
                )
            metrics[sample.metric or ""] += 1
    except UnreadableFile as error:
        raise Unavailable(f"{order.url}, {window.name}: {error}") from None
    return metrics


def _lay_down(path: Path, part: Path, values: int, now: datetime, pulled: Pulled) -> bool:
    """Put an answer in its place, unless what is there says the same or more. Whether it was put there."""
    asked_at = (now.timestamp(), now.timestamp())
    marker = path.with_name(path.name.removesuffix(".json.gz") + ".empty")
    if not path.exists() and values == 0:
        marker.write_text("The server had no sample in this window.\n", encoding="utf-8")
        pulled.empty += 1
        stays = marker
    elif not path.exists():
        pulled.new += 1
        stays = None
    elif filecmp.cmp(path, part, shallow=False) or _say_the_same(path, part):
        pulled.unchanged += 1
        stays = path
    elif values < _values_in(path):
        pulled.kept += 1
        stays = path
    else:
        pulled.replaced += 1
        stays = None
    os.utime(stays or part, asked_at)
    if stays:
        part.unlink()
        return False
    part.replace(path)
    marker.unlink(missing_ok=True)
    pulled.values += values
    return True


def _say_the_same(one: Path, other: Path) -> bool:
    """Whether two answers hold the same samples, whatever they say of themselves besides."""
    try:
        return all(mine == theirs for mine, theirs in zip_longest(samples(one), samples(other)))
    except UnreadableFile:
        return False


def _values_in(path: Path) -> int:
    """Samples in an answer that was laid down before; none where something has broken it since."""
    try:
        return sum(1 for _ in samples(path))
    except UnreadableFile:
        return 0
