"""What a training computes in another order than the network is built in gives the same numbers to the last bit."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional

from core.model.build import build_model
from core.model.layers import Activation, BatchNorm, Conv, Dense, Dropout, Flatten, MaxPool
from core.model.spec import ModelSpec
from core.train.rewriting import pool_first

LAYERS = (
    *(Conv(6), Activation(), MaxPool(3, 2, 1)),  # windows overlap, and the border is padded
    *(Conv(5), Activation(), MaxPool(), Dropout(0.3)),
    *(Conv(4), Activation("tanh"), MaxPool(), Flatten(), Dense(8), Activation(), Dense(4)),
)


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_relu_after_max_pooling_gives_the_same_logits_and_gradients(layout, precision):
    model = build_model(ModelSpec("small", (3, 16, 16), 4, LAYERS)).to(memory_format=layout)
    with torch.no_grad():
        model[0].bias.fill_(-1.0)  # whole windows are negative
        model[3].weight.zero_()  # and others full of ties
    twin = copy.deepcopy(model)
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(9, 3, 16, 16, generator=generator).contiguous(memory_format=layout)
    labels = torch.randint(4, (9,), generator=generator)
    results = []
    for network, weights in ((model, model), (pool_first(twin), twin)):
        with torch.random.fork_rng(), torch.autocast("cpu", precision, enabled=precision != torch.float32):
            torch.manual_seed(1)
            logits = network(images)
        functional.cross_entropy(logits.float(), labels).backward()
        results.append([logits.detach(), *(weight.grad for weight in weights.parameters())])
    for built, moved in zip(*results, strict=True):
        assert torch.equal(built, moved)


def test_maps_of_one_pixel_lie_in_memory_as_without_the_move():
    layers = (Conv(12, 4, 3, 0), Activation(), MaxPool(4, 3, 2), MaxPool(3, 3, 1), BatchNorm(), Flatten(), Dense(4))
    model = build_model(ModelSpec("small", (3, 16, 16), 4, layers)).to(memory_format=torch.channels_last)
    twin = copy.deepcopy(model)
    images = torch.randn(8, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    for network in (model, pool_first(twin)):
        functional.cross_entropy(
            network(images.contiguous(memory_format=torch.channels_last)), images[:, 0, 0, :4].softmax(1)
        ).backward()
    for built, moved in zip(model.parameters(), twin.parameters(), strict=True):
        assert torch.equal(built.grad, moved.grad)


def test_only_relus_before_a_max_pooling_move_and_the_network_stays_as_built():
    model = build_model(ModelSpec("small", (3, 16, 16), 4, LAYERS))
    built = list(model.named_children())
    moved = [type(layer) for layer in pool_first(model)]
    assert list(model.named_children()) == built
    relu_first = [nn.Conv2d, nn.MaxPool2d, nn.ReLU]
    assert moved[:6] == [*relu_first, *relu_first]
    assert moved[6:] == [type(layer) for _, layer in built[6:]]
    assert {id(weight) for weight in pool_first(model).parameters()} == {id(weight) for weight in model.parameters()}
