"""The recorded steps of a run as CSV; every number survives bit for bit."""

import csv
import io
import math
from collections.abc import Iterable, Iterator
from dataclasses import astuple

from core.exchange.layout import COLUMNS, METRICS, refusal
from core.runs.records import Metric

MAX_COUNT = 2**31 - 1


def curves_csv(metrics: Iterable[Metric]) -> str:
    """Return the CSV of a run's steps: a header, then one line for every recorded step.

    Numbers are written so that reading them gives the same float64; validation scores are left empty but after
    an epoch.
    """
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(COLUMNS)
    lines.writerows(astuple(metric) for metric in metrics)  # the module writes floats by `repr` and None as nothing
    return text.getvalue()


def read_curves(text: str) -> tuple[Metric, ...]:
    """Read what `curves_csv` wrote; raises `ArchiveError` if it is anything else or cannot be the course of a run."""
    metrics: list[Metric] = []
    for row in _rows(text):
        metric = _metric(row, len(metrics) + 2)
        if metrics and (metric.step <= metrics[-1].step or metric.epoch < metrics[-1].epoch):
            raise refusal(f"The steps in {METRICS} are not in order (line {len(metrics) + 2})")
        metrics.append(metric)
    return tuple(metrics)


def _rows(text: str) -> Iterator[list[str]]:
    try:
        lines = csv.reader(io.StringIO(text), strict=True)
        if tuple(next(lines, ())) != COLUMNS:
            raise refusal(f"The columns of {METRICS} are not {', '.join(COLUMNS)}")
        yield from lines
    except csv.Error as error:
        raise refusal(f"{METRICS} is no table of comma-separated values") from error


def _metric(row: list[str], line: int) -> Metric:
    try:
        step, epoch, *measures, valid_loss, valid_accuracy = row
        lr, seconds, loss, accuracy = map(_number, measures)
        scores = [None if text == "" else _number(text) for text in (valid_loss, valid_accuracy)]
        return Metric(_count(step), _count(epoch), lr, seconds, loss, accuracy, *scores)
    except ValueError as error:
        raise refusal(f"Line {line} of {METRICS} does not hold the numbers of a step") from error


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:11]) <= MAX_COUNT):
        raise ValueError(text[:40])
    return int(text)


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text[:40])
    return value
