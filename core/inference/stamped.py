"""A run's network together with the stamp of the very file that its weights were read from."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import StorageError
from core.runs.files import step_in
from core.runs.store import RunStore

if TYPE_CHECKING:
    from torch import nn

MAX_READS = 20


@dataclass(frozen=True, eq=False)
class StampedNetwork:
    """A network and which weights it has.

    Attributes:
        model: The network, in evaluation mode: to be read, never changed.
        stamp: Identifies the file that was read, see `stamp_of`; caches of results are keyed by it.
        step: How many updates the weights have had; None where the file does not say.
    """

    model: "nn.Sequential"
    stamp: str
    step: int | None


def stamp_of(path: Path) -> str:
    """Return what identifies the content of a checkpoint file, empty if there is none.

    Checkpoints are never written in place: each is a new file that takes over the name, so that the file's number, its
    size and its time together change with every writing.
    """
    try:
        status = path.stat()
    except OSError:
        return ""
    return f"{status.st_mtime_ns:x}-{status.st_ino:x}-{status.st_size:x}"


def load_stamped(store: RunStore, run_id: str, epoch: int | None = None) -> StampedNetwork:
    """Read a run's network and its stamp from one and the same file, though a worker may write another meanwhile.

    Args:
        store: Where the run is.
        run_id: The run.
        epoch: Weights after this epoch; by default the latest ones.

    Raises:
        RunError: There is no such run, or it has no weights yet.
        StorageError: The checkpoint is damaged, or new ones come faster than one can be read.
    """
    for _ in range(MAX_READS):
        path = store.checkpoint(run_id, epoch)
        stamp = stamp_of(path)
        model, step = store.load_model(run_id, epoch), step_in(path)
        if stamp_of(store.checkpoint(run_id, epoch)) == stamp:
            return StampedNetwork(model, stamp, step)
    raise StorageError("New weights are written faster than they can be read: look again in a moment.")
