"""Adversarial attacks: FGSM and PGD within an L∞ or L2 ball."""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from captum.robust import FGSM, PGD
from torch import Tensor, nn

from core.data.normalization import normalized
from core.errors import ExplainError
from core.failures import in_sentences
from core.inference.copies import shallow_copy_for_hooks
from core.inference.prediction import scores
from core.progress import Progress


class UnitRangeNetwork(nn.Module):
    """A network that takes pixels from 0 to 1: the valid range is then the same for every channel, as Captum wants."""

    def __init__(self, network: nn.Module, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.network, self.mean, self.std = network, mean, std
        self.device = next((weight.device for weight in network.parameters()), torch.device("cpu"))

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.network(normalized(images, self.mean, self.std))
        return logits


def unit_range_network(
    model: nn.Module, pixels: Tensor, mean: Sequence[float], std: Sequence[float]
) -> UnitRangeNetwork:
    """Return a copy of a network that takes pixels from 0 to 1 and normalises them; raises `ExplainError`."""
    if pixels.dtype != torch.uint8 or pixels.ndim != 3:
        raise ExplainError(f"Attack one picture of shape (C, H, W) in whole levels, not {tuple(pixels.shape)}.")
    if len(mean) != len(pixels) or len(std) != len(pixels):
        raise ExplainError(f"A picture of {len(pixels)} channels needs as many means and deviations.")
    return UnitRangeNetwork(shallow_copy_for_hooks(model), mean, std).eval()


def whole_levels(change: Tensor, strength: int, norm: Literal["linf", "l2"]) -> Tensor:
    """Return a change (…) rounded to whole levels without leaving the ball of this strength.

    Rounding to the nearest level can lengthen a change by a little; then those values that it moved farthest outwards
    are brought back by one level each, until the whole is short enough.
    """
    levels = change.round()
    if norm == "linf":
        return levels.clamp(-strength, strength)
    sizes = levels.abs().flatten()
    excess = float((sizes.double() ** 2).sum()) - strength**2
    if excess <= 0:
        return levels
    outwards = (sizes - change.abs().flatten()).masked_fill(sizes == 0, -torch.inf)
    order = outwards.argsort(descending=True)
    saved = (2 * sizes[order].double() - 1).clamp(min=0).cumsum(dim=0)  # of the squared length
    count = int((saved < excess).sum()) + 1
    sizes[order[:count]] -= 1
    return sizes.reshape(change.shape) * levels.sign()


# The pictures are the attack's own, so that their slopes can be asked for is nobody's loss.
warnings.filterwarnings("ignore", message="Input Tensor 0 did not", category=UserWarning)


@dataclass(frozen=True)
class Attack:
    """The settings of an attack.

    Attributes:
        method: "fgsm", one step along the sign of the gradient (Goodfellow et al. 2014, arXiv:1412.6572), or "pgd",
            several, each brought back into the ball (Madry et al. 2017, arXiv:1706.06083).
        strength: How far the picture may be changed, in levels of 255: each value ("linf"), or the whole picture's
            Euclidean length ("l2").
        norm: "linf" or, for PGD, "l2".
        steps: Steps of PGD; each is 2.5 · strength / steps long, as in the paper.
        towards: The class that it should be taken for; None for any other than now.

    Raises:
        ExplainError: One of these is out of its range.
    """

    method: Literal["fgsm", "pgd"] = "fgsm"
    strength: int = 8
    norm: Literal["linf", "l2"] = "linf"
    steps: int = 10
    towards: int | None = None

    def __post_init__(self) -> None:
        if self.method not in ("fgsm", "pgd"):
            raise ExplainError(f"There is no attack {self.method!r}: choose fgsm or pgd.")
        if self.norm not in (("linf",) if self.method == "fgsm" else ("linf", "l2")):
            raise ExplainError(f"The strength of {self.method} cannot be measured by {self.norm!r}: choose linf.")
        most = 255 if self.norm == "linf" else 100_000
        if isinstance(self.strength, bool) or not isinstance(self.strength, int) or not 1 <= self.strength <= most:
            raise ExplainError(f"The strength is a whole number of levels from 1 to {most:,}, not {self.strength!r}.")
        if isinstance(self.steps, bool) or not isinstance(self.steps, int) or not 1 <= self.steps <= 200:
            raise ExplainError(f"An attack has 1 to 200 steps, not {self.steps!r}.")

    @property
    def passes(self) -> int:
        """Number of forward and backward passes, each counted as one, without predictions."""
        return 2 * (self.steps if self.method == "pgd" else 1)


@dataclass(frozen=True, eq=False)
class AttackOutcome:
    """The outcome of an attack.

    Attributes:
        attack: How it was done.
        before, after: The probability of each class, float32 (K,).
    """

    attack: Attack
    before: Tensor
    after: Tensor

    @property
    def successful(self) -> bool:
        """Whether the prediction is now the class aimed at, or any other than before if none was."""
        answer = int(self.after.argmax())
        towards = self.attack.towards
        return answer == towards if towards is not None else answer != int(self.before.argmax())


@dataclass(frozen=True, eq=False)
class AttackResult(AttackOutcome):
    """The outcome of an attack with the pictures.

    Attributes:
        original: uint8 (C, H, W).
        pixels: The attacked picture after rounding to whole levels, uint8 (C, H, W): what can be saved and shown, and
            what `after` belongs to.
    """

    original: Tensor
    pixels: Tensor

    @property
    def change(self) -> Tensor:
        """The perturbation in levels of 255, int16 (C, H, W)."""
        return self.pixels.to(torch.int16) - self.original.to(torch.int16)

    @property
    def outcome(self) -> AttackOutcome:
        """The outcome without the pictures."""
        return AttackOutcome(self.attack, self.before, self.after)


@in_sentences("The attack")
def attack(
    model: nn.Module,
    pixels: Tensor,
    mean: Sequence[float],
    std: Sequence[float],
    how: Attack,
    *,
    progress: Progress | None = None,
) -> AttackResult:
    """Return an adversarial example within a ball around a picture, by `captum.robust`.

    The cross-entropy of the class that the network names now is raised, or that of `how.towards` is lowered. No pixel
    leaves 0..255, and after rounding none is farther from where it was than the strength allows. The network is never
    changed.

    Args:
        model: (N, C, H, W) normalised images to (N, K) logits.
        pixels: The picture, uint8 (C, H, W).
        mean, std: What the network's images are normalised by, for each channel of pixels / 255.
        how: The attack.
        progress: Called with the steps done and all of them; it may raise to cancel.

    Raises:
        ExplainError: The picture or the class cannot be attacked, or the network does not react to the picture.
    """
    front = unit_range_network(model, pixels, mean, std)
    unit = pixels[None] / 255
    before = scores(front, unit)[0].softmax(dim=0)
    return run_attack(front, pixels, before, how, progress or (lambda done, total: None))


def run_attack(
    front: UnitRangeNetwork, pixels: Tensor, before: Tensor, how: Attack, progress: Progress
) -> AttackResult:
    """Attack a picture through the network of `unit_range_network`, whose logits were `before`; see `attack`."""
    classes = len(before)
    if classes < 2:
        raise ExplainError("The network knows a single class, so nothing can turn its answer.")
    answer = int(before.argmax())
    towards = how.towards
    if towards is not None and not 0 <= towards < classes:
        raise ExplainError(f"The network has no class {towards!r}: choose a whole number from 0 to {classes - 1}.")
    if towards == answer:
        raise ExplainError("The network says so already: choose another class to turn its answer to.")
    perturbed = _perturbed(front, pixels, answer if towards is None else towards, how, progress)
    change = whole_levels(perturbed[0] * 255 - pixels, how.strength, how.norm)
    rounded = (pixels + change).clamp(0, 255).to(torch.uint8)
    after = scores(front, rounded[None] / 255)[0].softmax(dim=0)
    return AttackResult(how, before, after, pixels, rounded)


def _perturbed(front: UnitRangeNetwork, pixels: Tensor, label: int, how: Attack, progress: Progress) -> Tensor:
    """Return Captum's adversarial example of a picture, float (1, C, H, W) from 0 to 1."""
    total, done = how.passes // 2, 0

    def loss(logits: Tensor, label: Tensor) -> Tensor:
        nonlocal done
        progress(done, total)
        done += 1
        return _odds_against(logits, label)

    unit, target = pixels[None].to(front.device) / 255, torch.tensor([label], device=front.device)
    radius, targeted = how.strength / 255, how.towards is not None
    with torch.enable_grad():
        if how.method == "fgsm":
            fgsm = FGSM(front, loss, lower_bound=0.0, upper_bound=1.0)
            fgsm.zero_thresh = 0.0  # Captum would leave pixels of a small slope alone
            perturbed = fgsm.perturb(unit, radius, target, targeted=targeted)
        else:
            pgd = PGD(front, loss, lower_bound=0.0, upper_bound=1.0)
            pgd.fgsm.zero_thresh = 0.0
            norm, values = ("L2", unit.numel()) if how.norm == "l2" else ("Linf", 1)
            step = 2.5 * radius / how.steps / values**0.5  # of each value, along its sign
            perturbed = pgd.perturb(unit, radius, step, how.steps, target, targeted=targeted, norm=norm)
    progress(total, total)
    if torch.equal(perturbed, unit):
        raise ExplainError(
            "The network's answer does not react to small changes of this picture (its gradient is zero), so an attack "
            "has no direction to go: try another picture or epoch."
        )
    return perturbed.detach().cpu()


def _odds_against(logits: Tensor, target: Tensor) -> Tensor:
    """Return the log of the odds against each target, (N,).

    Cross-entropy is log(1 + exp(it)), so that both point the same way at every picture; but the slope of
    cross-entropy vanishes where an answer is all but certain, and this one does not.
    """
    is_target = nn.functional.one_hot(target, logits.shape[1]).bool()
    return logits.masked_fill(is_target, -torch.inf).logsumexp(dim=1) - logits[is_target]


STRENGTHS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)  # levels of 255: where `growing_attacks` looks
LENGTHS = (16, 32, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 2048)  # the same for L2


