"""RISE: the mean score of a picture seen through random masks."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from core.explain.methods.base import Method
from core.explain.methods.perturbation import COVER, LOWERS, RAISES, UNMOVED
from core.options import Option

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from core.explain.request import AttributionRequest

_SEED = 0


def rise_masks(count: int, sides: tuple[int, int], grid: int, share: float, generator: Generator) -> Tensor:
    """Return random masks, float32 (count, 1, H, W) in 0..1, as in section 3.2 of the paper.

    Of the cells of a coarse grid each is open with probability `share`. It is stretched bilinearly to one cell more
    than the picture and moved at random by less than a cell. Where the picture's side is no multiple of the grid a cell
    is rounded up, as in the authors' code, so that the masks cover it.
    """
    import torch
    from torch.nn.functional import interpolate

    cells = [ceil(side / grid) for side in sides]
    coarse = (torch.rand((count, 1, grid, grid), generator=generator) < share).float()
    shifts = torch.stack([torch.randint(cell, (count,), generator=generator) for cell in cells], 1).tolist()
    large = interpolate(coarse, [(grid + 1) * cell for cell in cells], mode="bilinear", align_corners=False)
    return torch.stack(
        [mask[:, top : top + sides[0], left : left + sides[1]] for mask, (top, left) in zip(large, shifts, strict=True)]
    )


def _rise(request: AttributionRequest) -> Tensor:
    """Return Σ (fᵢ - f̄) Mᵢ / (N p), with the scores fᵢ through the N masks Mᵢ, whose cells are open with share p.

    The paper's sum (equation 6) is Σ fᵢ Mᵢ / (N p). Without the mean score f̄ it is less by about f̄ at every pixel, and
    free of the noise that f̄ times uneven masks would add. f is the score that all methods here explain; the authors
    take its probability.
    """
    import torch

    image, count, share = request.image.detach(), request.number("samples"), float(request.options["share"] or 0)
    sides = (image.shape[2], image.shape[3])
    generator, cover = torch.Generator().manual_seed(_SEED), request.baseline()
    total, seen = torch.zeros((2, *sides), dtype=torch.float64)  # on the CPU: not every device has float64
    scores = 0.0
    with torch.no_grad():
        for start in range(0, count, request.batch):
            masks = rise_masks(min(request.batch, count - start), sides, request.number("grid"), share, generator)
            answers = request.model(cover + (image - cover) * masks.to(image.device))[:, request.target].cpu().double()
            total += torch.einsum("n,nhw->hw", answers, masks[:, 0].double())
            seen += masks[:, 0].double().sum(0)
            scores += float(answers.sum())
    return (total - scores / count * seen) / (count * share)


RISE = (
    Method(
        name="rise",
        title="RISE",
        family="Covering",
        paper="Petsiuk, Das and Saenko 2018, arXiv:1806.07421",
        measures="How much higher the score is where a pixel is visible than on average, over many pictures of which "
        "random soft patches are covered.",
        cannot="It cannot be sharper than its patches nor free of chance: with few masks it is mottled where nothing "
        "matters.",
        signed=True,
        positive=LOWERS,
        negative=RAISES,
        passes=lambda options, shape: int(options["samples"] or 1),
        compute=_rise,
        options=(
            Option("samples", "Masks", 500, "Through how many random masks the picture is shown.", 16, 8000),
            Option("grid", "Grid", 7, "Cells of a mask along each side: more make finer maps and more chance.", 2, 32),
            Option("share", "Visible share", 0.5, "Which share of the cells is left visible.", 0.05, 0.95),
            COVER,
        ),
        backward=False,
        random=True,
        blank=UNMOVED,
    ),
)
