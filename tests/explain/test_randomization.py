"""Forgetting layers changes twins only; alike maps have rank correlation 1; a map that ignores the network stays."""

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import rankdata
from skimage.metrics import structural_similarity
from torch import Tensor, nn

from core.compat import import_torchvision
from core.errors import ExplainError
from core.explain.attribution import Attribution, attribute
from core.explain.compatibility import incompatibility
from core.explain.methods.registry import METHODS
from core.explain.metrics.randomization import cascade, initializable_layers, map_similarity, reinitialized, untrained


def network() -> nn.Sequential:
    net = nn.Sequential()
    with torch.random.fork_rng():
        torch.manual_seed(3)
        for name, module in (
            ("conv1", nn.Conv2d(3, 4, 3, padding=1)),
            ("bn1", nn.BatchNorm2d(4)),
            ("relu1", nn.ReLU()),
            ("conv2", nn.Conv2d(4, 6, 3)),
            ("relu2", nn.ReLU()),
            ("flatten1", nn.Flatten()),
            ("dense1", nn.Linear(216, 5)),
        ):
            net.add_module(name, module)
        net.bn1.running_mean.uniform_(-1, 1)
    return net


def picture(side: int = 8) -> Tensor:
    return torch.randn(3, side, side, generator=torch.Generator().manual_seed(1))


CHEAP: dict[str, dict[str, Any]] = {
    name: {"samples": 8} for name in ("smooth_grad", "var_grad", "gradient_shap", "lime", "kernel_shap")
} | {"shapley_sampling": {"samples": 2}}
SALIENCY = partial(attribute, method="saliency")


def state(net: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in net.state_dict().items()}


def same(net: nn.Module, before: dict[str, Tensor]) -> bool:
    return all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())


def test_layers_are_forgotten_from_the_last_to_the_first_and_only_on_twins() -> None:
    net = network().train()
    net.conv1.weight.requires_grad_(False)
    before, random = state(net), (torch.get_rng_state(), np.random.get_state()[1].copy())
    told = list[tuple[int, int]]()
    found = cascade(net, picture(), 1, SALIENCY, progress=lambda *now: told.append(now))
    assert [step.layers for step in found.steps] == [("dense1",), ("conv2",), ("bn1",), ("conv1",)]
    assert told == sorted(told) and {(100 * count, 500) for count in range(1, 6)} <= set(told)
    assert same(net, before)
    assert all(module.training for module in net.modules())
    assert [weight.requires_grad for weight in net.parameters()] == [False] + [True] * 7
    assert all(not module._forward_hooks and not module._backward_hooks for module in net.modules())
    assert torch.equal(torch.get_rng_state(), random[0])
    assert np.array_equal(np.random.get_state()[1], random[1])
    again = cascade(net, picture(), 1, SALIENCY)
    assert all(np.array_equal(one.map, two.map) for one, two in zip(found.steps, again.steps, strict=True))


@pytest.mark.parametrize("after", [1, 3])
def test_a_cancelled_cascade_leaves_the_network_alone(after: int) -> None:
    net = network().train()
    before = state(net)

    def cancel(done: int, total: int) -> None:
        if done == 100 * after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cascade(net, picture(), 1, SALIENCY, progress=cancel)
    assert same(net, before)
    assert all(module.training for module in net.modules())


def test_each_step_keeps_the_ones_before_and_explains_the_network_that_is_left() -> None:
    net, image = network(), picture()
    found = cascade(net, image, 1, SALIENCY, seed=4)
    left = reinitialized(reinitialized(net, ["dense1"], 4), ["conv2"], 5)
    assert found.steps[1].map == pytest.approx(SALIENCY(left, image, 1).values.amax(dim=0).numpy())
    assert torch.equal(left.conv1.weight, net.conv1.weight)
    assert not torch.equal(left.conv2.weight, net.conv2.weight)
    assert not torch.equal(left.dense1.weight, net.dense1.weight)


def test_forgetting_is_pytorchs_own_initialisation() -> None:
    net = network()
    left = reinitialized(net, ["conv2", "bn1"], 7)
    with torch.random.fork_rng():
        torch.manual_seed(7)
        assert torch.equal(left.conv2.weight, nn.Conv2d(4, 6, 3).weight)
    assert not left.bn1.running_mean.any()
    assert net.bn1.running_mean.any()
    assert left.get_parameter("conv1.weight").data_ptr() == net.conv1.weight.data_ptr()


