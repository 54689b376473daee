"""HOG with a linear SVM against a network on the same test images: accuracy, time and verdict."""

import time
from dataclasses import dataclass
from typing import Any

from core.data.datasets import Dataset, Split
from core.inference.network import Network
from core.probe.hog import HogResult
from core.train.metrics import evaluate

NUM_TIMED = 256  # test images by which a network's speed is measured where its accuracy is known


@dataclass(frozen=True)
class NetworkScore:
    """A network on the test images: its accuracy, 0 to 1, and the seconds that one image takes in a batch."""

    accuracy: float
    seconds: float


def score_network(model: Any, dataset: Dataset, accuracy: float | None = None) -> NetworkScore:
    """Evaluate a network on the test images of a data set, and take the time.

    Args:
        model: The network, in eval mode.
        dataset: That of its training.
        accuracy: Its test accuracy where it is known: then only `NUM_TIMED` images are run.
    """
    test = dataset.test
    images = test if accuracy is None else Split(test.images[:NUM_TIMED], test.labels[:NUM_TIMED])
    start = time.perf_counter()
    score = evaluate(model, dataset, images)
    seconds = (time.perf_counter() - start) / len(images)
    return NetworkScore(score.accuracy if accuracy is None else accuracy, seconds)


def training_seconds(network: Network) -> float:
    """Return the seconds of training up to the epoch of a network, in proportion to its steps."""
    run = network.require_run()
    if network.epoch is None or not run.step:
        return run.seconds
    return run.seconds * min(1.0, network.epoch * run.steps_per_epoch / run.step)


def contest_verdict(hog: HogResult, network: NetworkScore) -> str:
    """Say which is more accurate, and by how many percentage points, in Markdown."""
    ahead = round(1000 * network.accuracy) - round(1000 * hog.accuracy)
    if not ahead:
        return "**They are even.**"
    points = f"by {abs(ahead) / 10:.1f} percentage points"
    if ahead > 0:
        return f"**The network is ahead {points}:** it found better features than edges in cells."
    return f"**The hand-made features are ahead {points}:** on few or simple images they often are."
