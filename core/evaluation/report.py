"""The full evaluation of a network on one split."""

from dataclasses import dataclass

from core.evaluation.answers import Answers, Whole
from core.evaluation.calibration import Reliability, reliability
from core.evaluation.confusion import confusion_counts
from core.evaluation.metrics import Scores, scores_of
from core.evaluation.ranking import Ranking, rankings
from core.progress import Progress


@dataclass(frozen=True, eq=False)
class EvaluationReport:
    """All scores, curves and diagrams of a network on a split.

    Attributes:
        answers: What it says to each image.
        scores: How good it is.
        counts: Which classes are taken for which, int64 (K, K).
        reliability: Whether it is right as often as it is sure.
        rankings: ROC and precision against recall of each class.
    """

    answers: Answers
    scores: Scores
    counts: Whole
    reliability: Reliability
    rankings: tuple[Ranking, ...]


def report_of(answers: Answers, progress: Progress | None = None) -> EvaluationReport:
    """Return the full evaluation of answers; `progress` is that of `rankings`, which takes longest."""
    ranked = rankings(answers, progress)
    return EvaluationReport(answers, scores_of(answers), confusion_counts(answers), reliability(answers), ranked)
