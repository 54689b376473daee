"""Augmentation varies every image in its own way, as strongly as asked, and the same way from the same generator."""

from dataclasses import fields

import pytest
import torch
from torch import Tensor

from core.data.augment import STRONGEST, Augmentation, augment, random_variants
from core.errors import DataError

KINDS = tuple(STRONGEST)
SOME = {"flip": 0.5, "shift": 0.2, "rotation": 20.0, "crop": 0.3, "jitter": 0.3, "cutout": 0.25}
ALL = Augmentation(**SOME)
SAME = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0)).repeat(8, 1, 1, 1)


def changed(images: Tensor = SAME, augmentation: Augmentation = ALL, seed: int = 0) -> Tensor:
    return augment(images, augmentation, torch.Generator().manual_seed(seed))


def ramp(side: int, count: int) -> Tensor:
    """Return images whose every pixel is different: enough to read a whole-pixel move from."""
    return (torch.arange(side * side).view(1, 1, side, side) / side**2).repeat(count, 1, 1, 1)


def test_no_strength_changes_nothing_and_draws_nothing() -> None:
    generator = torch.Generator().manual_seed(0)
    before = generator.get_state()
    assert augment(SAME, Augmentation(), generator) is SAME
    assert torch.equal(generator.get_state(), before)
    assert not Augmentation().active


@pytest.mark.parametrize("kind", KINDS)
def test_each_strength_matters_and_makes_every_image_different(kind: str) -> None:
    alone = Augmentation(**{kind: SOME[kind]})
    assert alone.active
    result = changed(augmentation=alone)
    assert not torch.equal(result, SAME)
    assert not torch.equal(result, changed(augmentation=Augmentation(**{kind: STRONGEST[kind]})))
    looks = torch.unique(result.flatten(1), dim=0)
    assert len(looks) == 2 if kind == "flip" else len(looks) > 5
    without = Augmentation(**{**SOME, kind: 0.0})
    assert not torch.equal(changed(), changed(augmentation=without))


def test_the_same_generator_gives_the_same_images_and_the_next_draw_others() -> None:
    assert torch.equal(changed(seed=3), changed(seed=3))
    assert not torch.equal(changed(seed=3), changed(seed=4))
    generator = torch.Generator().manual_seed(3)
    first, second = augment(SAME, ALL, generator), augment(SAME, ALL, generator)
    assert torch.equal(first, changed(seed=3))
    assert not torch.equal(first, second)


def test_another_strength_of_one_kind_leaves_the_draws_of_the_others() -> None:
    flips = changed(augmentation=Augmentation(flip=0.5))
    both = changed(augmentation=Augmentation(flip=0.5, cutout=0.25))
    untouched = (both == flips).all(1).float().mean((1, 2))
    assert untouched.tolist() == [1 - 16 / 256] * 8


@pytest.mark.parametrize("seed", range(3))
def test_values_stay_in_range_and_images_keep_their_shape_and_layout(seed: int) -> None:
    strongest = Augmentation(**STRONGEST)
    for shape in ((5, 3, 9, 12), (5, 1, 8, 8), (1, 3, 1, 1)):
        images = torch.rand(shape, generator=torch.Generator().manual_seed(seed)).round()  # black and white
        before = images.clone()
        result = changed(images, strongest, seed)
        assert result.shape == images.shape
        assert result.dtype == torch.float32
        assert 0 <= result.min() <= result.max() <= 1
        assert torch.equal(images, before)
        assert result.is_contiguous()
        last = changed(images.contiguous(memory_format=torch.channels_last), strongest, seed)
        assert last.is_contiguous(memory_format=torch.channels_last)
        assert torch.allclose(last, result, atol=1e-5)


def test_a_certain_flip_is_torchs() -> None:
    assert torch.equal(changed(augmentation=Augmentation(flip=1.0)), SAME.flip(3))


def test_flips_come_as_often_as_asked() -> None:
    images = ramp(2, 2000)
    flipped = (changed(images, Augmentation(flip=0.3)) != images).flatten(1).any(1)
    assert abs(flipped.sum().item() - 600) < 4 * (2000 * 0.3 * 0.7) ** 0.5


def test_shifts_reach_the_share_asked_for_in_both_directions_and_no_further() -> None:
    images = ramp(16, 2000)
    middles = (changed(images, Augmentation(shift=0.2))[:, 0, 8, 8] * 256).round().long()
    down, right = 8 - middles // 16, 8 - middles % 16
    for moves in (down, right):  # 0.2 of 16 pixels is 3: seven moves, each as likely
        counts = torch.bincount(moves + 3)
        assert len(counts) == 7
        assert (counts - 2000 / 7).abs().max() < 4 * (2000 / 7) ** 0.5
    assert abs(torch.corrcoef(torch.stack((down, right)).float())[0, 1]) < 0.1


def test_a_shift_is_by_whole_pixels_and_by_one_at_least() -> None:
    images = ramp(8, 200)
    middles = (changed(images, Augmentation(shift=0.01))[:, 0, 4, 4] * 64).round().long()
    assert sorted(set(middles.tolist())) == [27, 28, 29, 35, 36, 37, 43, 44, 45]


