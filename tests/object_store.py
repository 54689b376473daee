"""A real S3 server, rclone's, and a wire to it that tests can cut."""

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

KEY, SECRET = "convscope", "not-to-be-shown"
_OWN = Path(sys.executable).with_name("rclone")  # Debian's knows no `serve s3`
RCLONE = str(_OWN) if _OWN.exists() else shutil.which("rclone") or "rclone"


class Wire:
    """A port on loopback that leads to another one as long as it is not cut.

    Attributes:
        port: Where to connect.
        limit: After so many bytes from a client its connection is cut; None for never.
    """

    def __init__(self, target: int) -> None:
        self.limit: int | None = None
        self._target = target
        self._ends: list[socket.socket] = []
        self._whole = True
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Break all connections, and every new one at once."""
        self._whole = False
        for end in self._ends:
            _close(end)
        self._ends.clear()

    def mend(self) -> None:
        """Let connections through again."""
        self._whole = True

    def close(self) -> None:
        self.cut()
        _close(self._listening)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near = self._listening.accept()[0]
                if not self._whole:
                    _close(near)
                    continue
                far = socket.create_connection(("127.0.0.1", self._target))
                self._ends += [near, far]
                for source, sink, counts in ((near, far, True), (far, near, False)):
                    threading.Thread(target=self._copy, args=(source, sink, counts), daemon=True).start()

    def _copy(self, source: socket.socket, sink: socket.socket, counts: bool) -> None:
        passed = 0
        with suppress(OSError):
            while data := source.recv(65536):
                passed += len(data)
                if counts and self.limit is not None and passed > self.limit:
                    break
                sink.sendall(data)
        _close(source)
        _close(sink)


def _close(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()


@contextmanager
def serving(folder: Path, before: Sequence[str] = ()) -> Iterator[int]:
    """Serve a folder, whose folders are buckets, as S3 on loopback; yield the port.

    Args:
        folder: What is served.
        before: The beginning of a command that is given the server's as its arguments.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = ("--addr", f"127.0.0.1:{port}", "--auth-key", f"{KEY},{SECRET}", "--config", "/dev/null", "--quiet")
    surroundings = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    command = [*before, RCLONE, "serve", "s3", str(folder), *options, "--poll-interval", "0"]
    server = subprocess.Popen(command, env=surroundings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert server.poll() is None and time.monotonic() < until, "the S3 server does not start"
                time.sleep(0.02)
        yield port
    finally:
        server.kill()
        server.wait()
