"""Images and weights of a training lie in memory in the way in which torch computes fast and writes nothing astray."""

import pytest
import torch
from torch import nn

from core.data.datasets import load_dataset
from core.model.build import build_model
from core.model.layers import Conv, Dense, Flatten, Residual
from core.model.presets import PRESETS, preset
from core.model.spec import ModelSpec
from core.train.config import TrainConfig
from core.train.hardware import pick_layout
from core.train.loop import Training
from core.train.metrics import evaluate

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("layers", "safe"),
    [
        ((Residual(5, stride=2),), False),  # its shortcut is a strided 1×1 convolution
        ((Conv(15), Conv(5, kernel_size=1, stride=3, padding=0)), False),
        ((Conv(16), Conv(5, kernel_size=1, stride=3, padding=0)), True),
        ((Conv(15), Conv(5, kernel_size=1)), True),
        ((Conv(15), Conv(5, kernel_size=3, stride=3, padding=0)), True),
    ],
)
def test_channels_lie_last_but_where_a_strided_1x1_convolution_has_few_of_them(layers, safe):
    model = build_model(ModelSpec("small", (3, 12, 12), 4, (*layers, Flatten(), Dense(4))))
    assert pick_layout(model, CPU) == (torch.channels_last if safe else torch.contiguous_format)
    assert pick_layout(model, torch.device("cuda")) == torch.channels_last
    assert pick_layout(model, torch.device("mps")) == torch.contiguous_format


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_keeps_the_fast_layout(name):
    assert pick_layout(build_model(preset(name, (3, 32, 32), 10)), CPU) == torch.channels_last


def test_training_and_validation_see_no_channels_last_where_it_is_not_safe():
    dataset = load_dataset("digits", limit=40)
    spec = ModelSpec("small", (1, 8, 8), 10, (Conv(3), Residual(4, stride=3), Flatten(), Dense(10)))
    model = build_model(spec)
    seen = set[bool]()

    def look(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        tensors = (inputs[0], *module.parameters())
        seen.update(tensor.is_contiguous() for tensor in tensors)

    model[1].register_forward_pre_hook(look)
    training = Training(model, dataset, TrainConfig(epochs=1, batch_size=16, device="cpu"))
    next(iter(training))
    training.gauge()
    evaluate(model, dataset, dataset.valid)
    assert seen == {True}
