"""A real Prometheus server on loopback, a gate in front of it that can misbehave, and a workspace that pulls from it.

``prometheus`` and ``promtool`` are looked for on PATH. Without them these tests are skipped; with
SUANHENG_REQUIRE_SERVERS=1 they fail instead.
"""

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from suanheng.config.pulls import Pull, read_pulls
from suanheng.config.workspace import Workspace, open_workspace

PATIENCE_S = 60


def free_port() -> int:
    """A port of loopback where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@dataclass
class Server:
    """A Prometheus server with a data folder of its own."""

    folder: Path
    port: int
    flags: Sequence[str] = ()
    config: str = "global: {}\n"
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def fill(self, exposition: str) -> None:
        """Write history into the data folder; a server that runs sees it once it is started again."""
        self.folder.mkdir(parents=True, exist_ok=True)
        text = self.folder / "history.prom"
        text.write_text(exposition + "# EOF\n")
        subprocess.run(
            ["promtool", "tsdb", "create-blocks-from", "openmetrics", text, self.folder / "data"],
            check=True,
            capture_output=True,
        )

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self.folder / "prometheus.yml"
        config.write_text(self.config)
        log = (self.folder / "log.txt").open("ab")
        self.process = subprocess.Popen(
            [
                *("prometheus", f"--config.file={config}", f"--storage.tsdb.path={self.folder / 'data'}"),
                *(f"--web.listen-address=127.0.0.1:{self.port}", "--storage.tsdb.retention.time=100y"),
                *("--log.level=warn", *self.flags),
            ],
            stdout=log,
            stderr=log,
        )
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            assert self.process.poll() is None, (self.folder / "log.txt").read_text()
            try:
                # A server that wants credentials answers 401 as soon as it answers.
                if httpx.get(f"{self.url}/-/ready", trust_env=False).status_code in {200, 401}:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise TimeoutError(f"Prometheus does not answer: {(self.folder / 'log.txt').read_text()}")

    def kill(self) -> None:
        """Kill it without warning."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


Misbehave = Callable[[int, "GateHandler"], bool]


class GateHandler(BaseHTTPRequestHandler):
    """Hands a request on, unless the gate has other plans."""

    server: "GateServer"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        gate = self.server.gate
        gate.requests.append(dict(self.headers))
        if gate.misbehave is not None and gate.misbehave(len(gate.requests), self):
            return
        headers = {"Content-Type": self.headers["Content-Type"]}
        try:
            answer = httpx.post(f"{gate.target}{self.path}", content=body, headers=headers, trust_env=False)
        except httpx.TransportError:
            return self.cut()
        self.answer(answer.status_code, answer.content)

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Answer something else than the server would."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def cut(self) -> None:
        """Break off without an answer."""
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


class GateServer(ThreadingHTTPServer):
    """Carries its gate to the handlers."""

    gate: "Gate"


@dataclass
class Gate:
    """A reverse proxy on loopback.

    Attributes:
        target: server behind it.
        misbehave: is asked with the number of each request; true where it has dealt with it.
        requests: headers of every request.
    """

    target: str
    misbehave: Misbehave | None = None
    requests: list[dict[str, str]] = field(default_factory=list)
    url: str = ""


@pytest.fixture(scope="session")
def binaries() -> None:
    """Prometheus and promtool are installed."""
    missing = [name for name in ("prometheus", "promtool") if shutil.which(name) is None]
    if missing:
        message = f"no {' and no '.join(missing)} on PATH; on Debian: apt-get install prometheus"
        if os.environ.get("SUANHENG_REQUIRE_SERVERS") == "1":
            pytest.fail(message)
        pytest.skip(message)


@pytest.fixture(scope="session")
def new_server(binaries: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """Makes servers, which are not started; kills them at the end."""
    servers: list[Server] = []

    def make(*flags: str, config: str = "global: {}\n") -> Server:
        server = Server(tmp_path_factory.mktemp("prometheus"), free_port(), flags, config)
        servers.append(server)
        return server

    yield make
    for server in servers:
        server.kill()


@pytest.fixture
def gate_to() -> Iterator[Callable[..., Gate]]:
    """A gate in front of a server: ``gate_to(server.url, misbehave)``."""
    running: list[GateServer] = []

    def make(target: str, misbehave: Misbehave | None = None) -> Gate:
        server = GateServer(("127.0.0.1", 0), GateHandler)
        server.gate = Gate(target, misbehave, url=f"http://127.0.0.1:{server.server_address[1]}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        running.append(server)
        return server.gate

    yield make
    for server in running:
        server.shutdown()
        server.server_close()


@dataclass
class Puller:
    """A workspace with one pull.

    Attributes:
        workspace: the workspace.
    """

    workspace: Workspace

    @property
    def order(self) -> Pull:
        (order,) = read_pulls(self.workspace.pulls_file)
        return order

    def files(self) -> dict[str, bytes]:
        """What is in the landing folder."""
        folder = self.order.folder
        return {path.name: path.read_bytes() for path in sorted(folder.iterdir())} if folder.exists() else {}


@pytest.fixture
def puller(tmp_path: Path) -> Callable[..., Puller]:
    """A workspace with one pull of that server: ``puller(url, step="60s", …)``; a name distinguishes several."""

    def make(url: str, name: str = "gpus", **settings: str) -> Puller:
        root = tmp_path / name
        root.mkdir(exist_ok=True)
        entry = {
            "name": name,
            "site": "site-a",
            "url": url,
            "step": "60s",
            "window": "6h",
            **({} if "query" in settings else {"exporter": "dcgm"}),
            **settings,
        }
        lines = ["[[pull]]", "start = 2024-06-01", *(f"{key} = '{value}'" for key, value in entry.items())]
        (root / "pulls.toml").write_text("\n".join(lines) + "\n")
        (root / "suanheng.toml").write_text("")
        (root / "sites.toml").write_text(
            '[[site]]\nsite_id = "site-a"\nname_en = "Site A"\ntime_zone = "UTC"\ncommissioned_on = 2024-06-01\n'
        )
        (root / "sources.toml").write_text(
            '[[source]]\nformat = "prometheus_matrix"\nsite = "site-a"\n'
            f'files = "landing/site-a/{name}/*.json.gz"\nevidence = "measured"\n'
        )
        return Puller(open_workspace(root))

    return make