@in_sentences("The attack")
def growing_attacks(
    model: nn.Module,
    pixels: Tensor,
    mean: Sequence[float],
    std: Sequence[float],
    how: Attack,
    strengths: Sequence[int] = STRENGTHS,
    *,
    progress: Progress | None = None,
) -> Iterator[AttackResult]:
    """Yield attacks of growing strength up to the first that succeeds.

    Args:
        model, pixels, mean, std, progress: As in `attack`; progress counts the strengths.
        how: The attack; its own strength does not matter.
        strengths: What to try, growing.

    Yields:
        An attack for each strength; only the last one may have been successful.

    Raises:
        ExplainError: As in `attack`.
    """
    front = unit_range_network(model, pixels, mean, std)
    before = scores(front, pixels[None] / 255)[0].softmax(dim=0)
    total = len(strengths) * how.steps if how.method == "pgd" else len(strengths)
    for place, strength in enumerate(strengths):

        def tell(done: int, steps: int, begun: int = place) -> None:
            if progress is not None:
                progress(begun * steps + done, total)

        attacked = run_attack(front, pixels, before, replace(how, strength=strength), tell)
        yield attacked
        if attacked.successful:
            return


def random_changes(attacked: AttackResult, count: int, *, seed: int = 0) -> Tensor:
    """Return the picture after random perturbations of the same norm, uint8 (count, C, H, W).

    Each pixel value of the picture is moved by as much as the attack moved one, in random places and directions: what
    an attack must be compared with.
    """
    draw = torch.Generator().manual_seed(seed)
    sizes = attacked.change.abs().flatten()
    pictures = []
    for _ in range(count):
        order = torch.randperm(len(sizes), generator=draw)
        signs = torch.randint(0, 2, (len(sizes),), generator=draw) * 2 - 1
        perturbed = attacked.original.flatten().to(torch.int16) + (sizes[order] * signs).to(torch.int16)
        pictures.append(perturbed.clamp(0, 255).to(torch.uint8).reshape(attacked.original.shape))
    return torch.stack(pictures)
