"""How little turns an answer: attacks of growing strength, and random changes to compare them with."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from core.explain.attacks import Attack, Attacked, Progress, carry_out
from core.explain.levels import front_of
from core.explain.prediction import scores
from core.failures import in_sentences

STRENGTHS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)  # levels of 255: where `smallest` looks
LENGTHS = (16, 32, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 2048)  # the same for L2


@in_sentences("The attack")
def smallest(
    model: nn.Module,
    pixels: Tensor,
    mean: Sequence[float],
    std: Sequence[float],
    how: Attack,
    strengths: Sequence[int] = STRENGTHS,
    *,
    progress: Progress | None = None,
) -> Iterator[Attacked]:
    """Attack a picture with growing strength, until an attack succeeds, and yield each attack.

    Args:
        model, pixels, mean, std, progress: As in `attack`; progress counts the strengths.
        how: The attack; its own strength does not matter.
        strengths: What to try, growing.

    Yields:
        An attack for each strength; only the last one may have been successful.

    Raises:
        ExplainError: As in `attack`.
    """
    front = front_of(model, pixels, mean, std)
    before = scores(front, pixels[None] / 255)[0].softmax(dim=0)
    total = len(strengths) * how.steps if how.method == "pgd" else len(strengths)
    for place, strength in enumerate(strengths):

        def tell(done: int, steps: int, begun: int = place) -> None:
            if progress is not None:
                progress(begun * steps + done, total)

        found = carry_out(front, pixels, before, replace(how, strength=strength), tell)
        yield found
        if found.successful:
            return


def random_changes(attacked: Attacked, count: int, *, seed: int = 0) -> Tensor:
    """Return the picture after changes of the same size that know nothing of the network, uint8 (count, C, H, W).

    Each pixel value of the picture is moved by as much as the attack moved one, in random places and directions: what
    an attack must be compared with.
    """
    draw = torch.Generator().manual_seed(seed)
    sizes = attacked.change.abs().flatten()
    made = []
    for _ in range(count):
        order = torch.randperm(len(sizes), generator=draw)
        signs = torch.randint(0, 2, (len(sizes),), generator=draw) * 2 - 1
        moved = attacked.original.flatten().to(torch.int16) + (sizes[order] * signs).to(torch.int16)
        made.append(moved.clamp(0, 255).to(torch.uint8).reshape(attacked.original.shape))
    return torch.stack(made)
