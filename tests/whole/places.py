"""The two data directories of a walk: where runs are trained, and where they are imported."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.runs.store import RunStore


@dataclass(frozen=True, eq=False)
class Places:
    """Two stores, and the data directory of the first, which `CONVSCOPE_HOME` names."""

    home: Path
    store: RunStore
    other: RunStore


@contextmanager
def places(folder: Path) -> Iterator[Places]:
    """Make both data directories below a folder and set the environment to the first, until the block ends."""
    before = os.environ.get("CONVSCOPE_HOME")
    home, runs = folder / "home", folder / "other" / "runs"
    runs.mkdir(parents=True)
    os.environ["CONVSCOPE_HOME"] = str(home)
    store, other = RunStore(), RunStore(f"sqlite:///{runs.parent / 'runs.db'}", runs)
    try:
        yield Places(home, store, other)
    finally:
        store.close()
        other.close()
        if before is None:
            del os.environ["CONVSCOPE_HOME"]
        else:
            os.environ["CONVSCOPE_HOME"] = before
