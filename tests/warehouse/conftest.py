"""A real PostgreSQL server and a real object store on loopback, and workspaces whose warehouses are on both.

PostgreSQL is Debian's, found in /usr/lib/postgresql or on PATH; the object store is SeaweedFS, which comes with the
development packages. Without them these tests are skipped; with SUANHENG_REQUIRE_SERVERS=1 they fail instead.
"""

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from suanheng.warehouse.engine import attach, connect
from suanheng.warehouse.errors import Unreachable

PATIENCE_S = 60
KEY, SECRET = "suanheng", "not a secret"

NOBODY: dict[str, Any] = {}
if os.getuid() == 0:
    # PostgreSQL refuses to run as root.
    NOBODY = {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid, "extra_groups": []}


def wait_until(is_so: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until a server answers."""
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)


def binary(name: str, advice: str, *folders: Path) -> Path:
    """Place of a server's program."""
    found = next((folder / name for folder in folders if (folder / name).exists()), None) or shutil.which(name)
    if found is None:
        message = f"no {name}; {advice}"
        if os.environ.get("SUANHENG_REQUIRE_SERVERS") == "1":
            pytest.fail(message)
        pytest.skip(message)
    return Path(found)


@dataclass(frozen=True)
class Postgres:
    """A PostgreSQL server that listens on a Unix socket only.

    Attributes:
        programs: folder of its programs.
        folder: its data, its log and its socket.
    """

    programs: Path
    folder: Path

    def address(self, database: str) -> str:
        """Connection string of a database."""
        return f"host={self.folder} user=suanheng dbname={database}"

    def make(self, database: str, template: str = "template0") -> None:
        """Make a database, as a copy of another one."""
        command = [self.programs / "createdb", "-h", self.folder, "-U", "suanheng", "-T", template, database]
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PGCONNECT_TIMEOUT": "60"})

    def ask(self, database: str, query: str) -> list[tuple[Any, ...]]:
        """Ask a database past the warehouse."""
        return self._executed(database, "FROM postgres_query('server', ?)", query)

    def run(self, database: str, statement: str) -> None:
        """Change a database past the warehouse."""
        self._executed(database, "CALL postgres_execute('server', ?)", statement)

    def _executed(self, database: str, how: str, what: str) -> list[tuple[Any, ...]]:
        with connect(["postgres_scanner"]) as connection:
            attach(connection, self.address(database), "server", "TYPE postgres")
            return connection.execute(how, [what]).fetchall()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    programs = binary("initdb", "on Debian: apt-get install postgresql", *folders).resolve().parent
    # A socket's path must be short, and everybody may go down to it.
    folder = Path(tempfile.mkdtemp(prefix="suanheng-pg-", dir="/tmp"))
    if NOBODY:
        shutil.chown(folder, NOBODY["user"])
    data, log = folder / "data", folder / "log"
    command = [programs / "initdb", "-D", data, "-U", "suanheng", "--auth=trust", "--no-sync"]
    subprocess.run(command, check=True, capture_output=True, cwd=folder, **NOBODY)
    settings = ("listen_addresses=", f"unix_socket_directories={folder}", "fsync=off", "shared_buffers=32MB")
    options = [word for setting in settings for word in ("-c", setting)]
    with log.open("wb") as file:
        process = subprocess.Popen(
            [programs / "postgres", "-D", data, *options], stdout=file, stderr=file, cwd=folder, **NOBODY
        )
    server = Postgres(programs, folder)
    try:
        wait_until(lambda: answers(server.address("postgres")), process, log)
        yield server
    finally:
        process.terminate()
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def answers(address: str) -> bool:
    """Whether a PostgreSQL server lets one in."""
    try:
        with connect(["postgres_scanner"]) as connection:
            attach(connection, address, "server", "TYPE postgres")
    except Unreachable:
        return False
    return True


@dataclass(frozen=True)
class ObjectStore:
    """A SeaweedFS server, of which only loopback knows.

    Attributes:
        port: where it speaks S3.
        bucket: a bucket in it.
    """

    port: int
    bucket: str = "centres"

    @property
    def endpoint(self) -> str:
        return f"127.0.0.1:{self.port}"


@pytest.fixture(scope="session")
def object_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    """A SeaweedFS server with one bucket, and its credentials in the environment."""
    weed = binary("weed", "it comes with the development packages: make .venv/.ready", Path(sys.executable).parent)
    folder = tmp_path_factory.mktemp("seaweed")
    ports = free_ports(8)
    identity = f'{{"accessKey": "{KEY}", "secretKey": "{SECRET}"}}'
    (folder / "s3.json").write_text(
        f'{{"identities": [{{"name": "tests", "credentials": [{identity}], "actions": ["Admin"]}}]}}'
    )
    options = {
        "dir": folder,
        "ip": "127.0.0.1",
        "ip.bind": "127.0.0.1",
        "s3.config": folder / "s3.json",
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
        "filer.localSocket": folder / "filer.sock",
        "master.telemetry": "false",
        "master.volumeSizeLimitMB": 64,
        "volume.max": 100,
    }
    for name in ("master", "volume", "filer", "s3"):
        options |= {f"{name}.port": ports.pop(), f"{name}.port.grpc": ports.pop()}
    log = folder / "log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [weed, "server", "-filer", "-s3", *(f"-{name}={value}" for name, value in options.items())],
            stdout=file,
            stderr=file,
            cwd=folder,
        )
    store = ObjectStore(int(str(options["s3.port"])))
    bucket = f"http://127.0.0.1:{options['filer.port']}/buckets/{store.bucket}/"

    def has_bucket() -> bool:
        try:
            return httpx.get(f"http://{store.endpoint}/healthz", trust_env=False).is_success and bool(
                httpx.post(bucket, trust_env=False).is_success
            )
        except httpx.TransportError:
            return False

    try:
        wait_until(has_bucket, process, log)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ACCESS_KEY_ID", KEY)
            patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
            patch.delenv("AWS_SESSION_TOKEN", raising=False)
            yield store
    finally:
        process.terminate()
        process.wait()


