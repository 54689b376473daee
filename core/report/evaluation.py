"""Evaluation of a run's network in a lab report: metrics, scores of classes, confusion matrix."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.evaluation.confusion import busiest, mistakes, row_shares
from core.evaluation.report import EvaluationReport
from core.figures.palette import ACCENT, Pixels, hex_of, luminance
from core.report.elements import Bar
from core.runs.scores import accuracy_text

MAX_CLASSES = 20


@dataclass(frozen=True)
class Cell:
    """One number of the confusion matrix with its background and a colour that stands out against it."""

    count: int
    background: str
    colour: str
    right: bool


@dataclass(frozen=True)
class Confusion:
    """The matrix: names of its classes, one row for each true class, and what the colours mean.

    `left_out` counts the classes for which there is no room; `worst` names the pairs that are mixed up most often.
    """

    names: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    legend: Bar
    left_out: int
    worst: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True)
class ReportEvaluation:
    """The evaluation in words and numbers as they are printed.

    Attributes:
        images: How many test images.
        metrics: Of each number about all of them: its name, its value, and its interval or nothing.
        classes: Of each class: name, images, precision, recall, F1.
        confusion: Which classes are taken for which.
    """

    images: int
    metrics: tuple[tuple[str, str, str], ...]
    classes: tuple[tuple[str, ...], ...]
    confusion: Confusion


def report_evaluation(report: EvaluationReport, names: Sequence[str]) -> ReportEvaluation:
    """Return the printed form of a report on a split."""
    scores = report.scores
    rates = [("Accuracy", scores.accuracy), *((f"Among the {k} likeliest", rate) for k, rate in scores.top.items())]
    metrics = [
        (name, accuracy_text(rate.value, len(report.answers)), f"{100 * rate.low:.1f}–{100 * rate.high:.1f}%")
        for name, rate in rates
    ]
    macro = scores.averages["macro"]
    plain = [
        ("Precision, mean of the classes", f"{macro.precision:.1%}"),
        ("Recall, mean of the classes", f"{macro.recall:.1%}"),
        ("F1, mean of the classes", f"{macro.f1:.3f}"),
        ("Cross-entropy", f"{scores.cross_entropy:.4f}"),
        ("Brier score (0 to 2)", f"{scores.brier:.4f}"),
        ("Expected calibration error", f"{report.reliability.expected_error:.1%}"),
    ]
    metrics += [(name, value, "") for name, value in plain]
    classes = tuple(
        (name, f"{row.images:,}", _share(row.precision), _share(row.recall), _share(row.f1))
        for name, row in zip(names, scores.classes, strict=True)
    )
    return ReportEvaluation(scores.images, tuple(metrics), classes, _confusion(report, names))


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _confusion(report: EvaluationReport, names: Sequence[str]) -> Confusion:
    indices, shares = busiest(report.counts, MAX_CLASSES), row_shares(report.counts)
    tints = _tints(np.nan_to_num(shares))
    light = luminance(tints) > 0.3
    rows = tuple(
        tuple(
            Cell(
                int(report.counts[true, predicted]),
                hex_of(tints[true, predicted]),
                "#1a2322" if light[true, predicted] else "#ffffff",
                bool(true == predicted),
            )
            for predicted in indices
        )
        for true in indices
    )
    words = "Colours: the share of the row's images, from none (white) to all (teal)."
    legend = Bar(f"linear-gradient(to right, #ffffff, {ACCENT})", ("0%", "50%", "100%"), words)
    worst = tuple((names[true], names[taken], count) for true, taken, count in mistakes(report.counts)[:5])
    labels = tuple(names[index] for index in indices)
    return Confusion(labels, rows, legend, len(names) - len(indices), worst)


def _tints(shares: NDArray[np.float64]) -> Pixels:
    """Return shares (…) as tints of the accent colour on white, uint8 (…, 3)."""
    accent = np.array(list(bytes.fromhex(ACCENT.removeprefix("#"))))
    return (255 + (accent - 255.0) * shares[..., None]).round().astype(np.uint8)
