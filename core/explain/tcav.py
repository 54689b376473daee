"""TCAV: testing with concept activation vectors (Kim et al. 2018)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from captum.attr import LayerActivation, LayerGradientXActivation
from numpy.typing import NDArray
from scipy import stats
from sklearn.linear_model import RidgeClassifier
from torch import Tensor, nn
from torch.nn import functional

from core.errors import ExplainError
from core.failures import in_sentences
from core.inference.copies import shallow_copy_for_hooks
from core.inference.prediction import batch_size, scores
from core.progress import Progress
from core.significance import SIGNIFICANCE_LEVEL

MAX_VECTOR = 2048  # numbers of a vector


class LayerVectors:
    """Activations and gradients of one layer of a network.

    Maps of many cells are averaged over squares of cells until a vector has at most `MAX_VECTOR` numbers; a derivative
    along a direction in that space is then the sum of products with the averaged gradient, exactly.

    Args:
        model: (N, C, H, W) normalised images to (N, K) logits.
        layer: A name of `model.named_modules()`.
        normalize: Turns pixels, uint8, into what the network receives.
        tell: Called after each batch with the number of its pictures.

    Raises:
        ExplainError: There is no such layer.
    """

    def __init__(
        self,
        model: nn.Module,
        layer: str,
        normalize: Callable[[Tensor], Tensor],
        tell: Callable[[int], None] = lambda count: None,
    ) -> None:
        self._model, self.layer, self._normalize, self._tell = shallow_copy_for_hooks(model), layer, normalize, tell
        modules = dict(self._model.named_modules())
        if not layer or layer not in modules:
            raise ExplainError(f"The network has no layer {layer[:60]!r}: choose one of its own.")
        for module in modules.values():  # what works in place would change a layer's output after the fact
            if getattr(module, "inplace", False):
                module.inplace = False
        self._module = modules[layer]
        self._device = next((weight.device for weight in self._model.parameters()), torch.device("cpu"))

    def activations(self, pixels: Tensor) -> Tensor:
        """Return the layer's output for pictures, uint8 (N, C, H, W): float32 (N, F) on the CPU."""
        captum = LayerActivation(self._model, self._module)
        return self._each(pixels, captum.attribute)

    def gradients(self, pixels: Tensor, target: int) -> Tensor:
        """Return the gradient of a class's logit at the layer's output for pictures: float32 (N, F) on the CPU.

        Raises:
            ExplainError: The network has no such class.
        """
        classes = scores(self._model, self._normalize(pixels[:1])).shape[1]
        if not 0 <= target < classes:
            raise ExplainError(f"The network has no class {target!r}: choose a whole number from 0 to {classes - 1}.")
        captum = LayerGradientXActivation(self._model, self._module, multiply_by_inputs=False)
        return self._each(pixels, lambda images: captum.attribute(images, target=target))

    def _each(self, pixels: Tensor, ask: Callable[[Tensor], Tensor]) -> Tensor:
        parts = []
        for part in pixels.split(batch_size(pixels)):
            images = self._normalize(part).to(self._device).requires_grad_()
            with torch.enable_grad():
                answer = ask(images)
            if not isinstance(answer, Tensor) or len(answer) != len(part):
                raise ExplainError(f"Layer {self.layer} does not give one answer for each picture: choose another one.")
            parts.append(_vectors(answer.detach()).float().cpu())
            self._tell(len(part))
        vectors = torch.cat(parts)
        if not torch.isfinite(vectors).all():
            raise ExplainError(f"Layer {self.layer} gives numbers that are not finite: choose an earlier epoch.")
        return vectors


def _vectors(output: Tensor) -> Tensor:
    """Return a layer's output as vectors (N, F) of bounded length."""
    if output.ndim == 4:
        channels, height, width = output.shape[1:]
        side = max(1, int((MAX_VECTOR / channels) ** 0.5))
        if side < max(height, width):
            output = functional.adaptive_avg_pool2d(output, (min(side, height), min(side, width)))
    return output.flatten(1)


