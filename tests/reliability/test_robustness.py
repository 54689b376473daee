"""Changes and the way back; an answer and its map held against those of changed pictures."""

from functools import partial

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from torch import nn

from core.explain.attribution import attribute, heatmap
from core.explain.strength import strength_of
from core.reliability.perturbations import PERTURBATIONS, step_of
from core.reliability.robustness import stability
from tests.reliability.conftest import Learned

EXPLAIN = partial(attribute, method="input_x_gradient")


@pytest.mark.parametrize("name", ["flip", "left", "right", "up", "down"])
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 33, 20)])
def test_what_moves_comes_back_to_its_place(name: str, shape: tuple[int, int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    turned = PERTURBATIONS[name].turn(pixels)
    assert (turned.shape, turned.dtype) == (pixels.shape, pixels.dtype)
    assert not np.array_equal(turned, pixels)
    back = PERTURBATIONS[name].back(turned[0].astype(np.float64))
    there = np.isfinite(back)
    assert np.array_equal(back[there], pixels[0][there])
    lost = 0 if name == "flip" else step_of(shape[2]) * shape[1]
    lost = step_of(shape[1]) * shape[2] if name in ("up", "down") else lost
    assert (~there).sum() == lost


def test_darkening_and_jpeg_do_what_they_say() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 16, 16), dtype=np.uint8)
    assert np.array_equal(PERTURBATIONS["dark"].turn(pixels), np.round(pixels / 2).astype(np.uint8))
    losses = [
        np.abs(PERTURBATIONS[f"jpeg_{quality}"].turn(pixels).astype(int) - pixels).mean() for quality in (75, 40, 10)
    ]
    assert losses == sorted(losses)
    assert losses[0] > 0
    assert PERTURBATIONS["jpeg_10"].turn(pixels[:1]).shape == (1, 16, 16)


def test_it_asks_and_explains_every_variant(learned: Learned) -> None:
    data, told = learned.data, list[tuple[int, int]]()
    pixels = data.test.images[0]
    target = int(learned.test.logits[0].argmax())
    found = stability(learned.model, pixels, data.normalize, target, EXPLAIN, progress=lambda *at: told.append(at))
    assert list(found.variants) == list(PERTURBATIONS)
    assert found.original.logits == pytest.approx(learned.test.logits[0], abs=1e-4)
    for name, variant in found.variants.items():
        image = data.normalize(torch.from_numpy(PERTURBATIONS[name].turn(pixels.numpy()).copy()))
        with torch.no_grad():
            assert variant.logits == pytest.approx(learned.model(image[None])[0].numpy(), abs=1e-4)
        own = heatmap(attribute(learned.model, image, target, "input_x_gradient")).numpy()
        assert np.allclose(variant.map, own, atol=1e-6)
    own = found.original.map
    assert found.variants["flip"].rank == pytest.approx(
        spearmanr(own, found.variants["flip"].map[:, ::-1], axis=None)[0]
    )
    left = found.variants["left"].map
    assert found.variants["left"].rank == pytest.approx(spearmanr(own[:, 1:], left[:, :-1], axis=None)[0])
    same = sum(variant.logits.argmax() == target for variant in found.variants.values())
    assert found.num_unchanged == same
    first = attribute(learned.model, data.normalize(pixels[None])[0], target, "input_x_gradient")
    assert found.strengths[0] == strength_of(first)
    assert len(found.strengths) == 1 + len(PERTURBATIONS)
    assert len(found.ranks) == len(PERTURBATIONS)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1][0] == told[-1][1]


def test_a_network_that_looks_at_the_mean_alone_is_not_moved_by_a_flip(learned: Learned) -> None:
    network = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1, 3)).eval()
    found = stability(network, learned.data.test.images[0], learned.data.normalize, 0, EXPLAIN)
    assert found.variants["flip"].logits == pytest.approx(found.original.logits, abs=1e-6)
    assert found.variants["flip"].rank == pytest.approx(1.0)


def test_a_map_without_differences_has_no_rank(learned: Learned) -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 3)).eval()
    nn.init.zeros_(network[1].weight)
    explain = partial(attribute, method="saliency")
    found = stability(network, learned.data.test.images[0], learned.data.normalize, 0, explain)
    assert found.ranks == []
    assert found.num_unchanged == len(PERTURBATIONS)
