"""What is pruned is exactly what was asked for, cut networks equal masked ones, and the original never changes."""

import copy
from collections.abc import Sequence

import pytest
import torch
from torch import nn

from core.compression.cutting import cut
from core.compression.pruning import prune, weighted
from core.compression.ways import Pruning
from core.errors import ConfigError
from core.model.build import build_model
from core.model.layers import (
    Activation,
    AvgPool,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalAvgPool,
    Layer,
    MaxPool,
    Residual,
)
from core.model.presets import preset
from core.model.spec import ModelSpec
from tests.presets import OWN_PRESETS

PLAIN = (Conv(6), BatchNorm(), Activation(), MaxPool(), Conv(8, padding=0), Activation("tanh"), Flatten(), Dense(12))
IMAGES = torch.randn(5, 2, 8, 8, generator=torch.Generator().manual_seed(1))


def spec_of(*layers: Layer) -> ModelSpec:
    return ModelSpec("A network", (2, 8, 8), 10, layers)


def trained(spec: ModelSpec) -> nn.Sequential:
    """Return a network whose batch norms have seen images, as after a training."""
    model = build_model(spec, seed=3)
    draw = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                for values in (module.weight, module.bias, module.running_mean, module.running_var):
                    values.copy_(torch.rand(values.shape, generator=draw) + 0.2)
    return model.eval()


def same(one: nn.Module, other: nn.Module, images: torch.Tensor = IMAGES) -> bool:
    with torch.no_grad():
        return torch.allclose(one(images), other(images), rtol=0, atol=1e-5)


@pytest.mark.parametrize("amount", [0.0, 0.1, 0.37, 0.9, 0.99])
def test_sparsity_is_exactly_as_asked(amount: float):
    model = trained(spec_of(*PLAIN, Activation(), Dense(10)))
    total = sum(layer.weight.numel() for _, layer in weighted(model))
    pruned = prune(model, Pruning("weights", amount))
    assert pruned.sparsity * total == pytest.approx(round(amount * total))
    for name, layer in weighted(prune(model, Pruning("layers", amount)).model):
        assert int((layer.weight == 0).sum()) == round(amount * layer.weight.numel()), name


def test_the_smallest_go_and_the_rest_stays():
    model = trained(spec_of(Conv(4), Activation(), Flatten(), Dense(10)))
    pruned = prune(model, Pruning("weights", 0.5))
    sizes = torch.cat([layer.weight.abs().flatten() for _, layer in weighted(model)])
    border = sizes.median()
    for (name, before), (_, after) in zip(weighted(model), weighted(pruned.model), strict=True):
        gone = before.weight.abs() <= border
        assert torch.equal(after.weight, torch.where(gone, torch.zeros(()), before.weight))
        assert torch.equal(pruned.masks[f"{name}.weight"], ~gone)
        assert torch.equal(after.bias, before.bias)


@pytest.mark.parametrize("kind", ["weights", "layers", "filters"])
def test_the_original_is_untouched(kind: str):
    model = trained(spec_of(*PLAIN, Activation(), Dense(10)))
    kept = copy.deepcopy(model.state_dict())
    pruned = prune(model, Pruning(kind, 0.5))
    with torch.no_grad():
        for weight in pruned.model.parameters():
            weight.fill_(7)
    assert list(kept) == list(model.state_dict()) == list(pruned.model.state_dict())
    assert all(torch.equal(kept[name], value) for name, value in model.state_dict().items())
    assert not any(module._forward_pre_hooks for module in (*model.modules(), *pruned.model.modules()))


def test_whole_filters_go_by_their_norm():
    model = trained(spec_of(Conv(4), Activation(), Flatten(), Dense(10)))
    with torch.no_grad():
        model.conv1.weight.mul_(torch.tensor([1.0, 0.01, 2.0, 0.02])[:, None, None, None])
    pruned = prune(model, Pruning("filters", 0.5))
    assert pruned.filters == {"conv1": (1, 3)}
    assert not pruned.model.conv1.weight[[1, 3]].any() and not pruned.model.conv1.bias[[1, 3]].any()
    assert torch.equal(pruned.model.dense1.weight, model.dense1.weight)


