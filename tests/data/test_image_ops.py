"""Each change does to an image what it is asked to, by torch, torchvision, scipy and numbers worked by hand."""

import math

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import Tensor

from core.compat import import_torchvision
from core.data.image_ops import cut_out, recolour, shift, warp

IMAGES = torch.rand(4, 3, 12, 10, generator=torch.Generator().manual_seed(0))
NO, YES = torch.zeros(4, dtype=torch.bool), torch.ones(4, dtype=torch.bool)
ZERO, ONE = torch.zeros(4), torch.ones(4)
MIDDLE = torch.full((4, 2), 0.5)


def warped(
    images: Tensor = IMAGES,
    *,
    flipped: Tensor = NO,
    down: Tensor = ZERO,
    right: Tensor = ZERO,
    degrees: Tensor = ZERO,
    area: Tensor = ONE,
    centre: Tensor = MIDDLE,
) -> Tensor:
    few = len(images)
    return warp(images, flipped[:few], down[:few], right[:few], degrees[:few], area[:few], centre[:few])


def test_shift_moves_by_whole_pixels_and_mirrors_what_comes_in() -> None:
    image = torch.arange(12.0).view(1, 1, 3, 4)
    moved = shift(image, NO[:1], torch.tensor([1]), torch.tensor([-2]))
    assert moved[0, 0].tolist() == [[2, 3, 3, 2], [2, 3, 3, 2], [6, 7, 7, 6]]
    back = shift(image, YES[:1], torch.tensor([0]), torch.tensor([1]))
    assert back[0, 0].tolist() == [[3, 3, 2, 1], [7, 7, 6, 5], [11, 11, 10, 9]]


def test_a_shift_farther_than_the_side_goes_on_mirroring() -> None:
    image = torch.tensor([1.0, 2, 3]).view(1, 1, 1, 3)
    assert shift(image, NO[:1], torch.tensor([0]), torch.tensor([4]))[0, 0].tolist() == [[3, 3, 2]]
    assert torch.equal(shift(image, NO[:1], torch.tensor([6]), torch.tensor([-6])), image)


def test_flip_is_that_of_torch_and_only_where_asked() -> None:
    assert torch.equal(shift(IMAGES, YES, ZERO, ZERO), IMAGES.flip(3))
    some = torch.tensor([True, False, False, True])
    expected = torch.where(some[:, None, None, None], IMAGES.flip(3), IMAGES)
    assert torch.equal(shift(IMAGES, some, ZERO, ZERO), expected)
    assert torch.allclose(warped(flipped=some), expected, atol=1e-5)


def test_warping_without_turning_or_cropping_is_shifting() -> None:
    down, right = torch.tensor([0, 3, -4, 6]), torch.tensor([2, -5, 0, 1])
    for flipped in (NO, YES):
        expected = shift(IMAGES, flipped, down, right)
        assert torch.allclose(warped(flipped=flipped, down=down, right=right), expected, atol=1e-5)


@pytest.mark.parametrize("degrees", [20.0, -75.0, 133.0])
def test_turning_agrees_with_scipy_edges_included(degrees: float) -> None:
    ours = warped(degrees=torch.full((4,), degrees))
    scipys = ndimage.rotate(IMAGES.double().numpy(), degrees, axes=(2, 3), reshape=False, order=1, mode="reflect")
    assert np.abs(ours.numpy() - scipys).max() < 1e-4


def test_turning_agrees_with_torchvision_where_that_has_pixels() -> None:
    import_torchvision()
    from torchvision.transforms.v2.functional import InterpolationMode, rotate

    images = IMAGES[:, :, :10]
    ours = warped(images, degrees=torch.full((4,), 30.0))
    theirs = rotate(images, 30.0, interpolation=InterpolationMode.BILINEAR)
    place = torch.arange(10) - 4.5
    inside = (place[:, None] ** 2 + place**2) < 4.4**2
    assert torch.allclose(ours[..., inside], theirs[..., inside], atol=1e-3)


