"""Asking one network about one picture by one of Captum's methods."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.errors import ExplainError
from core.explain.dice import Dice, seeded
from core.explain.fitness import why_not
from core.explain.method import Choice, Method
from core.explain.methods import METHODS
from core.explain.prediction import check_finite, check_images, finite
from core.explain.question import Contrast, Question, check_class
from core.explain.unfold import unfolded
from core.model.twin import twin_of

Progress = Callable[[int, int], None]
# Parts of a score that are so small beside the scores are what rounding leaves of nothing: no answer to be drawn.
DUST = 1e-7

# The hooks it warns of are put on a copy of the network that is thrown away.
warnings.filterwarnings("ignore", message="Setting backward hooks on ReLU", category=UserWarning)
warnings.filterwarnings("ignore", message="Setting forward, backward hooks and attributes on non-linear")
warnings.filterwarnings("ignore", message="Input Tensor 0 did not already require gradients")


@dataclass(frozen=True, eq=False)
class Attribution:
    """What each pixel has to do with the score of one class.

    Attributes:
        values: Float32 on the CPU: (C, H, W) like the image, or (H, W) where the method cannot tell channels
        apart.
        method: Its key in `METHODS`.
        target: Index of the class that was explained.
        signed: Whether negative values mean something.
        score: The class's logit for this image, less that of `versus`: what is being explained.
        options: Every option with the value that was used.
        versus: Index of the class that was held against it, if any.
    """

    values: Tensor
    method: str
    target: int
    signed: bool
    score: float
    options: Mapping[str, Choice]
    versus: int | None = None

    @property
    def blank(self) -> str | None:
        """Why the map shows nothing, in one sentence; None if it shows something."""
        if bool(self.values.any()):
            return None
        return f"Every value is zero: {METHODS[self.method].blank}"


@dataclass(eq=False)
class _Watch:
    """What is seen of the network while a method asks it: its first answer, and how much it has done.

    Attributes:
        image: The image that is explained.
        classes: Whose scores are needed; checked against the first answer.
        logits: The answer to that image, (K,), once it was among the questions.
        images: How many images went through.
    """

    image: Tensor
    classes: tuple[int, ...]
    method: Method
    passes: int
    progress: Progress | None
    dice: Dice | None
    logits: Tensor | None = None
    images: int = 0

    def before(self, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if self.dice is not None:
            self.dice.pause()

    def after(self, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if self.images == 0:
            check_logits(output.detach(), self.classes)
        if self.logits is None and len(inputs[0]) == 1 and torch.equal(inputs[0], self.image):
            self.logits = output.detach()[0]
        self.images += len(output)
        if self.progress is not None:
            self.progress(min(self.passes, self.images * (1 + self.method.backward)), self.passes)
        if self.dice is not None:
            self.dice.resume()


def check_logits(logits: Tensor, classes: tuple[int, ...]) -> Tensor:
    """Return scores (N, K), or raise `ExplainError` unless they are finite and know each of the classes."""
    if logits.ndim != 2:
        raise ExplainError(f"The network gives {tuple(logits.shape[1:])} for an image, not one score for each class.")
    for each in classes:
        check_class(each, logits.shape[1])
    return check_finite(logits)


def attribute(
    model: nn.Module,
    image: Tensor,
    target: int,
    method: str,
    *,
    versus: int | None = None,
    background: Tensor | None = None,
    progress: Progress | None = None,
    **options: Choice,
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
        progress: Called with the passes done and those to do, after each batch; what it raises ends the work.
        **options: That method's options; its defaults where none is given.

    Returns:
        The attribution, with the options that were used (for Grad-CAM the chosen layer).

    Raises:
        ExplainError: The method, class, an option or the image is not usable, the method does not fit this
            network, or the result is not finite.
    """
    about = _method(method)
    check_images(image, 3)
    chosen = about.resolve(options)
    reason = why_not(model, method, chosen)
    if reason:
        raise ExplainError(reason)
    device = next((weight.device for weight in model.parameters()), image.device)
    batch = image.detach().to(device, torch.float32, copy=True)[None].requires_grad_()
    network = unfolded(model) if about.unfolded or chosen.get("of") == "guided_backprop" else model
    assert network is not None  # `why_not` has seen to it
    classes = (target,) if versus is None else (target, versus)
    if versus is not None and target == versus:
        raise ExplainError("A class cannot be explained against itself: choose another one to compare with.")
    with seeded(0) if about.random else nullcontext() as dice:
        watch = _Watch(batch.detach(), classes, about, about.passes(chosen, tuple(image.shape)), progress, dice)  # type: ignore[arg-type]

        def wrap(twin: nn.Module) -> nn.Module:
            twin.register_forward_pre_hook(watch.before)
            twin.register_forward_hook(watch.after)
            if versus is None:
                return twin
            logits = check_logits(logits_of(model, batch), classes)
            return Contrast(twin, target, versus, logits.shape[1]).to(device)

        index = target if versus is None else 0
        others = None if background is None else background.to(device, torch.float32)
        with torch.enable_grad(), _sentences(watch):
            asked = Question(wrap(twin_of(network)), batch, index, chosen, others, model, wrap)
            values = about.compute(asked).detach().float().cpu()
    if not finite(values):
        raise ExplainError(
            f"{about.title} gave values that are not finite numbers for this picture: try another "
            "method or an earlier epoch."
        )
    logits = watch.logits if watch.logits is not None else check_logits(logits_of(model, batch), classes)[0]
    if (about.family == "Covering" or about.complete) and values.abs().max() <= DUST * float(logits.abs().max()):
        values = torch.zeros_like(values)
    score = float(logits[target] - (0 if versus is None else logits[versus]))
    return Attribution(values, method, target, about.signed, score, chosen, versus)


def _method(name: str) -> Method:
    if name not in METHODS:
        raise ExplainError(f"There is no method {name!r}: choose one of {', '.join(METHODS)}.")
    return METHODS[name]


def logits_of(model: nn.Module, batch: Tensor) -> Tensor:
    """Return what a network says of images (N, C, H, W) on its own device, (N, K)."""
    with torch.no_grad():
        logits: Tensor = twin_of(model)(batch.detach())
    return logits


@contextmanager
def _sentences(watch: _Watch) -> Iterator[None]:
    """Turn what torch says of an image that does not fit the network into a sentence."""
    try:
        yield
    except RuntimeError as error:
        if watch.images:
            raise
        raise ExplainError(
            f"The network cannot take an image of shape {tuple(watch.image.shape[1:])}: choose one of the shape that "
            "it was made for."
        ) from error


def heatmap(attribution: Attribution) -> Tensor:
    """Return one value per pixel, float32 (H, W).

    Signed values are summed over the channels, so that an attribution keeps its total; unsigned ones give the
    largest of the channels, as in Simonyan et al. 2013, section 3.1.
    """
    values = attribution.values
    if values.ndim == 2:
        return values
    return values.sum(dim=0) if attribution.signed else values.abs().amax(dim=0)
