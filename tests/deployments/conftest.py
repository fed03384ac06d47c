"""A real Prefect server on loopback, with a worker, and tiny workspaces that it runs flows on."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    FlowRunFilter,
    FlowRunFilterId,
)
from prefect.client.schemas.objects import FlowRun, State, TaskRun
from prefect.states import Scheduled

from tests.conftest import Centre, write_tiny
from tests.flows.conftest import free_port

POOL = "suanheng"
PATIENCE_S = 300
BIN = Path(sys.executable).parent

QUICK = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "50",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "50",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "5",
    "PREFECT_SERVER_SERVICES_LATE_RUNS_LOOP_SECONDS": "1",
    "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "1",
    "PREFECT_RUNNER_POLL_FREQUENCY": "1",
    "PREFECT_WORKER_QUERY_SECONDS": "2",
}
"""Settings that wait for seconds where the defaults wait for half a minute."""


def eventually(what: str, found: Callable[[], Any]) -> Any:
    """Wait until something is found, and give it."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if result := found():
            return result
        time.sleep(0.5)
    raise TimeoutError(f"{what}: not within {PATIENCE_S} s")


@dataclass
class Server:
    """A Prefect server, and the processes that work for it.

    Attributes:
        url: address of its API.
        folder: where it and they write.
        client: asks it.
    """

    url: str
    folder: Path
    client: SyncPrefectClient

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to find it."""
        return {**os.environ, **QUICK, "PREFECT_HOME": str(self.folder), "PREFECT_API_URL": self.url}

    @contextmanager
    def process(self, name: str, *command: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run a command until the block ends, or until it is asked to end inside."""
        with (self.folder / f"{name}.log").open("ab") as log:
            command = (str(BIN / command[0]), *command[1:])
            process = subprocess.Popen(command, stdout=log, stderr=log, env=self.environment, cwd=self.folder)
            try:
                yield process
            finally:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(timeout=60)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def ask_for(self, deployment: str, due: datetime | None = None, **parameters: Any) -> UUID:
        """Ask for a run, due at that time or at once."""
        made = self.client.read_deployment_by_name(deployment)
        run = self.client.create_flow_run_from_deployment(
            made.id, parameters=parameters, state=Scheduled(scheduled_time=due)
        )
        return run.id

    def run(self, run_id: UUID) -> FlowRun:
        return self.client.read_flow_run(run_id)

    def ended(self, run_id: UUID) -> FlowRun:
        """The run, once it has ended."""
        return eventually(f"end of {run_id}", lambda: (run := self.run(run_id)).state.is_final() and run)

    def states(self, run_id: UUID) -> list[State]:
        """The states it went through."""
        return sorted(self.client.read_flow_run_states(run_id), key=lambda state: state.timestamp)

    def tasks(self, run_id: UUID) -> dict[str, TaskRun]:
        """Its task runs by name."""
        this = FlowRunFilter(id=FlowRunFilterId(any_=[run_id]))
        return {task.name: task for task in self.client.read_task_runs(flow_run_filter=this, limit=200)}

    def artifacts(self, run_id: UUID) -> dict[str, str]:
        """Its artifacts by key, as text."""
        this = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run_id]))
        return {made.key: str(made.data) for made in self.client.read_artifacts(artifact_filter=this) if made.key}


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of our own, with a home of its own."""
    port = free_port()
    folder = tmp_path_factory.mktemp("prefect")
    url = f"http://127.0.0.1:{port}/api"
    with SyncPrefectClient(url) as client:
        made = Server(url, folder, client)
        command = ("prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port))
        with made.process("server", *command) as process:

            def answers() -> bool:
                assert process.poll() is None, (folder / "server.log").read_text()
                try:
                    return httpx.get(f"{url}/health", trust_env=False).status_code == httpx.codes.OK
                except httpx.TransportError:
                    return False

            eventually("Prefect server", answers)
            yield made


@pytest.fixture(scope="session")
def pool(server: Server) -> Iterator[str]:
    """A work pool of type process, and a worker that runs two flows at once."""
    server.client.create_work_pool(WorkPoolCreate(name=POOL, type="process"))
    with server.process("worker", "prefect", "worker", "start", "--pool", POOL, "--limit", "2"):
        yield POOL


@pytest.fixture(scope="session")
def new_centre(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Centre]:
    """``new_centre(name)``: the files of January 2023 in a workspace of that name; nothing is ingested yet."""
    folder = tmp_path_factory.mktemp("workspaces")

    def make(name: str) -> Centre:
        centre = write_tiny(folder / name, months=1)
        (centre.root / "suanheng.toml").write_text("[warehouse]\nthreads = 1\n", encoding="utf-8")
        return centre

    return make


@dataclass
class Prometheus:
    """What answers to a pull: an error a few times, then no series at all.

    Attributes:
        errors: status codes of its first answers.
        url: its address.
    """

    errors: list[int] = field(default_factory=list)
    url: str = ""


@pytest.fixture(scope="session")
def new_prometheus() -> Iterator[Callable[..., Prometheus]]:
    """``new_prometheus(503)`` answers 503 once and is there afterwards."""
    running: list[ThreadingHTTPServer] = []

    def make(*errors: int) -> Prometheus:
        made = Prometheus(list(errors))

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                body = b'{"status": "success", "data": {"resultType": "matrix", "result": []}}'
                self.send_response(made.errors.pop(0) if made.errors else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing."""

        http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=http.serve_forever, daemon=True).start()
        running.append(http)
        made.url = f"http://127.0.0.1:{http.server_address[1]}"
        return made

    yield make
    for http in running:
        http.shutdown()
        http.server_close()
