"""The engine whose workers Ray starts and places. Neither Ray nor torch is imported here."""

import subprocess
import threading
import time
from contextlib import suppress
from typing import IO, cast

from core.errors import ConvScopeError
from core.runs.store import RunStore
from core.train.child_process import start_child
from core.train.engine import CLOSING_SECONDS, HINDERED_SECONDS, Engine

LONGEST_PAUSE_SECONDS = 60.0
LEAVING_SECONDS = CLOSING_SECONDS + 7.0  # for Ray's own end after that of the workers


class RayEngine(Engine):
    """Trains nothing by itself: it keeps a process going that lets Ray start workers, and ends leases of silent ones.

    That process is `core.train.ray_launcher`, and its stdin is its lifeline. A program that uses Ray ends with the
    cluster's head, and loads 100 MB; the app does neither. What hinders Ray is tried again and again, less and less
    often, and told by `hindrance`.

    Args:
        store: The runs; on a database's server, unless all of Ray's machines are this one.
    """

    def __init__(self, store: RunStore) -> None:
        self._launcher: subprocess.Popen[bytes] | None = None
        self._ending, self._changing = threading.Event(), threading.Lock()
        super().__init__(store, slots=0)
        self._launching = threading.Thread(target=self._launch, name="ray", daemon=True)
        self._launching.start()

    def close(self) -> None:
        """End Ray's workers: they checkpoint and give their runs back; a cluster that was started here ends, too."""
        with self._changing:
            if self._ending.is_set():
                return
            self._ending.set()
            launcher = self._launcher
        if launcher is not None:
            with suppress(OSError):
                cast(IO[bytes], launcher.stdin).close()
            try:
                launcher.wait(LEAVING_SECONDS)
            except subprocess.TimeoutExpired:
                launcher.kill()
                launcher.wait()
        self._launching.join(CLOSING_SECONDS)
        super().close()

    def _launch(self) -> None:
        pause = HINDERED_SECONDS
        while not self._ending.is_set():
            began = time.monotonic()
            try:
                with self._changing:
                    if self._ending.is_set():
                        return
                    self._launcher = start_child(self.store.folder, "core.train.ray_launcher")
            except ConvScopeError as error:
                self._hindrances.note("ray", str(error))
            else:
                self._listen(self._launcher)
            if time.monotonic() - began > LONGEST_PAUSE_SECONDS:
                pause = HINDERED_SECONDS
            self._ending.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _listen(self, launcher: "subprocess.Popen[bytes]") -> None:
        """Note what hinders Ray, one sentence a line, until the launcher has ended; an empty line takes that back."""
        words = ""
        with cast(IO[bytes], launcher.stdout) as lines, suppress(OSError, ValueError):
            for line in lines:
                if words := line.decode("utf-8", "replace").strip():
                    self._hindrances.note("ray", words)
                else:
                    self._hindrances.over("ray")
        code = launcher.wait()
        if not words and not self._ending.is_set():
            self._hindrances.note("ray", f"What starts workers on Ray ended with code {code}: see worker.log.")
