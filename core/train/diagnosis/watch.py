"""Watching over a run: its diagnosis again and again while it trains, at a cost that does not grow with it."""

import threading

from core.runs.records import Evidence, Metric, Run
from core.runs.store import RunStore
from core.train.diagnosis.diagnose import diagnose
from core.train.diagnosis.finding import Finding
from core.train.diagnosis.run_arrays import MOST, WHOLE

KINDS = ("gradient", "dead")


class Observer:
    """The findings of one run, shared by all who look at it.

    Only what is new is read, and of a long run only some steps are kept: the first thousand, those that end an epoch,
    and of the others every second, fourth, eighth … A run that went on from an earlier checkpoint is read anew.
    """

    def __init__(self, store: RunStore, run_id: str) -> None:
        self.store, self.run_id = store, run_id
        self._lock = threading.Lock()
        self._state: object = None
        self._findings: tuple[Finding, ...] = ()
        self._forget()

    def _forget(self) -> None:
        self._metrics: list[Metric] = []
        self._last: Metric | None = None
        self._stride = 1
        self._evidence: dict[str, list[Evidence]] = {kind: [] for kind in KINDS}

    def findings(self, run: Run) -> tuple[Finding, ...]:
        """Return what is wrong with the run, judged anew whenever it has gone on.

        Raises:
            StorageError: The records cannot be read.
            ConfigError: The settings of the run are those of another version.
        """
        with self._lock:
            state = (run.step, run.seconds, run.status, dict(run.live))
            if state != self._state:
                self._read()
                evidence = [item for known in self._evidence.values() for item in known]
                self._findings = diagnose(run, self._metrics, evidence, num_classes=run.spec.num_classes)
                self._state = state
            return self._findings

    def _read(self) -> None:
        fresh = self.store.metrics(self.run_id, max(0, self._last.step - 1) if self._last else 0)
        if self._last is not None:
            if fresh and fresh[0] == self._last:
                fresh = fresh[1:]
            else:  # that step was taken back, and perhaps made again
                self._forget()
                fresh = self.store.metrics(self.run_id)
        for kind, known in self._evidence.items():
            known += self.store.evidence(self.run_id, kind, known[-1].step if known else -1)
        self._metrics += [metric for metric in fresh if self._kept(metric)]
        self._last = fresh[-1] if fresh else self._last
        while len(self._metrics) > MOST and self._stride < MOST:
            self._stride *= 2
            self._metrics = [metric for metric in self._metrics if self._kept(metric)]

    def _kept(self, metric: Metric) -> bool:
        return metric.step <= WHOLE or metric.valid_loss is not None or metric.step % self._stride == 0
