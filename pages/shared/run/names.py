"""What to call runs: by their names, and where two have the same one by when they were started, too."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

import streamlit as st

from core.runs.records import Run


def started(run: Run) -> datetime:
    """Return when a run was started, on the clock of the person who looks."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    moment = datetime.fromtimestamp(run.created, UTC)
    try:
        return moment.astimezone(ZoneInfo(st.context.timezone or "UTC"))
    except (ZoneInfoNotFoundError, ValueError):
        return moment


def distinct_names(runs: Sequence[Run]) -> dict[str, str]:
    """Return what to call each of some runs, by its id: no two alike.

    Those of one name get the time at which they were started, and those of one minute the end of their ids.
    """
    met = Counter(run.name for run in runs)
    names = {run.id: f"{run.name} · {started(run):%d %b %H:%M}" if met[run.name] > 1 else run.name for run in runs}
    again = Counter(names.values())
    return {run_id: name if again[name] == 1 else f"{name} · {run_id[-4:]}" for run_id, name in names.items()}
