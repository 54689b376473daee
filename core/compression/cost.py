"""Cost of a network: file size in bytes and inference time in milliseconds, measured in turns with another network."""

import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from safetensors.torch import load
from scipy.stats import binom
from torch import Tensor, nn

from core.compression.saving import to_file
from core.failures import in_sentences
from core.model.spec import ModelSpec

ROUNDS = 120
_WARM_UP_PASSES = 5
_MIN_SECONDS = 0.5e-3  # seconds that one measurement takes at least: of shorter ones a clock tells little


@dataclass(frozen=True)
class FileSize:
    """Bytes of a network's safetensors file.

    Attributes:
        file: As it is.
        zipped: Compressed as in a zip (deflate): only there zeros take less room than other numbers.
        numbers: How many numbers it holds, scales and the like included.
    """

    file: int
    zipped: int
    numbers: int


@dataclass(frozen=True)
class InferenceTime:
    """Milliseconds for one image: median and quartiles of the rounds."""

    median: float
    low: float
    high: float
    rounds: int


@dataclass(frozen=True)
class TimeRatio:
    """Ratio of two networks' times, round by round: the median and its 95% interval.

    The interval is that of the sign test: it asks nothing of how the times are spread.
    """

    median: float
    low: float
    high: float

    @property
    def told_apart(self) -> bool:
        """Whether one of the two is faster than chance explains, by more than 2%."""
        return (self.high < 1 or self.low > 1) and abs(self.median - 1) > 0.02


def size_of(spec: ModelSpec, model: nn.Module) -> FileSize:
    """Return the size of a network's safetensors file, plain and zipped."""
    data = to_file(spec, model)
    return FileSize(len(data), len(zlib.compress(data, 6)), sum(tensor.numel() for tensor in load(data).values()))


@in_sentences("The race")
def race(
    before: nn.Module,
    after: nn.Module,
    image: Tensor,
    *,
    rounds: int = ROUNDS,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[tuple[InferenceTime, InferenceTime], TimeRatio]:
    """Time two networks on one image in turns, so that other load on the machine affects both alike.

    Args:
        before, after: In evaluation mode.
        image: Normalised, float (C, H, W).
        rounds: How often each is measured, at least 6.
        progress: Called with the rounds done and to do; what it raises ends the work.

    Returns:
        The pace of each, and their ratio, `after` to `before`.
    """
    batch, models = image[None].contiguous(), (before, after)
    with torch.no_grad():
        repeats = [_repeats(model, batch) for model in models]
        seconds = np.empty((rounds, 2))
        for number in range(rounds):
            for place in (0, 1) if number % 2 else (1, 0):
                seconds[number, place] = _clock(models[place], batch, repeats[place])
            if progress is not None:
                progress(number + 1, rounds)
    quarters = np.percentile(seconds * 1000, (50, 25, 75), axis=0).T.tolist()
    one, other = (InferenceTime(median, low, high, rounds) for median, low, high in quarters)
    ratios = np.sort(seconds[:, 1] / seconds[:, 0])
    outside = int(binom.ppf(0.025, rounds, 0.5))
    low, high = float(ratios[outside - 1]), float(ratios[rounds - outside])
    return (one, other), TimeRatio(float(np.median(ratios)), low, high)


def _repeats(model: nn.Module, batch: Tensor) -> int:
    """Warm a network up and return the number of passes per measurement."""
    once = min(_clock(model, batch, 1) for _ in range(_WARM_UP_PASSES))
    return max(1, round(_MIN_SECONDS / max(once, 1e-6)))


def _clock(model: nn.Module, batch: Tensor, repeats: int) -> float:
    start = time.perf_counter()
    for _ in range(repeats):
        model(batch)
    return (time.perf_counter() - start) / repeats
