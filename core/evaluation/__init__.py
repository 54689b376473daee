"""How good a network is on images it did not learn from, where it errs, and whether another one is better."""

from core.public import offer

__getattr__, __all__ = offer(
    __name__,
    {
        "answers": ("Answers", "answers_of"),
        "calibration": ("Bin", "Reliability", "reliability"),
        "comparison": ("Comparison", "McNemar", "compare", "mcnemar"),
        "confusion": ("busiest", "cell", "confusion_counts", "mistakes", "row_shares"),
        "galleries": ("GALLERIES", "Gallery"),
        "metrics": ("Averages", "ClassScores", "Scores", "scores_of"),
        "ranking": ("Ranking", "mean_of", "rankings"),
        "report": ("EvaluationReport", "report_of"),
    },
)
