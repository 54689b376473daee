"""Processes of the app's own that train, whose stdin is their lifeline."""

import subprocess
import sys
from pathlib import Path

from core.errors import StorageError
from core.settings import absolute_environment, cannot_write

_ROOT = Path(__file__).resolve().parents[2]


def start_child(folder: Path, module: str, *arguments: str, **variables: str) -> "subprocess.Popen[bytes]":
    """Start a module as a process that hears on stdin and speaks on stdout.

    Args:
        folder: Where `worker.log` takes what it writes besides.
        module: Its name.
        arguments: Of its command line.
        variables: Of its environment, besides those of this process.

    Raises:
        ConvScopeError: The settings are wrong, the log cannot be written or no process can be started.
    """
    surroundings = {**absolute_environment(), **variables, "PYTHONPATH": str(_ROOT)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        log = (folder / "worker.log").open("ab")
    except OSError as error:
        raise cannot_write(error) from error
    command, pipe = [sys.executable, "-m", module, *arguments], subprocess.PIPE
    try:
        with log:
            return subprocess.Popen(command, cwd=_ROOT, stdin=pipe, stdout=pipe, stderr=log, env=surroundings)
    except OSError as error:
        raise StorageError(
            f"No worker could be started ({error.strerror}): make room on this machine and press Resume."
        ) from error
