"""Owners of runs: what becomes of a run whose owner ends or falls silent."""

import uuid

_RETURNING = "returning-"  # begins the names of owners whose runs go on elsewhere


def new_owner(*, returning: bool) -> str:
    """Return a name that nobody else has.

    Args:
        returning: Whether the runs of this owner go back to the queue when it ends, for others to go on with; else they
            are interrupted and wait for somebody to resume them.
    """
    return (_RETURNING if returning else "") + uuid.uuid4().hex


def returns(owner: str) -> bool:
    """Return whether the runs of an owner go back to the queue when it ends."""
    return owner.startswith(_RETURNING)
