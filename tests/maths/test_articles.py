"""What the texts to read on say of sizes, shares and steps is what torch and our own sums find."""

import numpy as np
import pytest
import torch
from torch import nn

from core.maths.articles import ARTICLES
from core.maths.landscapes import LANDSCAPES
from core.maths.losses import loss_gradient, loss_value
from core.maths.races import race


def weights(layer: nn.Module) -> int:
    return sum(each.numel() for each in layer.parameters())


def test_the_weights_of_a_convolution_and_of_the_dense_layer_in_its_place():
    convolution = nn.Conv2d(32, 64, 3, device="meta")
    dense = nn.Linear(32 * 28 * 28, 64 * 28 * 28, device="meta")
    for layer in (convolution, dense):
        assert f"{weights(layer):,}" in ARTICLES["convolution"].why


@pytest.mark.parametrize(("pool", "side"), [(nn.Identity(), 5), (nn.AvgPool2d(2), 8)])
def test_the_side_of_the_field_of_two_convolutions(pool: nn.Module, side: int):
    image = torch.zeros(1, 1, 32, 32, requires_grad=True)
    net = nn.Sequential(nn.Conv2d(1, 1, 3, bias=False), pool, nn.Conv2d(1, 1, 3, bias=False))
    for weight in net.parameters():
        nn.init.ones_(weight)
    net(image)[0, 0, 4, 4].backward()
    assert image.grad is not None and image.grad[0, 0].any(0).sum() == side
    assert f"{side} × {side}" in ARTICLES["receptive_field"].symbols


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_the_first_step_of_adam_is_as_long_as_its_learning_rate_and_that_of_descent_is_not(scale: float):
    steps = {}
    for rule in (torch.optim.Adam, torch.optim.SGD):
        weight = nn.Parameter(torch.zeros(1, dtype=torch.float64))
        weight.grad = torch.full_like(weight, 0.5 * scale)
        rule([weight], lr=0.01).step()
        steps[rule] = -weight.item()
    assert steps[torch.optim.Adam] == pytest.approx(0.01, rel=1e-4)
    assert steps[torch.optim.SGD] == pytest.approx(0.01 * 0.5 * scale)


def test_gradients_of_all_classes_cancel_and_only_one_loss_grows_without_end():
    logits = np.array([[2.0, -1.0, 0.5, -20.0]])
    assert loss_gradient("cross_entropy", logits, [1]).sum() == pytest.approx(0, abs=1e-12)
    worse = logits - [[0, 0, 0, 20.0]]
    assert loss_value("cross_entropy", worse, [3]) - loss_value("cross_entropy", logits, [3]) == pytest.approx(20)
    assert loss_value("mse", worse, [3]) == pytest.approx(loss_value("mse", logits, [3]), abs=1e-6)
    pulls = {loss: abs(loss_gradient(loss, worse, [3])[0, 3]) for loss in ("mse", "cross_entropy")}
    assert pulls["mse"] < 1e-9 and pulls["cross_entropy"] == pytest.approx(1)


@pytest.mark.parametrize("factor", [1, 2])
def test_plain_descent_climbs_out_of_the_valley_above_the_limit_of_its_rate(factor: int):
    ground = LANDSCAPES["valley"]
    rate = factor * ground.lrs["gd"]
    at = np.array([ground.start, np.add(ground.start, (0, 1e-4)), np.add(ground.start, (1e-4, 0))])
    steepest = np.abs(np.diff(ground.gradient(at), axis=0)).max() / 1e-4  # a bowl: its second derivatives are constant
    left = np.isnan(race("valley", ground.start, ["gd"], 300, {"gd": rate})["gd"]).any()
    assert left == (rate > 2 / steepest) == (factor == 2)
