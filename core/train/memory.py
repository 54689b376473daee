"""How much memory trainings need, estimated without torch, and how much a process has taken, where the system says."""

from collections.abc import Iterable
from contextlib import suppress
from math import prod
from pathlib import Path

from core.model.shapes import summarize
from core.runs.records import Run

MB = 2**20
WORKER_BYTES = 370 * MB  # a worker that waits, with torch loaded (measured)
RUN_BYTES = 8 * MB  # what a run adds besides its weights (measured: 10 MB for a network of 2 MB)
FLOAT_BYTES = 4
COPIES_OF_WEIGHTS = 4  # weights, gradients and the two moments of Adam
COPIES_OF_ACTIVATIONS = 3  # outputs, their gradients, and what the kernels need for a moment
COPIES_OF_IMAGES = 2  # as read, and split
FRONT_BYTES = 256 * MB  # of the images that pass through frozen layers together, and of what these make of all images
KEPT_BYTES = 256 * MB  # of images that stay in their file
VALIDATION_BATCH = 256


def estimated_bytes(runs: Iterable[Run]) -> int:
    """Return the memory of a worker that trains these runs in turns.

    Weights are there for every run, images once for all that share them, and activations for the one whose turn it is.
    """
    weights, images, activations = 0, dict[tuple[str, int], int](), [0]
    for run in runs:
        layers = summarize(run.spec)
        weights += RUN_BYTES + COPIES_OF_WEIGHTS * FLOAT_BYTES * sum(layer.num_params for layer in layers)
        weights += sum(FLOAT_BYTES * layer.frozen + FRONT_BYTES * bool(layer.frozen) for layer in layers)
        outputs = [prod(layer.output_shape or ()) + layer.inner // COPIES_OF_ACTIVATIONS for layer in layers]
        batch = int(run.config.get("batch_size", 64))
        step, validation = COPIES_OF_ACTIVATIONS * batch * sum(outputs), 2 * VALIDATION_BATCH * max(outputs, default=0)
        activations.append(FLOAT_BYTES * max(step, validation))
        limit = int(run.config.get("train_images", 0))
        if run.dataset_info is not None:
            train, valid, test = run.dataset_info.split_sizes
            count = (min(train, limit) if limit else train) + valid + test
            pixels = COPIES_OF_IMAGES * count * prod(run.dataset_info.input_shape)
            images[run.dataset, limit] = KEPT_BYTES if run.dataset_info.stays_in_file else pixels
    return WORKER_BYTES + weights + sum(images.values()) + max(activations)


def measured_bytes(pid: int) -> int:
    """Return what a process has in memory; 0 where the system does not say."""
    with suppress(OSError, ValueError, IndexError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    return 0


def fits(run: Run, beside: Iterable[Run], limit: int, pid: int | None = None) -> bool:
    """Return whether a worker has the memory to train a run beside others; a run that would be alone always fits.

    Args:
        run: The run.
        beside: Those that the worker has.
        limit: The bytes that it may take.
        pid: Its process id, if what it has taken by now shall count too.
    """
    others = tuple(beside)
    if not others:
        return True
    taken = measured_bytes(pid) + estimated_bytes((run,)) - WORKER_BYTES if pid is not None else 0
    return max(taken, estimated_bytes((*others, run))) <= limit
