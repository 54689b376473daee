from .answers import Answers as Answers
from .answers import answers_of as answers_of
from .calibration import Bin as Bin
from .calibration import Reliability as Reliability
from .calibration import reliability as reliability
from .comparison import Comparison as Comparison
from .comparison import McNemar as McNemar
from .comparison import compare as compare
from .comparison import mcnemar as mcnemar
from .confusion import busiest as busiest
from .confusion import cell as cell
from .confusion import confusion_counts as confusion_counts
from .confusion import mistakes as mistakes
from .confusion import row_shares as row_shares
from .galleries import GALLERIES as GALLERIES
from .galleries import Gallery as Gallery
from .metrics import Averages as Averages
from .metrics import ClassScores as ClassScores
from .metrics import Scores as Scores
from .metrics import scores_of as scores_of
from .ranking import Ranking as Ranking
from .ranking import mean_of as mean_of
from .ranking import rankings as rankings
from .report import EvaluationReport as EvaluationReport
from .report import report_of as report_of

__all__ = [
    "GALLERIES",
    "Answers",
    "Averages",
    "Bin",
    "ClassScores",
    "Comparison",
    "EvaluationReport",
    "Gallery",
    "McNemar",
    "Ranking",
    "Reliability",
    "Scores",
    "answers_of",
    "busiest",
    "cell",
    "compare",
    "confusion_counts",
    "mcnemar",
    "mean_of",
    "mistakes",
    "rankings",
    "reliability",
    "report_of",
    "row_shares",
    "scores_of",
]
