"""`attribute`: the attribution of one class score of one network for one image."""

import warnings
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from core.errors import ExplainError
from core.explain.canonize import canonized
from core.explain.compatibility import incompatibility
from core.explain.forward_hooks import ForwardMonitor, check_logits, logits_of, sentences
from core.explain.methods.base import Method
from core.explain.methods.registry import METHODS
from core.explain.metrics.completeness import CompletenessGap
from core.explain.request import AttributionRequest, Contrast
from core.inference.copies import shallow_copy_for_hooks
from core.inference.prediction import check_images, finite
from core.inference.random_state import seeded
from core.options import OptionValue
from core.progress import Progress

# Parts of a score that are so small beside the scores are what rounding leaves of nothing: no answer to be drawn.
DUST = 1e-7
ROUNDING = 1e-6  # of a score: what single precision cannot tell

# The hooks it warns of are put on a copy of the network that is thrown away.
warnings.filterwarnings("ignore", message="Setting backward hooks on ReLU", category=UserWarning)
warnings.filterwarnings("ignore", message="Setting forward, backward hooks and attributes on non-linear")
warnings.filterwarnings("ignore", message="Input Tensor 0 did not already require gradients")


@dataclass(frozen=True, eq=False)
class Attribution:
    """The attribution of the score of one class to the pixels of an image.

    Attributes:
        values: Float32 on the CPU: (C, H, W) like the image, or (H, W) where the method cannot tell channels
        apart.
        method: Its key in `METHODS`.
        target: Index of the class that was explained.
        signed: Whether negative values mean something.
        score: The class's logit for this image, less that of `versus`: what is being explained.
        options: Every option with the value that was used.
        versus: Index of the class that was held against it, if any.
        cells: Rows and columns of the layer's maps that the values were stretched from; None where they were not.
        gap: How the sum of the values compares with what the method promises; None where it promises nothing.
    """

    values: Tensor
    method: str
    target: int
    signed: bool
    score: float
    options: Mapping[str, OptionValue]
    versus: int | None = None
    gap: CompletenessGap | None = None
    cells: tuple[int, int] | None = None

    @property
    def blank(self) -> str | None:
        """Why the map shows nothing, in one sentence; None if it shows something."""
        if bool(self.values.any()):
            return None
        return f"Every value is zero: {METHODS[self.method].blank}"


def attribute(
    model: nn.Module,
    image: Tensor,
    target: int,
    method: str,
    *,
    versus: int | None = None,
    background: Tensor | None = None,
    logits: Tensor | None = None,
    progress: Progress | None = None,
    **options: OptionValue,
) -> Attribution:
    """Explain the score (logit, before softmax) that a network gives one class for one image.

    Runs in eval mode on a copy that shares the weights: the network, its gradients, hooks and modes are left
    as they were found, after a failure too. The same call gives the same values.

    Args:
        model: The network; its outputs are logits.
        image: Normalised image, float (C, H, W).
        target: Index of the class to explain, any of the K.
        method: A key of `METHODS`.
        versus: Index of another class: then the score of `target` less that of this one is explained.
        background: Normalised images (M, C, H, W) that stand for nothing in particular, for the methods of SHAP that
            start from other pictures; by default noise around the mean colour.
        logits: The network's scores for this very image, (K,), where they are known: it saves a pass.
        progress: Called with the passes done and those to do, after each batch; what it raises ends the work.
        **options: That method's options; its defaults where none is given.

    Returns:
        The attribution, with the options that were used (for Grad-CAM the chosen layer).

    Raises:
        ExplainError: The method, class, an option or the image is not usable, the method does not fit this
            network, or the result is not finite.
    """
    about, classes = _method(method), (target,) if versus is None else (target, versus)
    chosen = about.resolve(options)
    _check(model, image, classes, method, chosen)
    device = next((weight.device for weight in model.parameters()), image.device)
    batch = image.detach().to(device, torch.float32, copy=True)[None].requires_grad_()
    network = canonized(model) if about.unfolded or chosen.get("of") == "guided_backprop" else model
    assert network is not None  # `incompatibility` has seen to it
    passes = about.passes(chosen, (image.shape[0], image.shape[1], image.shape[2]))
    with seeded(0) if about.random else nullcontext() as random:
        watch = ForwardMonitor(batch.detach(), classes, passes, 1 + about.backward, progress, random)
        with torch.enable_grad(), sentences(watch, about.title):
            wrap = watch.on if versus is None else partial(_contrast, watch, model, (target, versus))
            twin, index = wrap(shallow_copy_for_hooks(network)), target if versus is None else 0
            others = None if background is None else background.to(device, torch.float32)
            request = AttributionRequest(twin, batch, index, chosen, others, model, wrap, watch.expect)
            values = about.compute(request).detach().float().cpu()
            start = _start(about, request)
    scores = _logits(model, batch, logits, classes) if watch.logits is None else watch.logits
    score = float(scores[target] - (0 if versus is None else scores[versus]))
    values, rounding = _clean(values, about, scores), ROUNDING * float(scores.abs().max())
    total = float(values.double().sum())
    gap = None if about.promise is None else CompletenessGap(total, score - start, about.promise, rounding)
    cells = (request.cells[0], request.cells[1]) if request.cells else None
    return Attribution(values, method, target, about.signed, score, chosen, versus, gap, cells)