Floats = NDArray[np.float64]
MIN_ACCURACY = 0.65  # of the held-out pictures told apart: below that, a direction hardly stands for its concept
_RIDGE = 0.1  # of vectors whose mean squared length is 1
_TRAIN_SHARE = 2 / 3  # of the pictures; the others test what was learned


@dataclass(frozen=True)
class ConceptScore:
    """The TCAV scores of one concept for a class.

    Attributes:
        concept: Its name.
        scores: For each repetition the share of examples, 0 to 1, whose score for the class rises when the layer's
            output is moved towards the concept.
        accuracy: Share of held-out pictures, 0 to 1, that the linear classifiers told apart from random ones.
        p: Probability of so large a difference from random directions if there is none, two-sided, times the number
            of concepts (Bonferroni); at most 1.
    """

    concept: str
    scores: tuple[float, ...]
    accuracy: float
    p: float

    @property
    def score(self) -> float:
        """The mean over the repetitions."""
        return float(np.mean(self.scores))

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% confidence interval of the mean."""
        return mean_interval(self.scores)

    @property
    def significant(self) -> bool:
        """Whether it differs from random directions by more than chance."""
        return self.p < SIGNIFICANCE_LEVEL

    @property
    def readable(self) -> bool:
        """Whether a linear classifier separates the concept's images from random ones at this layer."""
        return self.accuracy >= MIN_ACCURACY


@dataclass(frozen=True)
class ConceptReport:
    """The TCAV scores of several concepts for a class.

    Attributes:
        layer: Where was looked.
        target: The class.
        examples: How many pictures of it were asked.
        concepts: One for each concept, in the order given.
        random: The scores of directions between random pictures, one for each repetition: what chance gives.
    """

    layer: str
    target: int
    examples: int
    concepts: tuple[ConceptScore, ...]
    random: tuple[float, ...]


@in_sentences("Testing concepts")
def concept_scores(
    model: nn.Module,
    layer: str,
    target: int,
    examples: Tensor,
    concepts: Mapping[str, Tensor],
    randoms: Tensor,
    normalize: Callable[[Tensor], Tensor],
    *,
    repeats: int = 20,
    seed: int = 0,
    progress: Progress | None = None,
) -> ConceptReport:
    """Test with concept activation vectors (TCAV: Kim et al. 2018, arXiv:1711.11279).

    A linear classifier learns to tell a concept's pictures from random ones by a layer's output; the vector at right
    angles to its border is the concept's direction. Its score is the share of examples whose logit for the class
    rises along it. Repeated with other random pictures, it is compared with directions between random pictures.

    Args:
        model: (N, C, H, W) normalised images to (N, K) logits; it is left as it was found.
        layer: A name of `model.named_modules()`.
        target: The class.
        examples: Pictures of it, uint8 (N, C, H, W).
        concepts: Pictures of each concept, at least 12, uint8 (P, C, H, W).
        randoms: Random pictures, at least twice as many as of a concept.
        normalize: Turns pixels into what the network receives.
        repeats: How many directions to learn for each concept, at least 2.
        seed: What is drawn at random depends on it alone.
        progress: Called with the steps done and all of them; it may raise to cancel.

    Raises:
        ExplainError: There are too few pictures, no such layer or class, or the class does not react to the layer.
    """
    _check(examples, concepts, randoms, repeats)
    images = len(examples) + len(randoms) + sum(map(len, concepts.values()))
    total, done = images + repeats * (len(concepts) + 1), 0

    def tell(count: int) -> None:
        nonlocal done
        done += count
        if progress is not None:
            progress(done, total)

    tell(0)
    inside = LayerVectors(model, layer, normalize, tell)
    slopes = _slopes(inside, examples, target)
    others = inside.activations(randoms).double().numpy()
    size = float(np.sqrt((others**2).sum(axis=1).mean())) or 1.0
    others /= size
    makers = np.random.default_rng(seed).spawn(len(concepts) + 1)
    random, _ = _repeated(None, others, slopes, makers[0], repeats, min(map(len, concepts.values())), tell)
    results = []
    for (name, pixels), rng in zip(concepts.items(), makers[1:], strict=True):
        vectors = inside.activations(pixels).double().numpy() / size
        scores, accuracy = _repeated(vectors, others, slopes, rng, repeats, len(vectors), tell)
        results.append(ConceptScore(name, scores, accuracy, min(1.0, _p(scores, random) * len(concepts))))
    return ConceptReport(layer, target, len(examples), tuple(results), random)