def free_ports(number: int) -> list[int]:
    """Ports of loopback where nobody listens."""
    sockets = [socket.socket() for _ in range(number)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


_numbers = count(1)


@dataclass(frozen=True)
class Servers:
    """Puts warehouses of workspaces on both servers."""

    postgres: Postgres
    object_store: ObjectStore

    def settings(self, database: str, **warehouse: Any) -> str:
        """Text of ``suanheng.toml`` for a warehouse in a database, its files under the database's name."""
        more = "\n".join(f"{name} = {value}" for name, value in warehouse.items())
        return f"""\
[warehouse]
catalog = "postgres:{self.postgres.address(database)}"
data_path = "s3://{self.object_store.bucket}/{database}"
threads = 1
{more}

[storage]
endpoint = "{self.object_store.endpoint}"
url_style = "path"
use_ssl = false
"""

    def move(self, *centres: Any, **warehouse: Any) -> None:
        """Give workspaces a new, empty warehouse that they share."""
        database = f"lake{next(_numbers)}"
        self.postgres.make(database)
        for centre in centres:
            (centre.root / "suanheng.toml").write_text(self.settings(database, **warehouse))

    def copy(self, centre: Any, to: Path, **warehouse: Any) -> Any:
        """A copy of a workspace whose warehouse is a copy as well; both share the files that are there already."""
        there = type(centre)(shutil.copytree(centre.root, to))
        database = centre.workspace.catalog.rpartition("dbname=")[2]
        copied = f"lake{next(_numbers)}"
        self.postgres.make(copied, template=database)
        text = self.settings(database, **warehouse).replace(f"dbname={database}", f"dbname={copied}")
        (there.root / "suanheng.toml").write_text(text)
        return there


@pytest.fixture(scope="session")
def servers(postgres: Postgres, object_store: ObjectStore) -> Servers:
    """Both servers."""
    return Servers(postgres, object_store)
