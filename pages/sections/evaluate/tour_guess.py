"""The guess of the tour about the classes that are mixed up, on the test images."""

from core.classroom.questions import Question, mixed_up
from core.inference.network import Network
from pages.shared.evaluation.evaluate_split import judged


def mixed_up_guess(network: Network) -> Question | None:
    """Return the question, None where there is no mistake, or draw how far its answer is and return None.

    Raises:
        ConvScopeError: It cannot be judged.
    """
    result = judged(network, "test", "tour")
    return None if result is None else mixed_up(result.report.counts, result.names)