def _slopes(inside: LayerVectors, examples: Tensor, target: int) -> NDArray[np.float64]:
    """Return the gradients of a class's logit at the layer, (N, F); raises `ExplainError` if all are zero."""
    slopes = inside.gradients(examples, target).double().numpy()
    if not slopes.any():
        raise ExplainError(
            f"The score of this class does not react to layer {inside.layer} for any of these pictures: choose a later "
            "layer or another epoch."
        )
    return slopes


def mean_interval(scores: Sequence[float]) -> tuple[float, float]:
    """Return the 95% confidence interval of the mean of at least two shares (Student's t), inside 0..1."""
    mean = float(np.mean(scores))
    error = float(stats.sem(scores)) * float(stats.t.ppf(0.975, len(scores) - 1))
    return max(0.0, mean - error), min(1.0, mean + error)


def direction(vectors: Floats, others: Floats) -> Floats:
    """Return the concept activation vector (F,): of length 1, from `others` (M, F) towards `vectors` (N, F)."""
    labels = np.repeat([1, 0], [len(vectors), len(others)])
    border = RidgeClassifier(alpha=_RIDGE).fit(np.concatenate([vectors, others]), labels)
    normal: Floats = border.coef_.ravel()
    return normal / (np.linalg.norm(normal) or 1.0)


def _check(examples: Tensor, concepts: Mapping[str, Tensor], randoms: Tensor, repeats: int) -> None:
    if not len(examples):
        raise ExplainError("There is no picture of this class to ask: choose another class.")
    if not concepts or min(map(len, concepts.values())) < 12 or len(randoms) < 2 * max(map(len, concepts.values())):
        raise ExplainError("A concept needs at least 12 pictures, and twice as many random ones to compare them with.")
    if repeats < 2:
        raise ExplainError("Chance can be told only from at least two repetitions.")


def _repeated(
    vectors: Floats | None,
    others: Floats,
    slopes: Floats,
    rng: np.random.Generator,
    repeats: int,
    count: int,
    tell: Callable[[int], None],
) -> tuple[tuple[float, ...], float]:
    """Return the scores of several directions towards a concept (None: random pictures), and their mean accuracy."""
    scores, right, learned = list[float](), list[float](), round(count * _TRAIN_SHARE)
    for _ in range(repeats):
        order = rng.permutation(len(others))
        against = others[order[:count]]
        towards = others[order[count : 2 * count]] if vectors is None else vectors[rng.permutation(count)]
        normal = direction(towards[:learned], against[:learned])
        middle = (towards[:learned].mean(axis=0) + against[:learned].mean(axis=0)) @ normal / 2
        held_out = np.concatenate([towards[learned:] @ normal > middle, against[learned:] @ normal <= middle])
        scores.append(float((slopes @ normal > 0).mean()))
        right.append(float(held_out.mean()))
        tell(1)
    return tuple(scores), float(np.mean(right))


def _p(scores: tuple[float, ...], random: tuple[float, ...]) -> float:
    """Return the probability of the difference under chance: Welch's t-test, two-sided."""
    if np.ptp(scores) == np.ptp(random) == 0:
        return float(scores[0] == random[0])
    summaries = [value for each in (scores, random) for value in (np.mean(each), np.std(each, ddof=1), len(each))]
    return float(stats.ttest_ind_from_stats(*summaries, equal_var=False).pvalue)