def test_untrained_forgets_everything() -> None:
    net = network()
    fresh = untrained(net)
    assert initializable_layers(net) == ("conv1", "bn1", "conv2", "dense1")
    assert not torch.equal(fresh.conv1.weight, net.conv1.weight)
    assert torch.equal(fresh.conv1.weight, untrained(net).conv1.weight)
    assert not torch.equal(fresh.conv1.weight, untrained(net, seed=1).conv1.weight)


def test_deep_networks_forget_several_layers_at_a_time() -> None:
    found = cascade(network(), picture(), 1, SALIENCY, steps=2)
    assert [step.layers for step in found.steps] == [("dense1", "conv2"), ("bn1", "conv1")]


def test_networks_of_torchvision_forget_too() -> None:
    torch.manual_seed(1)
    net, image = import_torchvision().models.squeezenet1_1(num_classes=4).eval(), torch.randn(3, 64, 64)
    before = state(net)
    with torch.no_grad():
        target = int(net(image[None]).argmax())  # its last ReLU makes some classes' scores and maps zero
    found = cascade(net, image, target, SALIENCY, steps=3)
    assert sum(len(step.layers) for step in found.steps) == len(initializable_layers(net)) == 26
    assert found.steps[0].layers[0] == "classifier.1"
    assert same(net, before)


def test_likeness_agrees_with_ranks_by_hand_and_scikit_image() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(9, 9)), rng.normal(size=(9, 9))
    found = map_similarity(one, 5 * other)
    assert found.rank == pytest.approx(np.corrcoef(rankdata(one), rankdata(other))[0, 1])
    scaled = one / np.abs(one).max(), other / np.abs(other).max()
    expected = structural_similarity(*scaled, data_range=1 - min(each.min() for each in scaled))
    assert found.ssim == pytest.approx(expected)
    same_map = map_similarity(one, one)
    assert same_map.rank == pytest.approx(1) and same_map.ssim == pytest.approx(1)
    assert map_similarity(one, -one).rank == pytest.approx(-1)


def test_maps_that_say_nothing_are_not_compared() -> None:
    values = np.arange(9.0).reshape(3, 3)
    assert map_similarity(values, np.zeros((3, 3))) == map_similarity(np.ones((3, 3)), values)
    assert map_similarity(values, np.zeros((3, 3))).rank is None
    small = map_similarity(values[:2, :2], values[1:, 1:])
    assert small.rank == pytest.approx(1) and small.ssim is None


def test_a_map_that_ignores_the_network_is_found_out() -> None:
    def edges(model: nn.Module, image: Tensor, target: int, **_: Any) -> Attribution:
        return Attribution(values=image.abs()[0], method="saliency", target=target, signed=False, score=0.0, options={})

    found = cascade(network(), picture(), 1, edges)
    assert [step.likeness.rank for step in found.steps] == pytest.approx([1.0] * 4)
    assert abs(found.chance.rank or 1) < 0.5


def test_what_cannot_be_used_gets_a_sentence() -> None:
    bare = nn.Sequential(nn.Flatten(), nn.Softmax(dim=1))
    for ask in (lambda: cascade(bare, picture(), 1, SALIENCY), lambda: untrained(bare)):
        with pytest.raises(ExplainError, match="initialised anew"):
            ask()
    dead = network()
    with torch.no_grad():
        dead.dense1.weight.zero_()
    with pytest.raises(ExplainError, match="blank"):
        cascade(dead, picture(), 1, SALIENCY)
    with pytest.raises(ExplainError, match="no class 9"):
        cascade(network(), picture(), 9, SALIENCY)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_can_be_checked_and_leaves_the_network_alone(method: str) -> None:
    net, image = network().train(), picture()
    if incompatibility(net, method, METHODS[method].resolve({})):
        pytest.skip("does not fit this network")
    before = state(net)
    found = cascade(net, image, 1, partial(attribute, method=method, **CHEAP.get(method, {})), steps=2)
    assert len(found.steps) == 2
    assert all(np.isfinite(step.map).all() for step in found.steps)
    assert not np.array_equal(found.steps[1].map, found.original)
    assert same(net, before)
    assert all(module.training and not module._forward_hooks and not module._backward_hooks for module in net.modules())
