"""A real server and the browser that visits it, for what only the two together can show."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass(frozen=True)
class Server:
    """A running app: its address, its data directory, the file that holds what it printed, and its process."""

    url: str
    home: Path
    log: Path
    pid: int = 0

    def processor_seconds(self) -> float:
        """Return the processor time of the server's own process so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def chromium() -> str | None:
    """Return the path of the installed Chromium, the one without windows first, or None."""
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    return next((path for name in names if (path := shutil.which(name))), None)


@contextmanager
def serving(
    script: Path, folder: Path, *, root: Path = ROOT, python: str = sys.executable, alone: bool = True
) -> Iterator[Server]:
    """Serve a Streamlit script on a free port, with its data directory in `folder`; nothing of it is left afterwards.

    Args:
        script: What to serve.
        folder: Holds the data directory, `home`, and what the server prints.
        root: The checkout whose modules it imports.
        python: The interpreter that has what these need.
        alone: Whether it has a database of its own, whatever the environment says.

    Raises:
        RuntimeError: The server did not start; the message holds what it printed.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder.mkdir(parents=True, exist_ok=True)
    server = Server(f"http://127.0.0.1:{port}", folder / "home", folder / "server.log")
    environment = {**os.environ, "CONVSCOPE_HOME": str(server.home), "PYTHONPATH": str(root)}
    if alone:
        environment.pop("CONVSCOPE_DATABASE_URL", None)
    with server.log.open("wb") as log:
        process = subprocess.Popen(
            [python, "-m", "streamlit", "run", str(script), "--server.port", str(port)],
            cwd=root,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_until_healthy(server, process)
        yield replace(server, pid=process.pid)
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(15)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_until_healthy(server: Server, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError), urllib.request.urlopen(f"{server.url}/_stcore/health", timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"The server did not start:\n{server.log.read_text()}")
