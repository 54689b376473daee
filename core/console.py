"""What all commands have in common: how they end, what they print and how they write files."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import IO

from core.errors import ConvScopeError, StorageError

FAILED, INTERRUPTED = 1, 130  # exit codes; the latter is what shells give a command that Ctrl-C ended


def run_command(act: Callable[[], int]) -> int:
    """Run a command and return its exit code; an error of ours is one sentence on standard error.

    Standard output shows "?" for letters that its encoding lacks, where Python would raise UnicodeEncodeError: names
    that people gave may hold any letter. Standard error is like that already.
    """
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    try:
        return act()
    except ConvScopeError as error:
        print(error, file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED


@contextmanager
def written_whole(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that takes the place of `path` once the block ends without an error; else that stays as it was.

    Raises:
        StorageError: The file cannot be written.
    """
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(path)
    except OSError as error:
        raise StorageError(f"{path} cannot be written ({error.strerror}): choose another place.") from error
    finally:
        part.unlink(missing_ok=True)
