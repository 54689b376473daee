"""First filters by hand: the kernels themselves, as strong as the random ones they replace."""

import pytest
import torch
from torch import nn

from core.data.datasets import load_dataset
from core.errors import ConfigError
from core.model.build import build_model
from core.model.handmade import KERNELS, kernel
from core.model.layers import Conv, Dense, Flatten
from core.model.spec import ModelSpec
from core.train.config import TrainConfig
from core.train.initialization import begin
from core.train.loop import Training

CONFIG = TrainConfig(first_filters="by_hand", device="cpu", precision="fp32")


def network(*layers, channels: int = 2) -> nn.Sequential:
    return build_model(ModelSpec("A network", (channels, 8, 8), 10, (*layers, Flatten(), Dense(10))), seed=3)


def test_each_filter_is_one_kernel_of_the_norm_that_was_there():
    before, model = network(Conv(16)), network(Conv(16))
    begin(model, CONFIG)
    for number, name in enumerate(KERNELS):
        own, random = model.conv1.weight[number].detach(), before.conv1.weight[number]
        assert own.norm().item() == pytest.approx(random.norm().item())
        for channel in own:
            assert (
                torch.cosine_similarity(channel.flatten(), torch.tensor(kernel(name)).float().flatten(), dim=0) > 0.9999
            )
    assert torch.equal(model.conv1.weight[12:], before.conv1.weight[12:])
    assert torch.equal(model.conv1.bias, before.conv1.bias)
    assert torch.equal(model.dense1.weight, before.dense1.weight)


def test_larger_kernels_have_hand_made_ones_of_their_size():
    model = network(Conv(1, kernel_size=5))
    begin(model, CONFIG)
    assert torch.count_nonzero(model.conv1.weight) == 2  # the identity of either channel


def test_by_default_nothing_is_touched():
    model = network(Conv(4))
    begin(model, TrainConfig())
    assert torch.equal(model.conv1.weight, network(Conv(4)).conv1.weight)


def test_a_training_begins_so_and_goes_on_learning():
    training = Training(network(Conv(4), channels=1), load_dataset("digits", limit=64), CONFIG)
    first = training.model.conv1.weight.detach().clone()
    assert torch.count_nonzero(first[0]) == 1
    next(iter(training))
    assert not torch.equal(training.model.conv1.weight, first)


@pytest.mark.parametrize(
    ("layers", "what"),
    [((), "has no convolution"), ((Conv(4, kernel_size=2),), "2 × 2"), ((Conv(4, kernel_size=1),), "1 × 1")],
)
def test_where_no_kernel_fits_one_sentence_says_so(layers, what):
    with pytest.raises(ConfigError, match=what):
        begin(network(*layers), CONFIG)
