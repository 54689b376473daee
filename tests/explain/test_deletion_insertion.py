"""Deletion and insertion curves agree with sums by hand, and no order of the pixels beats the ideal one."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from core.errors import ExplainError
from core.explain.metrics.deletion_insertion import (
    BETTER,
    FILLS,
    RandomCurves,
    order,
    random_removal,
    removal_curve,
    removed,
    shifted_removal,
)
from core.explain.request import baseline


def linear(side: int = 4) -> nn.Sequential:
    net = nn.Sequential(nn.Flatten(), nn.Linear(side * side, 2))
    with torch.no_grad():
        net[1].weight.copy_(torch.randn(2, side * side, generator=torch.Generator().manual_seed(4)))
        net[1].bias.copy_(torch.tensor([0.3, -0.2]))
    return net


def picture(side: int = 4, channels: int = 1, seed: int = 1) -> Tensor:
    return torch.randn(channels, side, side, generator=torch.Generator().manual_seed(seed))


def ideal(net: nn.Sequential, image: Tensor) -> Tensor:
    """What each pixel of a linear network adds to the difference of its two scores."""
    return (net[1].weight[0] - net[1].weight[1]).detach().reshape(image.shape[1:]) * image[0]


def by_hand(net: nn.Sequential, image: Tensor, places: np.ndarray, mode: str) -> list[float]:
    """The probabilities pixel by pixel, with zero where pixels are gone."""
    adds, bias = ideal(net, image).double().flatten()[places], float(net[1].bias.detach() @ torch.tensor([1.0, -1.0]))
    gone = [float(adds[:count].sum()) for count in range(len(adds) + 1)]
    sums = [float(adds.sum()) - part for part in gone] if mode == "deletion" else gone
    return [1 / (1 + math.exp(-(total + bias))) for total in sums]


@pytest.mark.parametrize("mode", BETTER)
def test_curve_and_area_agree_with_sums_by_hand(mode: str) -> None:
    net, image, heatmap = linear(), picture(), picture(seed=2)[0]
    found = removal_curve(net, image, heatmap, 0, mode, steps=16)
    expected = by_hand(net, image, np.argsort(-heatmap.flatten().numpy()), mode)
    assert found.shares == pytest.approx(np.arange(17) / 16)
    assert found.probabilities == pytest.approx(expected, abs=1e-6)
    by_trapezoids = sum((one + two) / 2 / 16 for one, two in pairwise(expected))
    assert found.area == pytest.approx(by_trapezoids, abs=1e-6)
    assert found.at(3 / 16) == found.at(0.2) == found.probabilities[3]


def test_no_order_lowers_a_linear_network_faster_than_its_own_sum() -> None:
    net, image = linear(), picture()
    best = removal_curve(net, image, ideal(net, image), 0, "deletion", steps=16)
    gain = removal_curve(net, image, ideal(net, image), 0, "insertion", steps=16)
    chance = random_removal(net, image, 0, "deletion", steps=16, orders=200)
    grown = random_removal(net, image, 0, "insertion", steps=16, orders=200)
    assert (best.probabilities <= chance.runs + 1e-6).all()
    assert (gain.probabilities >= grown.runs - 1e-6).all()
    assert (chance.beaten(best.area), grown.beaten(gain.area)) == (200, 200)
    worst = removal_curve(net, image, -ideal(net, image), 0, "deletion", steps=16)
    assert (worst.probabilities >= chance.runs - 1e-6).all()
    assert chance.beaten(worst.area) == 0
    assert 0 < chance.beaten(chance.mean.area) < 200


def test_the_ends_are_the_picture_and_the_filling() -> None:
    net, image = linear(6), picture(6)
    for fill in FILLS:
        empty = baseline(image[None], fill)[0]
        down = removal_curve(net, image, picture(6, seed=2)[0], 1, "deletion", fill)
        up = removal_curve(net, image, picture(6, seed=2)[0], 1, "insertion", fill)
        with torch.no_grad():
            full, none = (float(net(each[None]).softmax(1)[0, 1]) for each in (image, empty))
        assert down.probabilities[[0, -1]] == pytest.approx([full, none], abs=1e-6)
        assert up.probabilities[[0, -1]] == pytest.approx([none, full], abs=1e-6)


def test_chance_depends_on_nothing_but_the_seed() -> None:
    net, image = linear(), picture()
    one, same, other = (random_removal(net, image, 0, seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(one.runs, same.runs) and not np.array_equal(one.runs, other.runs)
    assert one.runs.shape == (8, 17)
    assert one.mean.probabilities == pytest.approx(one.runs.mean(axis=0))
    assert one.spread == pytest.approx(one.runs.std(axis=0, ddof=1))


def test_moved_maps_are_the_map_at_other_places_each_once() -> None:
    net, image, heatmap = linear(3), picture(3), picture(3, seed=2)[0].numpy()
    moved = shifted_removal(net, image, heatmap, 0)
    shifted = [np.roll(heatmap, (down, right), axis=(0, 1)) for down in range(3) for right in range(3)][1:]
    expected = [removal_curve(net, image, each, 0).probabilities for each in shifted]
    assert moved.runs.shape == (8, 10)  # of 9 pixels there are no more places
    assert sorted(moved.runs.round(5).tolist()) == sorted(np.array(expected).round(5).tolist())
    few = [shifted_removal(net, image, heatmap, 0, places=3, seed=seed).runs for seed in (0, 0, 1)]
    assert np.array_equal(few[0], few[1]) and not np.array_equal(few[0], few[2])


def test_beaten_counts_larger_areas_of_deletion_and_smaller_ones_of_insertion() -> None:
    runs = np.array([[0.2, 0.4], [0.5, 0.5], [0.6, 0.8]])  # areas 0.3, 0.5, 0.7
    deletion, insertion = (RandomCurves(mode, np.array([0.0, 1.0]), runs) for mode in ("deletion", "insertion"))
    assert deletion.areas == pytest.approx([0.3, 0.5, 0.7])
    assert [deletion.beaten(area) for area in (0.2, 0.4, 0.6, 0.8)] == [3, 2, 1, 0]
    assert [insertion.beaten(area) for area in (0.2, 0.4, 0.6, 0.8)] == [0, 1, 2, 3]


def test_removed_takes_the_strongest_share_of_all_channels() -> None:
    image, heatmap = picture(4, 3), picture(seed=2)[0]
    gone = removed(image, heatmap, 0.25)
    first = heatmap >= heatmap.flatten().sort(descending=True).values[3]
    assert int(first.sum()) == 4
    assert torch.equal(gone, torch.where(first, torch.zeros_like(image), image))
    kept = removed(image, heatmap, 0.25, mode="insertion")
    assert torch.equal(kept, torch.where(first, image, torch.zeros_like(image)))
    blurred = removed(image, heatmap, 0.25, "blur")
    assert torch.allclose(blurred, torch.where(first, baseline(image[None], "blur")[0], image))
    assert torch.equal(removed(image, heatmap, 0), image)
    assert not removed(image, heatmap, 1).any()


def test_the_picture_of_a_share_is_the_one_on_the_curve() -> None:
    net, image, heatmap = linear(), picture(), picture(seed=2)[0]
    curve = removal_curve(net, image, heatmap, 0)
    with torch.no_grad():
        asked = [float(net(removed(image, heatmap, share)[None]).softmax(1)[0, 0]) for share in curve.shares]
    assert curve.probabilities == pytest.approx(asked, abs=1e-6)
    coarse = removal_curve(net, image, heatmap, 0, steps=10)
    for share in (0.1, 0.3, 0.5):  # also where a share is no whole number of pixels
        with torch.no_grad():
            now = float(net(removed(image, heatmap, share)[None]).softmax(1)[0, 0])
        assert coarse.at(share) == pytest.approx(now, abs=1e-6)


def test_equal_values_have_no_preferred_corner() -> None:
    flat = np.zeros((8, 8))
    flat[0, 0] = 1
    orders = [order(flat, seed) for seed in (0, 0, 1)]
    assert torch.equal(orders[0], orders[1]) and not torch.equal(orders[0], orders[2])
    assert int(orders[0][0, 0]) == 0
    assert sorted(orders[0].flatten().tolist()) == list(range(64))


def test_against_another_class_it_is_the_probability_between_the_two() -> None:
    net, image = nn.Sequential(nn.Flatten(), nn.Linear(16, 3)), picture()
    found = removal_curve(net, image, picture(seed=2)[0], 0, versus=2)
    with torch.no_grad():
        logits = net(image[None])[0]
    assert found.probabilities[0] == pytest.approx(float(logits[[0, 2]].softmax(0)[0]), abs=1e-6)


def test_progress_is_told_and_may_cancel() -> None:
    net, image, told = linear(16), picture(16), list[tuple[int, int]]()
    removal_curve(net, image, picture(16, seed=2)[0], 0, steps=100, progress=lambda *now: told.append(now))
    assert told == [(64, 101), (101, 101)]

    def cancel(done: int, total: int) -> None:
        raise KeyboardInterrupt

    net.train()
    with pytest.raises(KeyboardInterrupt):
        random_removal(net, image, 0, progress=cancel)
    assert all(module.training for module in net.modules())


NAN = torch.full((4, 4), torch.nan)


@pytest.mark.parametrize(
    ("image", "heatmap", "choices", "sentence"),
    [
        (picture(), torch.zeros(4, 4), {}, "blank"),
        (picture(), torch.ones(4, 4), {}, "same everywhere"),
        (picture(), NAN, {}, "not finite"),
        (picture(), torch.rand(5, 5), {}, "5 × 5 does not fit a picture of 4 × 4"),
        (torch.zeros(1, 4, 4), picture(seed=2)[0], {}, "one colour"),
        (torch.full((1, 4, 4), 0.7), picture(seed=2)[0], {"fill": "blur"}, "one colour"),
        (picture(), picture(seed=2)[0], {"target": 2}, "no class 2"),
        (picture(), picture(seed=2)[0], {"target": -1}, "no class -1"),
        (picture(), picture(seed=2)[0], {"versus": 5}, "no class 5"),
        (picture(), picture(seed=2)[0], {"versus": 0}, "against itself"),
        (picture(), picture(seed=2)[0], {"fill": "noise"}, "filled by"),
        (picture(), picture(seed=2)[0], {"mode": "sideways"}, "sideways"),
    ],
)
def test_what_cannot_be_used_gets_a_sentence(image: Tensor, heatmap: Tensor, choices: dict, sentence: str) -> None:
    with pytest.raises(ExplainError, match=sentence):
        removal_curve(linear(), image, heatmap, **({"target": 0} | choices))


def test_a_single_pixel_has_no_order() -> None:
    net, image = linear(1), picture(1)
    with pytest.raises(ExplainError, match="single pixel"):
        removal_curve(net, image, torch.ones(1, 1), 0)
    with pytest.raises(ExplainError, match="two pixels"):
        random_removal(net, image, 0)
    with pytest.raises(ExplainError, match="from 0 to 1"):
        removed(picture(), picture(seed=2)[0], 1.5)
