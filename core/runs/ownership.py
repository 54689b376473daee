"""Owners of runs: what becomes of a run whose owner ends or falls silent."""

import uuid

_RETURNING = "returning-"  # begins the names of owners whose runs go on elsewhere


def new_owner() -> str:
    """Return a name that nobody else has, of an owner whose runs go back to the queue when it ends."""
    return _RETURNING + uuid.uuid4().hex


def returns(owner: str) -> bool:
    """Return whether the runs of an owner go back to the queue when it ends.

    Those of the command line and of an app of an earlier version are interrupted, and wait until somebody resumes them.
    """
    return owner.startswith(_RETURNING)
