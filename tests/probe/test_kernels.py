"""Filters are copies of the weights of the convolutions that exist."""

import pytest
import torch
from torch import nn

from core.errors import ConvScopeError
from core.model.build import build_model
from core.model.layers import Conv, Dense, Flatten
from core.model.presets import preset
from core.model.spec import ModelSpec
from core.probe.kernels import biases, filter_layers, filters


def test_names_convolutions_also_inside_blocks() -> None:
    assert filter_layers(build_model(preset("tutorial", (3, 32, 32), 10))) == ("conv1", "conv2", "conv3")
    names = filter_layers(build_model(preset("resnet", (3, 32, 32), 10)))
    assert names[:3] == ("conv1", "residual1.conv1", "residual1.conv2")
    assert "residual2.shortcut.conv" in names


def test_filters_are_copies_with_grouped_channels() -> None:
    spec = ModelSpec("n", (4, 8, 8), 2, (Conv(6, 3, groups=2), Flatten(), Dense(2)))
    net = build_model(spec)
    weights = filters(net, "conv1")
    assert weights.shape == (6, 2, 3, 3)
    assert torch.equal(weights, net.conv1.weight)
    assert not weights.requires_grad
    weights.zero_()
    assert net.conv1.weight.abs().sum() > 0


def test_biases_are_copies_and_none_where_batch_norm_has_them() -> None:
    net = build_model(preset("resnet", (3, 32, 32), 10))
    copy = biases(net, "conv1")
    assert copy is not None and torch.equal(copy, net.conv1.bias)
    copy.fill_(7)
    assert not (net.conv1.bias == 7).any()
    assert biases(net, "residual1.conv1") is None
    with pytest.raises(ConvScopeError, match="choose one of conv1"):
        biases(net, "relu1")


def test_a_layer_without_filters_gets_a_sentence() -> None:
    net = build_model(preset("tutorial", (1, 28, 28), 10))
    for name in ("relu1", "conv7", ""):
        with pytest.raises(ConvScopeError, match="choose one of conv1, conv2, conv3"):
            filters(net, name)
    with pytest.raises(ConvScopeError, match="add a convolution"):
        filters(nn.Sequential(nn.Flatten()), "0")
