"""A PostgreSQL server of the tests' own: Debian's, in a folder of its own, on a free port, for nobody else."""

import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import create_engine

PASSWORD = "s3cret#w0rd"
ENCODED = "s3cret%23w0rd"
READY_SECONDS = 60.0

_NUMBERS = itertools.count()


def binaries() -> Path | None:
    """Return the folder of the server's programs; None where it is not installed."""
    known = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name), reverse=True)
    named = [Path(path).resolve().parent for path in [shutil.which("initdb")] if path]
    return next((folder for folder in (*named, *known) if (folder / "postgres").exists()), None)


class Server:
    """A server that can be stopped and started again, on the same port with the same data.

    Attributes:
        port: Where it listens, on this machine only.
    """

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs, self._data, self._user = programs, folder / "data", _unprivileged()
        self.port = _free_port()
        password = folder / "password"
        password.write_text(PASSWORD)
        if self._user:
            shutil.chown(folder, *self._user)
            shutil.chown(password, *self._user)
        made = self._run("initdb", "-D", str(self._data), "-U", "convscope", "-A", "scram-sha-256", "-E", "UTF8",
                         "--pwfile", str(password), "--locale=C", "--no-sync", "--no-instructions")  # fmt: skip
        assert made.returncode == 0, made.stdout
        self._engine = create_engine(self.url(), isolation_level="AUTOCOMMIT", pool_pre_ping=True)
        self._log = (folder / "log").open("ab")
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def url(self, database: str = "postgres", *, password: str = ENCODED, port: int = 0) -> str:
        """Return the URL of a database."""
        return f"postgresql+psycopg://convscope:{password}@127.0.0.1:{port or self.port}/{database}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = {"fsync": "off", "full_page_writes": "off", "listen_addresses": "127.0.0.1", "port": self.port}
        options |= {"unix_socket_directories": "", "shared_buffers": "32MB", "autovacuum": "off", "max_connections": 60}
        command = [str(self._programs / "postgres"), "-D", str(self._data)]
        command += [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        self._process = subprocess.Popen(command, stdout=self._log, stderr=self._log, **self._as_user())
        deadline = time.monotonic() + READY_SECONDS
        while self._run("pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)).returncode:
            assert self._process.poll() is None and time.monotonic() < deadline, "the server did not start"
            time.sleep(0.05)

    def stop(self) -> None:
        """End it at once, cutting off whoever is connected."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)  # "fast": nobody is waited for
            self._process.wait(READY_SECONDS)
            self._process = None

    def close(self) -> None:
        """End it for good."""
        self._engine.dispose()
        self.stop()
        self._log.close()

    def execute(self, *statements: str) -> None:
        """Execute statements, each by itself."""
        with self._engine.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(self._programs / program), *arguments]
        return subprocess.run(command, stdout=-1, stderr=-2, text=True, check=False, **self._as_user())

    def _as_user(self) -> dict:
        here = {"cwd": self._data.parent}
        return here | {"user": self._user[0], "group": self._user[1], "extra_groups": []} if self._user else here


def _unprivileged() -> tuple[int, int] | None:
    """Return whom to be, where this is root: the server refuses to run as root."""
    if os.geteuid():
        return None
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            user = pwd.getpwnam(name)
            return user.pw_uid, user.pw_gid
    raise AssertionError("there is no user for the server")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running() -> Iterator[Server]:
    """Run a server inside this; the test is skipped where none is installed, but not in the gate."""
    programs = binaries()
    if programs is None:
        assert not os.environ.get("CI"), "the gate installs PostgreSQL: see .ci/run"
        pytest.skip("PostgreSQL is not installed")
    with tempfile.TemporaryDirectory(prefix="convscope-postgres-", ignore_cleanup_errors=True) as name:
        server = Server(programs, Path(name))
        try:
            yield server
        finally:
            server.close()


def new_schema(server: Server) -> tuple[str, str]:
    """Make a schema in which nothing is; return its name and its URL."""
    name = f"test_{next(_NUMBERS)}"
    server.execute(f"CREATE SCHEMA {name}")
    return name, f"{server.url()}?options=-csearch_path%3D{name}"
