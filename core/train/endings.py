"""Maps exceptions that end a training to the run's status, message and failure code."""

import traceback
from dataclasses import dataclass

import torch

from core.errors import ConfigError, ConvScopeError, DataError, DivergedError, StorageError
from core.runs.records import DATA_MISSING, DIVERGED, INTERNAL, OUT_OF_MEMORY, SETTINGS, STORAGE, Status

# What torch's allocator for the CPU says; it raises a plain RuntimeError.
_ALLOCATOR = "DefaultCPUAllocator: can't allocate memory"
_CODES: tuple[tuple[type[ConvScopeError], str], ...] = (
    (DivergedError, DIVERGED),
    (StorageError, STORAGE),
    (DataError, DATA_MISSING),
    (ConfigError, SETTINGS),
)


@dataclass(frozen=True)
class Ending:
    """The outcome of a training that ended by an exception.

    Attributes:
        status: Interrupted where another try can go on, failed where it would end at the same place.
        message: Cause and remedy in one sentence or two.
        failure: The code of `Run.failure`.
    """

    status: Status
    message: str
    failure: str


def ending_of(error: Exception, *, has_weights: bool) -> Ending:
    """Return the outcome for an exception; its traceback goes to stderr unless it is a `ConvScopeError`.

    Args:
        error: What was raised, of any kind.
        has_weights: Whether there is a checkpoint to go on from.
    """
    if isinstance(error, ConvScopeError):
        code = next((code for kind, code in _CODES if isinstance(error, kind)), "")
        # a full disk, or images and settings that this machine or version does not have: another one may
        passes = isinstance(error, StorageError) or (isinstance(error, (ConfigError, DataError)) and has_weights)
        return Ending(Status.INTERRUPTED if passes else Status.FAILED, str(error), code)
    traceback.print_exception(error)
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)) or _ALLOCATOR in str(error):
        message = "The training needs more memory than this machine has: use a smaller batch size or network."
        return Ending(Status.FAILED, message, OUT_OF_MEMORY)
    message = (
        f"The training ended by a fault of the program ({type(error).__name__}), and would again at the same step: "
        "worker.log in the folder of the run has the details. Other settings or layers may avoid it."
    )
    return Ending(Status.FAILED, message, INTERNAL)