def test_a_filter_of_zeros_can_go_without_a_change():
    spec = spec_of(*PLAIN, Activation(), Dense(10))
    model = trained(spec)
    with torch.no_grad():
        for values in (model.conv1.weight, model.conv1.bias, model.bn1.weight, model.bn1.bias):
            values[[0, 4]] = 0
    made = cut(spec, prune(model, Pruning("filters", 1 / 3)))
    assert made.removed["conv1"] == 2 and made.spec.layers[0].out_channels == 4
    conv2_whole = prune(model, Pruning("filters", 1 / 3)).filters["conv2"]
    with torch.no_grad():
        model.conv2.weight[list(conv2_whole)] = model.conv2.bias[list(conv2_whole)] = 0
    assert same(model, made.model)


STACKS: dict[str, Sequence[Layer]] = {
    "plain": (*PLAIN, Activation(), Dense(10)),
    "batch norm before the dense layer": (Conv(6), BatchNorm(), Activation("gelu"), AvgPool(), Flatten(), Dense(10)),
    "global pooling": (Conv(6), Activation("silu"), Dropout(), Conv(5), GlobalAvgPool(), Dense(10)),
    "batch norm of a vector": (Conv(6), Flatten(), BatchNorm(), Dense(10)),
    "batch norm behind the activation": (Conv(6), Activation(), BatchNorm(), Conv(4), Flatten(), Dense(10)),
    "dilated and strided": (Conv(6, dilation=2), Conv(8, stride=2, padding=1), Flatten(), Dense(10)),
    "the last convolution gives the logits": (Conv(6), Activation(), Conv(10), GlobalAvgPool()),
    "sigmoid": (Conv(6), Activation("sigmoid"), Conv(4), Activation(), Flatten(), Dense(10)),
    "residual": (Conv(6), Residual(6), Residual(8, stride=2), Conv(4), GlobalAvgPool(), Dense(10)),
    "groups": (Conv(6), Conv(6, groups=2), Conv(5), Flatten(), Dense(10)),
}


@pytest.mark.parametrize("amount", [0.0, 0.4, 0.9, 0.99])
@pytest.mark.parametrize("name", STACKS)
def test_the_cut_network_equals_the_masked_one(name: str, amount: float):
    spec = spec_of(*STACKS[name])
    pruned = prune(trained(spec), Pruning("filters", amount))
    made = cut(spec, pruned)
    assert same(pruned.model, made.model)
    assert set(made.removed) | set(made.only_masked) == set(pruned.filters)
    for layer, count in made.removed.items():
        assert made.model.get_submodule(layer).out_channels == len(pruned.masks[f"{layer}.bias"]) - count > 0
    assert {key.split(".")[0] for key in made.masks} <= {key.split(".")[0] for key in (*made.only_masked, "bn1.x")}
    state = made.model.state_dict()
    assert all(state[key].shape == mask.shape and not state[key][~mask].any() for key, mask in made.masks.items())


def test_what_cannot_be_cut_is_said():
    spec = spec_of(*STACKS["residual"])
    made = cut(spec, prune(trained(spec), Pruning("filters", 0.5)))
    assert made.removed == {"conv2": 2}
    assert "shortcut" in made.only_masked["conv1"] and "residual block" in made.only_masked["residual1.conv1"]
    sigmoid = spec_of(*STACKS["sigmoid"])
    assert "sigmoid" in cut(sigmoid, prune(trained(sigmoid), Pruning("filters", 0.5))).only_masked["conv1"]


@pytest.mark.parametrize("name", OWN_PRESETS)
def test_every_preset_can_be_pruned(name: str):
    spec = preset(name, (3, 32, 32), 10)
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    pruned = prune(trained(spec), Pruning("filters", 0.5))
    made = cut(spec, pruned)
    assert same(pruned.model, made.model, images)
    sizes = [sum(weight.numel() for weight in model.parameters()) for model in (pruned.model, made.model)]
    assert sizes[1] < 0.7 * sizes[0] or name == "resnet"


def test_what_cannot_be_pruned_is_refused():
    with pytest.raises(ConfigError, match="no convolution whose filters"):
        prune(trained(spec_of(Flatten(), Dense(10))), Pruning("filters", 0.5))
    with pytest.raises(ConfigError, match="neither convolutions nor dense"):
        prune(nn.Sequential(nn.ReLU()), Pruning())
    for wrong in ({"kind": "magic"}, {"amount": -0.1}, {"amount": 1.0}, {"amount": float("nan")}, {"amount": "half"}):
        with pytest.raises(ConfigError):
            Pruning(**wrong)  # type: ignore[arg-type]
