"""What came of many pictures, as a table: to show, and as a file for spreadsheets."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from core.inference.network import Network
from pages.shared.readers import known_reader

if TYPE_CHECKING:
    from core.reading.inside import Inside

SHOWN = ("picture", "file", "answer", "probability", "calibrated", "alarm", "note", "error")
LATER = ("calibrated", "alarm")  # what has to be measured first
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # how a cell begins that a spreadsheet would compute


@dataclass(frozen=True, eq=False)
class Batch:
    """What came of some files.

    Attributes:
        errors: Why each cannot be used, one sentence; empty where it can.
        notes: What was noticed when each was opened, sentences; empty where there was nothing.
        thumbnails: Of those that can be used, JPEG as `data:` addresses, in order.
        inside: What the network says of those, in order; None if there are none.
    """

    errors: tuple[str, ...]
    notes: tuple[str, ...]
    thumbnails: tuple[str, ...]
    inside: "Inside | None"


def batch_rows(weights: Network, names: Sequence[str], found: Batch) -> pd.DataFrame:
    """Return one row for each file; what is not known is empty."""
    from scipy.special import softmax

    usable = np.array([not error for error in found.errors])
    rows = pd.DataFrame({"file": list(names), "note": list(found.notes), "error": list(found.errors)})
    rows["picture"] = pd.Series(list(found.thumbnails), index=np.flatnonzero(usable), dtype=object)
    if found.inside is None:
        return rows
    at, read = np.flatnonzero(usable), known_reader(weights)
    classes = weights.class_names
    logits = found.inside.logits.astype(float)
    best = logits.argmax(axis=1)
    rows["answer"] = pd.Series([classes[index] for index in best], index=at, dtype=object)
    rows["probability"] = pd.Series(softmax(logits, axis=1).max(axis=1), index=at)
    if read is not None:
        rows["calibrated"] = pd.Series(read.temperature.calibrated(logits).max(axis=1), index=at)
        alarms = ["yes" if raised else "no" for raised in read.alarm.raised(found.inside)]
        rows["alarm"] = pd.Series(alarms, index=at, dtype=object)
        for limit in read.alarm.limits:
            rows[limit.score.title.lower()] = pd.Series(limit.score(found.inside), index=at)
            rows[f"limit of {limit.score.title.lower()}"] = limit.value
    return rows[
        [name for name in ("picture", "file", "answer", "probability", "calibrated", "alarm") if name in rows]
        + [name for name in rows if name not in SHOWN]
        + ["note", "error"]
    ]


def csv(rows: pd.DataFrame) -> bytes:
    """Return a table as a file for spreadsheets, without pictures; no cell of it is taken for a formula."""
    kept = rows.drop(columns="picture")
    for name in kept.select_dtypes(exclude="number"):
        kept[name] = [f"'{value}" if str(value).startswith(_FORMULA) else value for value in kept[name]]
    return kept.to_csv(index=False).encode()
