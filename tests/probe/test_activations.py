"""Activations agree with running the layers by hand, and looking leaves no trace."""

import copy
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor, nn

from core.errors import ConvScopeError, ExplainError
from core.model.build import build_model
from core.model.presets import preset
from core.probe.activations import capture_activations, passage, zero_share
from tests.presets import OWN_PRESETS


class Failing(nn.Module):
    """Draws a random number, then fails."""

    def forward(self, images: Tensor) -> Tensor:
        raise RuntimeError(f"broken layer {torch.zeros(1).item()}")


def small(*extra: nn.Module) -> nn.Sequential:
    torch.manual_seed(0)
    net = nn.Sequential()
    for name, module in (
        ("conv1", nn.Conv2d(3, 4, 3, padding=1)),
        ("bn1", nn.BatchNorm2d(4)),
        ("relu1", nn.ReLU(inplace=True)),
        ("dropout1", nn.Dropout(0.5)),
        ("flatten1", nn.Flatten()),
    ):
        net.add_module(name, module)
    for index, module in enumerate(extra):
        net.add_module(f"extra{index}", module)
    net.bn1.eval()  # an odd mix of modes that must survive
    net.conv1.register_forward_hook(lambda module, inputs, output: None)
    return net


def traces(net: nn.Module) -> tuple[object, ...]:
    hooks = [
        (name, len(module._forward_hooks), len(module._forward_pre_hooks), len(module._backward_hooks))
        for name, module in net.named_modules()
    ]
    modes = [module.training for module in net.modules()]
    state = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    return hooks, modes, state, [p.requires_grad for p in net.parameters()], [p.grad for p in net.parameters()]


def same(before: tuple[object, ...], after: tuple[object, ...]) -> bool:
    states = before[2], after[2]
    assert isinstance(states[0], dict) and isinstance(states[1], dict)
    equal = all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    return equal and before[:2] == after[:2] and before[3:] == after[3:]


def test_agrees_with_running_the_layers_one_by_one() -> None:
    net, images = small(), torch.randn(2, 3, 5, 6)
    found = capture_activations(net, images)
    net.eval()
    with torch.no_grad():
        conv = net.conv1(images)
        norm = net.bn1(conv)
        expected = {
            "conv1": conv,
            "bn1": norm.clone(),
            "relu1": norm.relu(),
            "dropout1": norm.relu(),
            "flatten1": norm.relu().flatten(1),
        }
    assert list(found) == list(expected)
    for name, value in expected.items():
        assert torch.equal(found[name], value), name


def test_results_are_detached_copies_in_the_order_asked() -> None:
    net, images = small(), torch.randn(1, 3, 4, 4, dtype=torch.float64)
    found = capture_activations(net, images, ["relu1", "input", "conv1"])
    assert list(found) == ["relu1", "input", "conv1"]
    assert all(value.dtype == torch.float32 and not value.requires_grad for value in found.values())
    assert torch.equal(found["input"], images.float())
    found["input"].zero_()
    assert images.abs().sum() > 0


def test_leaves_the_network_as_found() -> None:
    net, images = small(), torch.zeros(1, 3, 4, 4)
    before = traces(net)
    random = torch.get_rng_state()
    capture_activations(net, images)
    assert torch.equal(torch.get_rng_state(), random)
    assert same(before, traces(net))


def test_threads_that_share_a_network_do_not_meet() -> None:
    net = small()
    images = [torch.full((1, 3, 4, 4), float(value)) for value in range(24)]
    alone = [capture_activations(net, image)["flatten1"] for image in images]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(lambda image: capture_activations(net, image)["flatten1"], images))
    assert all(torch.equal(one, other) for one, other in zip(alone, together, strict=True))


@pytest.mark.parametrize("enabled", [True, False])
def test_leaves_the_network_as_found_when_a_layer_fails(enabled: bool) -> None:
    net = small(Failing())
    before, random = traces(net), torch.get_rng_state()
    with torch.set_grad_enabled(enabled):
        with pytest.raises(ExplainError, match="broken layer"):
            capture_activations(net, torch.zeros(1, 3, 4, 4))
        assert torch.is_grad_enabled() == enabled
    assert torch.equal(torch.get_rng_state(), random)
    assert same(before, traces(net))


@pytest.mark.parametrize("name", OWN_PRESETS)
def test_sees_every_layer_of_every_preset(name: str) -> None:
    spec = preset(name, (3, 16, 16), 4)
    net, images = build_model(spec), torch.randn(2, 3, 16, 16)
    found = capture_activations(net, images)
    assert tuple(found) == spec.layer_names
    with torch.no_grad():
        assert torch.allclose(found[spec.layer_names[-1]], net.eval()(images), atol=1e-6)


def test_sees_layers_inside_a_residual_block() -> None:
    net = build_model(preset("resnet", (1, 8, 8), 3))
    found = capture_activations(net, torch.randn(1, 1, 8, 8), ["residual2.conv2", "residual2"])
    assert found["residual2.conv2"].shape == found["residual2"].shape == (1, 32, 4, 4)


def test_unknown_layer_and_raw_images_get_a_sentence() -> None:
    net = small()
    with pytest.raises(ConvScopeError, match=r"no layer named 'conv9': choose one of conv1, bn1"):
        capture_activations(net, torch.zeros(1, 3, 4, 4), ["conv9"])
    with pytest.raises(ConvScopeError, match=r"no layer named ''"):
        capture_activations(net, torch.zeros(1, 3, 4, 4), [""])
    with pytest.raises(ConvScopeError, match="normalize"):
        capture_activations(net, torch.zeros(1, 3, 4, 4, dtype=torch.uint8))


def test_share_of_zeros_per_channel() -> None:
    maps = torch.ones(2, 3, 2, 2)
    maps[:, 1] = 0
    maps[0, 2, 0, :] = 0
    assert zero_share(maps).tolist() == [0, 1, 0.25]
    assert zero_share(torch.tensor([[0.0, 1.0], [2.0, 0.0]])).tolist() == [0.5, 0.5]


def test_what_goes_into_a_layer_and_what_comes_out_fit_each_other():
    torch.manual_seed(0)
    inner = nn.Sequential(nn.BatchNorm2d(4), nn.ReLU(inplace=True))
    model = nn.Sequential(nn.Conv2d(3, 4, 3), inner, nn.Flatten()).train()
    images = torch.randn(2, 3, 6, 6)
    before, after = passage(model, images, "1.0")
    twin = copy.deepcopy(model).eval()
    assert torch.equal(before, twin[0](images))
    assert torch.equal(after, twin[1][0](before))
    assert model.training and not any(module._forward_hooks for module in model.modules())
    with pytest.raises(ConvScopeError, match="no layer named '7'"):
        passage(model, images, "7")
