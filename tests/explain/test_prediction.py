"""Probabilities are the softmax of the logits in eval mode, and asking leaves no trace."""

import math

import pytest
import torch
from torch import nn

from core.errors import ExplainError
from core.inference.prediction import batch_size, predict
from core.model.build import build_model
from core.model.presets import preset
from tests.presets import OWN_PRESETS


@pytest.mark.parametrize("name", OWN_PRESETS)
def test_agrees_with_torch_in_eval_mode(name: str) -> None:
    net = build_model(preset(name, (1, 16, 16), 5)).train()
    images = torch.randn(3, 1, 16, 16)
    found = predict(net, images)
    assert all(module.training for module in net.modules())
    with torch.no_grad():
        expected = net.eval()(images).softmax(dim=1)
    assert torch.allclose(found, expected, atol=1e-6)
    assert torch.allclose(found.sum(dim=1), torch.ones(3))
    assert found.dtype == torch.float32
    assert not found.requires_grad


def test_runs_in_bounded_batches_with_the_same_result() -> None:
    seen: list[int] = []
    net = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    net[0].register_forward_hook(lambda module, inputs, output: seen.append(len(output)))
    images = torch.randn(150, 1, 2, 2)
    found = predict(net, images)
    assert seen == [64, 64, 22]
    assert torch.allclose(found, net(images).softmax(dim=1), atol=1e-6)


def test_batches_shrink_as_images_grow() -> None:
    assert batch_size(torch.empty(1, 3, 32, 32, device="meta")) == 64
    assert batch_size(torch.empty(1, 3, 128, 64, device="meta")) == 8
    assert batch_size(torch.empty(1, 3, 512, 512, device="meta")) == 1


def test_a_mixture_of_modes_survives() -> None:
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout(), nn.Flatten(), nn.Linear(72, 3))
    net.train()
    net[1].eval()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    predict(net, torch.randn(4, 1, 8, 8))
    assert [module.training for module in net] == [True, False, True, True, True]
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_scores_that_are_not_numbers_get_a_sentence(value: float) -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    net[1].weight.data[0, 0] = value
    with pytest.raises(ExplainError, match="smaller learning rate"):
        predict(net, torch.ones(1, 1, 2, 2))


def test_raw_images_get_a_sentence() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    with pytest.raises(ExplainError, match="normalize"):
        predict(net, torch.zeros(1, 1, 2, 2, dtype=torch.uint8))
    with pytest.raises(ExplainError, match=r"\(1, 2, 2\)"):
        predict(net, torch.zeros(1, 2, 2))