def test_a_quarter_turn_goes_anticlockwise() -> None:
    square = IMAGES[:, :, :10]
    assert torch.allclose(warped(square, degrees=torch.full((4,), 90.0)), square.rot90(1, (2, 3)), atol=1e-5)


def test_a_crop_is_the_part_asked_for_enlarged() -> None:
    halves = torch.full((4,), 0.25)  # of the area: half of each side
    corners = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    ours = warped(area=halves, centre=corners)
    for image, whole, (row, col) in zip(ours, IMAGES, corners.int().tolist(), strict=True):
        part = whole[None, :, 6 * row : 6 * row + 6, 5 * col : 5 * col + 5]
        enlarged = torch.nn.functional.interpolate(part, (12, 10), mode="bilinear", align_corners=False)[0]
        inner = (slice(None), slice(1, 11), slice(1, 9))  # at its rim the part's neighbours are blended in
        assert torch.allclose(image[inner], enlarged[inner], atol=1e-5)


def test_brightness_multiplies_and_clips() -> None:
    ours = recolour(IMAGES, torch.tensor([0.5, 1.0, 1.5, 2.0]), ONE, ONE)
    expected = (IMAGES * torch.tensor([0.5, 1, 1.5, 2])[:, None, None, None]).clamp(0, 1)
    assert torch.allclose(ours, expected, atol=1e-6)


@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation"])
@pytest.mark.parametrize("factor", [0.6, 1.3])
def test_each_factor_does_what_torchvision_calls_so(name: str, factor: float) -> None:
    import_torchvision()
    from torchvision.transforms.v2 import functional

    factors = {other: torch.full((4,), factor if other == name else 1.0) for other in ("brightness", "contrast")}
    factors["saturation"] = torch.full((4,), factor if name == "saturation" else 1.0)
    theirs = getattr(functional, f"adjust_{name}")(IMAGES, factor)
    assert torch.allclose(recolour(IMAGES, **factors), theirs, atol=1e-3)


def test_grey_stays_grey_and_contrast_keeps_the_mean() -> None:
    grey = 0.3 + 0.4 * IMAGES[:, :1]
    factors = torch.tensor([0.8, 0.9, 1.1, 1.2])
    coloured = recolour(grey.expand(-1, 3, -1, -1), factors, factors.flip(0), factors)
    assert torch.allclose(coloured, recolour(grey, factors, factors.flip(0), 7 * ONE).expand(-1, 3, -1, -1), atol=1e-5)
    assert torch.allclose(recolour(grey, ONE, factors, ONE).mean((1, 2, 3)), grey.mean((1, 2, 3)), atol=1e-5)
    assert torch.equal(recolour(grey, ZERO, ONE, ONE), torch.zeros_like(grey))


def test_cut_out_paints_exactly_a_square_in_the_mean_colour() -> None:
    top, left = torch.tensor([0, 1, 9, 4]), torch.tensor([0, 7, 2, 5])
    ours = cut_out(IMAGES, top, left, 3)
    for after, before, row, col in zip(ours, IMAGES, top.tolist(), left.tolist(), strict=True):
        expected = before.clone()
        expected[:, row : row + 3, col : col + 3] = before.mean((1, 2), keepdim=True)
        assert torch.allclose(after, expected)
        assert (after != before).any(0).sum() == 9


def test_warped_images_stay_in_range_and_the_given_ones_as_they_were() -> None:
    ones, before = torch.ones(4, 3, 9, 9), IMAGES.clone()
    turned = warped(ones, degrees=torch.tensor([1.0, 33, 77, 111]), area=torch.tensor([0.9, 0.7, 0.5, math.pi / 10]))
    assert turned.max() == 1
    for result in (warped(degrees=10 * ONE), recolour(IMAGES, 2 * ONE, ONE, ONE), cut_out(IMAGES, ZERO, ZERO, 4)):
        assert result.data_ptr() != IMAGES.data_ptr()
    assert torch.equal(IMAGES, before)
