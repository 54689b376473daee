"""The league judges constructed maps as it must, with intervals of known values."""

import math
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from core.data.synthetic.shapes import draw_shapes
from core.errors import ExplainError
from core.explain.attribution import Attribution, attribute
from core.explain.metrics.pointing_game import centre_map, mean_rate, pointing_result, score_methods, wilson

COUNT, SIDE = 20, 8


def network() -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 4))


def images() -> Tensor:
    return torch.randn(COUNT, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))


def objects() -> Tensor:
    """A block of four pixels in another place of each image."""
    rng, masks = np.random.default_rng(0), torch.zeros(COUNT, SIDE, SIDE, dtype=torch.bool)
    for mask in masks:
        top, left = rng.integers(0, SIDE - 2, size=2)
        mask[top : top + 2, left : left + 2] = True
    return masks


LABELS = torch.arange(COUNT) % 4


def says(values: Tensor, target: int) -> Attribution:
    return Attribution(values=values, method="saliency", target=target, signed=True, score=0.0, options={})


def test_wilson_agrees_with_its_formula_and_a_published_value() -> None:
    found = wilson(81, 263)  # Newcombe 1998, table I: 0.2553 to 0.3662
    assert (found.low, found.high) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    z, n, p = 1.959964, 50, 0.9
    middle, half = (p + z * z / (2 * n)), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    found = wilson(45, 50)
    assert found.value == 0.9
    assert (found.low, found.high) == pytest.approx(
        ((middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)), abs=1e-6
    )
    assert (wilson(0, 15).low, wilson(15, 15).high) == pytest.approx((0, 1))


def test_the_bootstrap_of_a_mean_is_near_the_normal_interval() -> None:
    shares = np.random.default_rng(1).uniform(size=400)
    found = mean_rate(shares)
    error = 1.96 * shares.std(ddof=1) / 20
    assert (found.low, found.high) == pytest.approx((shares.mean() - error, shares.mean() + error), abs=0.004)
    assert found == mean_rate(shares)
    assert mean_rate(np.full(5, 0.3)).low == pytest.approx(0.3)
    assert (mean_rate(np.array([0.3])).low, mean_rate(np.array([0.3])).high) == (0, 1)


def test_maps_on_the_object_win_and_maps_off_it_lose() -> None:
    masks, seen = objects(), list[tuple[int, int]]()
    known = {image.numpy().tobytes(): mask for image, mask in zip(images(), masks, strict=True)}

    def on(model: nn.Module, image: Tensor, target: int, **_: Any) -> Attribution:
        return says(known[image.numpy().tobytes()].float(), target)

    def off(model: nn.Module, image: Tensor, target: int, **_: Any) -> Attribution:
        return says((~known[image.numpy().tobytes()]).float(), target)

    def half(model: nn.Module, image: Tensor, target: int, **_: Any) -> Attribution:
        mask = known[image.numpy().tobytes()]
        values = torch.where(mask, 2.0, 0.0)
        values[~mask] = 8 / (~mask).sum() - 1e-9  # as much outside, spread thinly
        return says(values, target)

    methods = {"off": off, "on": on, "half": half}
    found = score_methods(network(), images(), masks, LABELS, methods, progress=lambda *now: seen.append(now))
    rows = {row.method: row for row in found.standings}
    assert [row.method for row in found.standings][-1] == "off"
    assert (rows["on"].hits.value, rows["on"].inside.value) == (1, pytest.approx(1))
    assert (rows["off"].hits.value, rows["off"].inside.value) == (0, 0)
    assert (rows["half"].hits.value, rows["half"].inside.value) == (1, pytest.approx(0.5, abs=1e-6))
    assert rows["on"].hits == wilson(20, 20)
    assert found.covered == pytest.approx(4 / 64)
    assert seen == [(100 * count, 6000) for count in range(1, 61)]


def test_negative_values_are_no_evidence_for_the_class() -> None:
    mask = np.zeros((1, 4, 4), dtype=bool)
    mask[0, 0, 0] = True
    values = np.full((4, 4), -1.0)
    values[0, 0], values[3, 3] = 2, 6
    found = pointing_result("signed", [values], mask)
    assert found.inside is not None and found.inside.value == pytest.approx(0.25)
    assert found.hits.value == 0


def test_blank_maps_are_misses_and_counted() -> None:
    mask = np.zeros((3, 4, 4), dtype=bool)
    mask[:, 0, 0] = True
    found = pointing_result("half blank", [mask[0].astype(float), np.zeros((4, 4)), np.full((4, 4), -1.0)], mask)
    assert (found.blank, found.images, found.hits.value) == (2, 3, pytest.approx(1 / 3))
    assert found.inside is not None and found.inside.value == 1
    assert pointing_result("blank", [np.zeros((4, 4))] * 3, mask).inside is None


def test_chance_scores_what_the_objects_cover() -> None:
    drawn = draw_shapes(400, seed=3)
    assert drawn.masks is not None
    masks = torch.from_numpy(drawn.masks)
    rows = score_methods(network(), torch.zeros(400, 3, 32, 32), masks, torch.zeros(400, dtype=torch.long), {})
    assert rows.random.hits.low < rows.covered < rows.random.hits.high
    assert rows.random.inside.value == pytest.approx(rows.covered, abs=0.01)
    assert rows.centre.inside.value > rows.random.inside.value  # the shapes lie near the middle
    again = score_methods(network(), torch.zeros(400, 3, 32, 32), masks, torch.zeros(400, dtype=torch.long), {})
    assert again == rows


def test_equal_largest_values_are_drawn_from() -> None:
    masks = np.zeros((300, 4, 4), dtype=bool)
    masks[:, 0, :2] = True  # an eighth
    found = pointing_result("flat", [np.ones((4, 4))] * 300, masks)
    assert found.hits.low < 1 / 8 < found.hits.high


def test_real_methods_are_asked_about_the_true_class() -> None:
    asked = list[int]()

    def explain(model: nn.Module, image: Tensor, target: int, **_: Any) -> Attribution:
        asked.append(target)
        return attribute(model, image, target, "saliency")

    net = network().train()
    found = score_methods(
        net,
        images(),
        objects(),
        LABELS,
        {"saliency": explain, "integrated_gradients": partial(attribute, method="integrated_gradients", steps=8)},
    )
    assert asked == LABELS.tolist()
    assert {row.method for row in found.standings} == {"saliency", "integrated_gradients"}
    assert all(module.training for module in net.modules())


def test_the_centre_is_the_largest() -> None:
    values = centre_map((5, 5))
    assert values.argmax() == 12 and values.max() == 1 and values.min() == pytest.approx(0)
    assert centre_map((1, 1)).tolist() == [[1.0]]


def test_what_cannot_be_used_gets_a_sentence() -> None:
    net, masks = network(), objects()
    with pytest.raises(ExplainError, match="a class and a mask"):
        score_methods(net, images(), masks[:3], LABELS, {})
    with pytest.raises(ExplainError, match="a class and a mask"):
        score_methods(net, images()[:0], masks[:0], LABELS[:0], {})
    with pytest.raises(ExplainError, match="nowhere or everywhere"):
        score_methods(net, images(), torch.zeros_like(masks), LABELS, {})
    with pytest.raises(ExplainError, match="not finite"):
        score_methods(
            net, images(), masks, LABELS, {"nan": lambda *_, **__: says(torch.full((SIDE, SIDE), torch.nan), 0)}
        )
    with pytest.raises(ExplainError, match="no class 7"):
        score_methods(net, images(), masks, LABELS + 7, {"saliency": partial(attribute, method="saliency")})
