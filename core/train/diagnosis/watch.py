"""The diagnosis of a run again and again while it trains, at a cost that does not grow with the run."""

import threading

from core.runs.history import History
from core.runs.records import Run
from core.train.diagnosis.diagnose import diagnose
from core.train.diagnosis.finding import Finding

KINDS = ("gradient", "dead")


class Observer:
    """The findings of one run, shared by all who look at it: judged from what its history keeps."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._lock = threading.Lock()
        self._state: object = None
        self._findings: tuple[Finding, ...] = ()

    def findings(self, run: Run) -> tuple[Finding, ...]:
        """Return what is wrong with the run, judged anew whenever it has gone on.

        Raises:
            StorageError: The records cannot be read.
            ConfigError: The settings of the run are those of another version.
        """
        with self._lock:
            state = (run.step, run.seconds, run.status, dict(run.live))
            if state != self._state:
                evidence = self._history.evidence(*KINDS, run=run)
                self._findings = diagnose(run, self._history.steps(), evidence, num_classes=run.spec.num_classes)
                self._state = state
            return self._findings
