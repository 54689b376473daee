"""Following a run: what it recorded since the last look, and whether it was rewound to a checkpoint meanwhile."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.runs.overview import Overview
from core.runs.records import Evidence, Metric
from core.runs.series import Series


@dataclass(frozen=True)
class News:
    """What one look brings.

    Attributes:
        rewound: Whether the run went on from an earlier checkpoint: what earlier looks brought no longer holds, and
            everything that does is brought again, evidence of the kinds that are asked for only.
        metrics: New steps, in order.
        overview: What a long run recorded before `metrics`, at the first look and after a rewind; else None.
        evidence: New evidence of the kinds asked for, by kind and step.
    """

    rewound: bool
    metrics: tuple[Metric, ...]
    overview: Overview | None
    evidence: tuple[Evidence, ...]


class RunFollower:
    """One reader's position in the records of a run.

    Each look reads only what was recorded since the one before, and the first one of a long run an overview in at most
    `points` stretches, so it costs the same however long the run is. The last step is read once more: if it is no
    longer as it was, the run was rewound. For one thread at a time.
    """

    def __init__(self, series: Series, run_id: str, points: int) -> None:
        self._series, self._run_id, self._points = series, run_id, points
        self._start()

    def _start(self) -> None:
        self._last: Metric | None = None
        self._evidence_step: dict[str, int] = {}

    def look(self, kinds: Sequence[str] = ()) -> News:
        """Return what is new, with evidence of some kinds (see `Evidence`); raises `StorageError`."""
        rewound, overview = False, None
        if self._last is not None:
            metrics = self._series.metrics(self._run_id, self._last.step - 1)
            if metrics and metrics[0] == self._last:
                metrics = metrics[1:]
            else:
                rewound = True
                self._start()
        if self._last is None:
            overview = self._series.overview(self._run_id, self._points)
            metrics = self._series.metrics(self._run_id, overview.last.step if overview else 0)
            self._last = overview.last if overview else None
        self._last = metrics[-1] if metrics else self._last
        evidence: list[Evidence] = []
        for kind in kinds:
            new = self._series.evidence(self._run_id, kind, self._evidence_step.get(kind, -1))
            if new:
                self._evidence_step[kind] = new[-1].step
            evidence += new
        return News(rewound, metrics, overview, tuple(evidence))
