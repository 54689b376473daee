"""Grad-CAM looks at convolutions and blocks, and a method that cannot work says so."""

import pytest
from torch import nn

from core.errors import ExplainError
from core.explain.cam_layers import cam_layers, default_cam_layer
from core.explain.compatibility import incompatibility
from core.explain.methods.registry import METHODS
from core.model.build import build_model
from core.model.presets import preset
from tests.presets import OWN_PRESETS


def test_a_stack_of_convolutions_ends_with_its_last() -> None:
    net = build_model(preset("tutorial", (3, 32, 32), 10))
    assert cam_layers(net) == ("conv1", "conv2", "conv3")
    assert default_cam_layer(net) == "conv3"


def test_a_residual_net_ends_with_its_last_block() -> None:
    net = build_model(preset("resnet", (3, 32, 32), 10))
    names = cam_layers(net)
    assert names[:4] == ("conv1", "residual1.conv1", "residual1.conv2", "residual1")
    assert "residual2.shortcut.conv" in names
    assert "residual2.shortcut" not in names
    assert default_cam_layer(net) == "residual3"


@pytest.mark.parametrize("name", OWN_PRESETS)
def test_presets_are_open_to_every_method_but_tanh_to_guided_backprop(name: str) -> None:
    net = build_model(preset(name, (1, 28, 28), 10))
    reasons = {method for method in METHODS if incompatibility(net, method)}
    assert reasons == ({"guided_backprop", "deconvolution", "guided_grad_cam"} if name == "lenet5" else set())


def test_a_network_without_convolution_says_why_not() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    assert "needs a convolution" in (incompatibility(net, "grad_cam") or "")
    assert "ReLU" in (incompatibility(net, "guided_backprop") or "")
    assert incompatibility(net, "saliency") is None
    with pytest.raises(ExplainError, match="needs a convolution"):
        default_cam_layer(net)
