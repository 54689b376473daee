"""What a request changes in the row of a run.

It is decided inside the database: at this very moment a worker may take or pause the run, or another app resume it.
"""

import time
from typing import Any

from sqlalchemy import ColumnElement, case, func, select

from core.errors import RunError
from core.runs.records import Run, Status
from core.runs.tables import RUNS

_GOING_ON = ("resume", "step", "epoch")
_RESUMABLE = [status.value for status in Status if status.resumable]

# What a run obeys at once while it waits: no worker is needed for it.
_AT_ONCE = {
    "pause": ((Status.QUEUED.value,), Status.PAUSED),
    "stop": ((Status.QUEUED.value, Status.PAUSED.value), Status.STOPPED),
}


def answer(run: Run, what: str) -> dict[str, Any]:
    """Return the columns to set when a run is asked to "pause", "resume", "stop", or do a "step" or an "epoch".

    Raises:
        RunError: The word is none of the five, or the run is over.
    """
    if what not in (*_AT_ONCE, *_GOING_ON):
        raise RunError(f"A run can pause, resume, stop, do a step or an epoch, not {what!r}.")
    if not run.status.active and not (what in _GOING_ON and run.status.resumable):
        raise RunError(f"This run is {run.status}: it can do no {what} any more.")
    values: dict[str, Any] = {"wanted": "run" if what == "resume" else what, "steps_wanted": 0}
    if what == "step":
        values = {"wanted": "pause", "steps_wanted": RUNS.c.steps_wanted + 1}
    elif what == "epoch":
        length = max(1, run.steps_per_epoch)
        values = {"wanted": "pause", "steps_wanted": length - run.step % length}
    elif what in _AT_ONCE:
        waiting, then = _AT_ONCE[what]
        values |= _where(RUNS.c.status.in_(waiting), status=then.value)
    if what in _GOING_ON:
        queued = last_in_line(time.time())
        values |= _where(
            RUNS.c.status.in_(_RESUMABLE), status=Status.QUEUED.value, queued=queued, message="", failure=""
        )
    return values


def last_in_line(now: float) -> ColumnElement[float]:
    """Return a time in the queue behind all others, even if the clock was put back."""
    last = select(func.max(RUNS.c.queued)).scalar_subquery()
    return case((last >= now, last + 0.001), else_=now)


def _where(condition: ColumnElement[bool], **values: Any) -> dict[str, Any]:
    return {name: case((condition, value), else_=RUNS.c[name]) for name, value in values.items()}
