"""Forward hooks that record the logits, report progress and translate errors during an attribution."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.errors import ConvScopeError, ExplainError
from core.explain.request import check_class
from core.failures import failure, in_brief, is_about_memory
from core.inference.copies import shallow_copy_for_hooks
from core.inference.prediction import check_finite
from core.inference.random_state import SeededGlobalState
from core.progress import Progress


@dataclass(eq=False)
class ForwardMonitor:
    """Monitors a network during an attribution: its first logits and the number of images passed.

    Attributes:
        image: The image that is explained, (1, C, H, W).
        classes: Whose scores are needed; checked against the first answer.
        passes: How many passes the method takes.
        factor: Passes for each image that goes through: 2 where the method goes back as well.
        progress: Whom to tell.
        random: The random numbers of the method; others may have the global state while the network computes.
        logits: The answer to that image, (K,), once it was among the questions.
        images: How many images went through.
        cancelled: What `progress` raised.
    """

    image: Tensor
    classes: tuple[int, ...]
    passes: int
    factor: int
    progress: Progress | None
    random: SeededGlobalState | None
    logits: Tensor | None = None
    images: int = 0
    cancelled: Exception | None = None

    def on(self, network: nn.Module) -> nn.Module:
        """Watch this copy of the network, and return it."""
        network.register_forward_pre_hook(self.before)
        network.register_forward_hook(self.after)
        return network

    def expect(self, passes: int) -> None:
        """Set how many passes the method takes after all."""
        self.passes = passes

    def before(self, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        """Pre-forward hook: let other threads use the global random state."""
        if self.random is not None:
            self.random.pause()

    def after(self, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        """Forward hook: check and record the logits, and report progress."""
        if self.images == 0:
            check_logits(output.detach(), self.classes)
        if self.logits is None and len(inputs[0]) == 1 and torch.equal(inputs[0], self.image):
            self.logits = check_finite(output.detach())[0].float().cpu()
        self.images += len(output)
        if self.progress is not None:
            try:
                self.progress(min(self.passes, self.images * self.factor), self.passes)
            except Exception as error:
                self.cancelled = error
                raise
        if self.random is not None:
            self.random.resume()


def check_logits(logits: Tensor, classes: tuple[int, ...]) -> Tensor:
    """Return scores (N, K), or raise `ExplainError` unless they are finite and know each of the classes."""
    if logits.ndim != 2:
        raise ExplainError(f"The network gives {tuple(logits.shape[1:])} for an image, not one score for each class.")
    for each in classes:
        check_class(each, logits.shape[1])
    return check_finite(logits)


def logits_of(model: nn.Module, batch: Tensor) -> Tensor:
    """Return the logits (N, K) of images (N, C, H, W), computed on the network's device."""
    with torch.no_grad():
        logits: Tensor = shallow_copy_for_hooks(model)(batch.detach())
    return logits


@contextmanager
def sentences(watch: ForwardMonitor, title: str) -> Iterator[None]:
    """Translate errors of torch and Captum into `ExplainError`; what `progress` raises passes unchanged.

    Args:
        watch: What was seen of the network.
        title: That of the method.
    """
    try:
        yield
    except Exception as raised:
        error = raised.__cause__ if isinstance(raised, ConvScopeError) else raised  # a layer may have been asked before
        if error is watch.cancelled:
            raise
        if isinstance(error, RuntimeError) and not watch.images and not is_about_memory(error):
            raise ExplainError(
                f"The network cannot take an image of shape {tuple(watch.image.shape[1:])} ({in_brief(error)}): choose "
                "one of the shape that it was made for."
            ) from error
        if isinstance(raised, ConvScopeError):
            raise
        raise failure(raised, title, "choose another method.") from raised
