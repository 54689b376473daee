"""The diagnosis of a run again and again while it trains, at a cost that does not grow with the run."""

import threading

from core.runs.follower import RunFollower
from core.runs.records import Evidence, Metric, Run
from core.runs.store import RunStore
from core.train.diagnosis.diagnose import diagnose
from core.train.diagnosis.finding import Finding
from core.train.diagnosis.run_arrays import MOST, WHOLE

KINDS = ("gradient", "dead")


class Observer:
    """The findings of one run, shared by all who look at it.

    Only what is new is read, and of a long run only some steps stay in memory: the first thousand, those that end an
    epoch, and of the others every second, fourth, eighth … A run that went on from an earlier checkpoint is read anew.
    """

    def __init__(self, store: RunStore, run_id: str) -> None:
        self._follower = RunFollower(store.series, run_id)
        self._lock = threading.Lock()
        self._state: object = None
        self._findings: tuple[Finding, ...] = ()
        self._forget()

    def _forget(self) -> None:
        self._metrics: list[Metric] = []
        self._stride = 1
        self._evidence: list[Evidence] = []

    def findings(self, run: Run) -> tuple[Finding, ...]:
        """Return what is wrong with the run, judged anew whenever it has gone on.

        Raises:
            StorageError: The records cannot be read.
            ConfigError: The settings of the run are those of another version.
        """
        with self._lock:
            state = (run.step, run.seconds, run.status, dict(run.live))
            if state != self._state:
                self._look()
                self._findings = diagnose(run, self._metrics, self._evidence, num_classes=run.spec.num_classes)
                self._state = state
            return self._findings

    def _look(self) -> None:
        news = self._follower.look(KINDS)
        if news.rewound:
            self._forget()
        self._evidence += news.evidence
        self._metrics += [metric for metric in news.metrics if self._stays(metric)]
        while len(self._metrics) > MOST and self._stride < MOST:
            self._stride *= 2
            self._metrics = [metric for metric in self._metrics if self._stays(metric)]

    def _stays(self, metric: Metric) -> bool:
        """Say whether a step stays in memory at the present stride."""
        return metric.step <= WHOLE or metric.valid_loss is not None or metric.step % self._stride == 0
