"""A layer between its passes: autograd's numbers of the whole network, by the chain rule and by hand."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from core import maths
from core.errors import ConvScopeError
from core.model.build import build_model
from core.model.layers import Activation, BatchNorm, Conv, Dense, Dropout, Flatten, MaxPool, Residual
from core.model.spec import ModelSpec
from core.probe.autograd_reference import LayerPass, layer_pass

LAYERS = (
    *(Conv(4, 3), BatchNorm(), Activation(), MaxPool(), Residual(4), Dropout(0.4)),
    *(Flatten(), Dense(6), Activation("tanh"), Dense(3)),
)
SPEC = ModelSpec("a network", (2, 8, 8), 3, LAYERS)


@pytest.fixture
def model() -> nn.Sequential:
    return build_model(SPEC, seed=1)


@pytest.fixture
def batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(4, 2, 8, 8, generator=generator), torch.tensor([0, 1, 2, 1])


def close(left: object, right: object) -> None:
    np.testing.assert_allclose(np.asarray(left), np.asarray(right), rtol=1e-9, atol=1e-14)


def test_a_convolution_agrees_with_the_arithmetic_by_hand(model: nn.Sequential, batch: tuple) -> None:
    found = layer_pass(model, "conv1", *batch, functional.cross_entropy)
    close(maths.conv2d_forward(found.inputs, found.weight, found.bias, padding="same"), found.outputs)
    by_hand = maths.conv2d_backward(found.upstream, found.inputs, found.weight, padding="same")
    close(by_hand.images, found.input_gradient)
    close(by_hand.weight, found.weight_gradient)
    close(by_hand.bias, found.bias_gradient)


def test_the_last_layer_s_upstream_is_the_gradient_of_the_loss(model: nn.Sequential, batch: tuple) -> None:
    found = layer_pass(model, "dense2", *batch, functional.cross_entropy)
    close(maths.loss_gradient("cross_entropy", found.outputs, batch[1]), found.upstream)
    assert found.loss == pytest.approx(float(maths.loss_value("cross_entropy", found.outputs, batch[1])), rel=1e-12)


@pytest.mark.parametrize("training", [False, True])
def test_every_layer_s_input_gradient_is_the_upstream_of_the_one_before(
    model: nn.Sequential, batch: tuple, training: bool
) -> None:
    passes: list[LayerPass] = [
        layer_pass(model, name, *batch, functional.cross_entropy, training=training) for name in SPEC.layer_names
    ]
    for before, after in itertools.pairwise(passes):
        close(before.outputs, after.inputs)
        close(before.upstream, after.input_gradient)


def test_batch_norm_and_dropout_do_in_training_what_they_do_by_hand(model: nn.Sequential, batch: tuple) -> None:
    norm = layer_pass(model, "bn1", *batch, functional.cross_entropy, training=True)
    close(maths.batch_norm_forward(norm.inputs, norm.weight, norm.bias), norm.outputs)
    close(maths.batch_norm_backward(norm.upstream, norm.inputs, norm.weight).inputs, norm.input_gradient)
    drop = layer_pass(model, "dropout1", *batch, functional.cross_entropy, training=True, seed=3)
    dropped = (drop.outputs == 0) & (drop.inputs != 0)
    assert 0.2 < dropped.sum() / (drop.inputs != 0).sum() < 0.6
    close(drop.outputs[~dropped], drop.inputs[~dropped] / 0.6)


def test_the_network_and_the_random_state_stay_as_they_were(model: nn.Sequential, batch: tuple) -> None:
    before = {name: value.clone() for name, value in model.state_dict().items()}
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    inner = layer_pass(model, "residual1.conv1", *batch, functional.cross_entropy, training=True)
    assert inner.weight_gradient is not None and inner.weight_gradient.any()
    assert torch.equal(torch.rand(1), expected)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any(weight.requires_grad and weight.grad is not None for weight in model.parameters())


def test_an_unknown_layer_is_named_in_one_sentence(model: nn.Sequential, batch: tuple) -> None:
    with pytest.raises(ConvScopeError, match="no layer named 'conv9'"):
        layer_pass(model, "conv9", *batch, functional.cross_entropy)
