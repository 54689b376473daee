"""The pointing game: how often maps of several methods peak on the object, with 95% intervals."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, bootstrap
from torch import Tensor, nn

from core.errors import ExplainError
from core.explain.attribution import heatmap
from core.explain.metrics.sensitivity import Explain, tell_done, within
from core.failures import in_sentences
from core.progress import Progress

CONFIDENCE, RESAMPLES = 0.95, 2_000
RANDOM, CENTRE = "random", "centre"  # the two rows that know nothing of the network


@dataclass(frozen=True)
class Rate:
    """A share with its 95% interval, each 0 to 1; the higher the better."""

    value: float
    low: float
    high: float
    better: ClassVar[str] = "higher"


@dataclass(frozen=True)
class PointingResult:
    """The scores of one method.

    Attributes:
        method: Its name, or `RANDOM` or `CENTRE`.
        hits: The pointing game: of the images, those whose largest value lies on the object, with Wilson's interval.
        inside: The mean share of the positive attribution that lies on the object, with a bootstrap interval; None
            where every map was blank.
        images: How many were explained.
        blank: How many of the maps had no positive value: no hit, and left out of `inside`.
    """

    method: str
    hits: Rate
    inside: Rate | None
    images: int
    blank: int


@dataclass(frozen=True)
class PointingGame:
    """The results of several methods, best first by hits, and of two baselines.

    Attributes:
        standings: One for each method.
        random: That of a map drawn at random for each image.
        centre: That of one map which is largest at the centre of the image and falls off to its edges.
        covered: The mean share of an image that its object covers.
    """

    standings: tuple[PointingResult, ...]
    random: PointingResult
    centre: PointingResult
    covered: float


def wilson(hits: int, images: int) -> Rate:
    """Return a share of hits with its interval (Wilson 1927, doi:10.1080/01621459.1927.10502953)."""
    bounds = binomtest(hits, images).proportion_ci(CONFIDENCE, method="wilson")
    return Rate(hits / images, float(bounds.low), float(bounds.high))


def mean_rate(shares: NDArray[np.float64], seed: int = 0) -> Rate:
    """Return a mean with the interval of its percentile bootstrap (Efron 1979, doi:10.1214/aos/1176344552)."""
    mean = float(shares.mean())
    if np.ptp(shares) == 0:  # one value, or all the same: there is nothing to draw from
        return Rate(mean, mean, mean) if len(shares) > 1 else Rate(mean, 0.0, 1.0)
    result = bootstrap(
        (shares,),
        np.mean,
        n_resamples=RESAMPLES,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return Rate(mean, float(result.low), float(result.high))


def pointing_result(
    method: str, maps: Iterable[NDArray[np.float64]], masks: NDArray[np.bool_], seed: int = 0
) -> PointingResult:
    """Return the scores of maps (H, W), one for each of the objects (N, H, W).

    Of several largest values chance takes one, so that no corner is preferred (Zhang et al. 2018, section 4.2,
    "Top-down Neural Attention by Excitation Backprop", doi:10.1007/s11263-017-1059-x; no pixel of tolerance).
    """
    rng = np.random.default_rng(seed)
    hits, blank, inside = 0, 0, list[float]()
    for values, mask in zip(maps, masks, strict=True):
        if not np.isfinite(values).all():
            raise ExplainError(f"{method} gave values that are not finite numbers: leave it out, or try another epoch.")
        positive = values.clip(min=0)
        if not positive.any():
            blank += 1
            continue
        largest = np.flatnonzero(positive == positive.max())
        hits += bool(mask.flat[rng.choice(largest)])
        inside.append(float(positive[mask].sum() / positive.sum()))
    shares = mean_rate(np.array(inside), seed) if inside else None
    return PointingResult(method, wilson(hits, len(masks)), shares, len(masks), blank)


def centre_map(shape: tuple[int, int]) -> NDArray[np.float64]:
    """Return a map that is 1 at the centre and falls off to 0 at the corners, float64 (H, W)."""
    rows, columns = (np.arange(size) - (size - 1) / 2 for size in shape)
    distance = np.hypot(rows[:, None], columns)
    most = float(distance.max())
    return 1 - distance / most if most else np.ones(shape)


@in_sentences("The pointing game")
def score_methods(
    model: nn.Module,
    images: Tensor,
    masks: Tensor,
    labels: Tensor,
    methods: Mapping[str, Explain],
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> PointingGame:
    """Explain the true class of images by several methods and return their scores.

    Args:
        model: The network.
        images: Normalised images, float (N, C, H, W).
        masks: Where the objects are, bool (N, H, W).
        labels: The true classes, int64 (N,).
        methods: By name, what makes an attribution of a network, an image and a class.
        seed: For equal values, random maps and the bootstrap.
        progress: Called with the parts done and all of them, `PARTS_PER_EXPLANATION` for each explanation; may raise.

    Raises:
        ExplainError: There is no image, no mask, or an object that fills its image or none of it; or what a method
            raises.
    """
    if not len(images) or masks.shape != (len(images), *images.shape[2:]) or len(labels) != len(images):
        raise ExplainError("The league needs images with a class and a mask of the same size each: take other images.")
    objects = masks.numpy().astype(bool)
    covered = objects.mean(axis=(1, 2))
    if not ((covered > 0) & (covered < 1)).all():
        raise ExplainError("In some of these images the object is nowhere or everywhere, so no map can miss or hit it.")
    total, done = len(images) * len(methods), 0

    def maps(explain: Explain) -> Iterator[NDArray[np.float64]]:
        nonlocal done
        for image, label in zip(images, labels.tolist(), strict=True):
            attribution = explain(model, image, label, progress=within(progress, done, total))
            yield np.asarray(heatmap(attribution), dtype=np.float64)
            done += 1
            tell_done(progress, done, total)

    standings = [pointing_result(name, maps(explain), objects, seed) for name, explain in methods.items()]
    rng, shape = np.random.default_rng([seed, 1]), objects.shape[1:]
    chance = pointing_result(RANDOM, [rng.random(shape) for _ in objects], objects, seed)
    centre = pointing_result(CENTRE, [centre_map(shape)] * len(objects), objects, seed)
    standings.sort(key=lambda each: (-each.hits.value, -(each.inside.value if each.inside else 0)))
    return PointingGame(tuple(standings), chance, centre, float(covered.mean()))