def _check(
    model: nn.Module, image: Tensor, classes: tuple[int, ...], method: str, options: Mapping[str, OptionValue]
) -> None:
    """Raise `ExplainError` unless the image is one, the method fits the network and the classes differ."""
    check_images(image, 3)
    reason = incompatibility(model, method, options)
    if reason:
        raise ExplainError(reason)
    if len(set(classes)) < len(classes):
        raise ExplainError("A class cannot be explained against itself: choose another one to compare with.")


def _start(about: Method, request: AttributionRequest) -> float:
    """Return the reference score of the completeness axiom: 0, or the mean score of the starting pictures."""
    if about.promise is None or about.promise.of == "score":
        return 0.0
    network = request.twin(request.original)
    with torch.no_grad():
        scores = [network(part)[:, request.target] for part in request.starts.split(request.batch)]
    return float(torch.cat(scores).double().mean())


def _contrast(watch: ForwardMonitor, model: nn.Module, classes: tuple[int, int], twin: nn.Module) -> nn.Module:
    """Return a monitored copy of a network whose only output is the difference of two class scores."""
    logits = check_logits(logits_of(model, watch.image), classes)
    return Contrast(watch.on(twin), *classes, logits.shape[1]).to(logits.device)


def _logits(model: nn.Module, batch: Tensor, logits: Tensor | None, classes: tuple[int, ...]) -> Tensor:
    """Return the logits (K,) of the image, given or computed, where the method itself has not asked for them."""
    return check_logits(logits_of(model, batch) if logits is None else logits[None], classes)[0].float().cpu()


def _clean(values: Tensor, about: Method, logits: Tensor) -> Tensor:
    """Return attributions with values below `DUST` of the score set to zero; raises `ExplainError` if not finite."""
    if not finite(values):
        raise ExplainError(
            f"{about.title} gave values that are not finite numbers for this picture: try another "
            "method or an earlier epoch."
        )
    is_share = about.family == "Covering" or about.promise is not None
    if is_share and values.abs().max() <= DUST * float(logits.abs().max()):
        return torch.zeros_like(values)
    return values


def _method(name: str) -> Method:
    if name not in METHODS:
        raise ExplainError(f"There is no method {name!r}: choose one of {', '.join(METHODS)}.")
    return METHODS[name]


def heatmap(attribution: Attribution) -> Tensor:
    """Return one value per pixel, float32 (H, W).

    Signed values are summed over the channels, so that an attribution keeps its total; unsigned ones give the
    largest of the channels, as in Simonyan et al. 2013, section 3.1.
    """
    values = attribution.values
    if values.ndim == 2:
        return values
    return values.sum(dim=0) if attribution.signed else values.abs().amax(dim=0)