def gradients(count: int) -> Tensor:
    """Return images that brighten evenly from left to right: their slope tells how they were turned and enlarged."""
    return torch.linspace(0, 1, 33).repeat(count, 1, 33, 1)


def slopes(images: Tensor) -> tuple[Tensor, Tensor]:
    """Return how much the images brighten to the right and downwards around their middle, per pixel."""
    middle = images[:, 0, 14:19, 14:19]
    return (middle[:, :, -1] - middle[:, :, 0]).mean(1) / 4, (middle[:, -1] - middle[:, 0]).mean(1) / 4


def test_turns_reach_the_angle_asked_for_both_ways_and_no_further() -> None:
    right, down = slopes(changed(gradients(2000), Augmentation(rotation=25.0)))
    degrees = torch.atan2(down, right).rad2deg()
    assert 24.5 < degrees.max() < 25.01
    assert -25.01 < degrees.min() < -24.5
    assert abs(degrees.mean()) < 4 * 25 / 3**0.5 / 2000**0.5


def test_crops_keep_at_least_the_area_asked_for_from_any_place() -> None:
    across = gradients(2000)
    middles = []
    for images, way in ((across, 0), (across.transpose(2, 3), 1)):
        result = changed(images, Augmentation(crop=0.36))
        kept = slopes(result)[way] * 32  # share of the side: the area's root
        assert 0.8 - 1e-4 < kept.min() < 0.81
        assert 0.99 < kept.max() < 1 + 1e-4
        middles.append((result[:, 0, 16, 16] - 0.5) * 32 / 33)
        assert -0.1 - 1e-4 < middles[-1].min() < -0.08
        assert 0.08 < middles[-1].max() < 0.1 + 1e-4
    assert abs(torch.corrcoef(torch.stack(middles))[0, 1]) < 0.1


def test_jitter_keeps_the_mean_over_many_images_and_reaches_its_limits() -> None:
    images = torch.full((2000, 1, 2, 2), 0.4)
    means = changed(images, Augmentation(jitter=0.5)).mean((1, 2, 3)) / 0.4
    assert abs(means.mean() - 1) < 4 * 0.5 / 3**0.5 / 2000**0.5
    assert 0.5 <= means.min() < 0.51
    assert 1.49 < means.max() <= 1.5


def test_jitter_leaves_grey_images_grey_and_makes_colours_paler_or_stronger() -> None:
    grey = SAME.mean(1, keepdim=True).expand(-1, 3, -1, -1)
    jittered = changed(grey, Augmentation(jitter=0.5))
    assert (jittered.amax(1) - jittered.amin(1)).max() < 1e-6
    orange = torch.tensor([0.6, 0.4, 0.3]).view(1, 3, 1, 1).expand(500, 3, 2, 2)
    red, green, _ = changed(orange, Augmentation(jitter=0.2))[:, :, 0, 0].unbind(1)
    ratios = red / green
    assert ratios.min() < 1.45 < 1.55 < ratios.max()


def test_cut_out_is_a_square_of_that_share_of_the_side_anywhere_inside() -> None:
    images = ramp(16, 2000) + torch.rand(2000, 1, 1, 1, generator=torch.Generator().manual_seed(1)) / 1e3
    hole = (changed(images, Augmentation(cutout=0.25)) != images)[:, 0]
    assert (hole.sum((1, 2)) == 16).all()
    rows, columns = hole.any(2), hole.any(1)
    assert (rows.sum(1) == 4).all()
    assert (columns.sum(1) == 4).all()
    assert len(torch.bincount(rows.int().argmax(1))) == 13
    assert len(torch.bincount(columns.int().argmax(1))) == 13


def test_the_strengths_are_those_of_a_training() -> None:
    from core.options import options
    from core.train.config import TrainConfig

    settings = {setting.name: setting for setting in options(TrainConfig)}
    assert [kind.name for kind in fields(Augmentation)] == list(KINDS)
    for kind, most in STRONGEST.items():
        assert (settings[kind].min, settings[kind].max) == (0, most)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wrong", [-0.01, 1.01, float("nan"), "0.5", None, True])
def test_an_impossible_strength_is_refused_in_a_sentence(kind: str, wrong: float) -> None:
    strength = wrong * STRONGEST[kind] if isinstance(wrong, float) else wrong
    with pytest.raises(DataError, match=rf"^The strength of {kind} must be a number from 0 to .*, not .*\.$"):
        Augmentation(**{kind: strength})


def test_variants_of_each_image_stand_together_and_come_from_the_seed() -> None:
    images = torch.stack([torch.full((1, 8, 8), 40, dtype=torch.uint8), torch.full((1, 8, 8), 200, dtype=torch.uint8)])
    assert torch.equal(random_variants(images, Augmentation(), 3, seed=0), images[:, None].expand(2, 3, 1, 8, 8))
    jittered = [random_variants(images, Augmentation(jitter=0.5), 3, seed=seed) for seed in (1, 1, 2)]
    assert torch.equal(jittered[0], jittered[1]) and not torch.equal(jittered[0], jittered[2])
