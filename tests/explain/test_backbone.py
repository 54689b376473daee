"""Explanations reach through a pretrained backbone to the pixels, also where it resizes them."""

import pytest
import torch

from core.explain.attribution import attribute
from core.explain.compatibility import incompatibility
from core.explain.methods.registry import METHODS
from core.model.build import build_model
from core.model.layers import Backbone, Dense, GlobalAvgPool
from core.model.spec import ModelSpec

SPEC = ModelSpec("Transfer", (1, 12, 10), 3, (Backbone(up_to=3, size=64), GlobalAvgPool(), Dense(3)))
NEED_RELU = {"guided_backprop", "deconvolution", "guided_grad_cam"}  # it has ReLU6


def test_every_method_fits_that_fits_its_network() -> None:
    assert {method for method in METHODS if incompatibility(build_model(SPEC), method)} == NEED_RELU


@pytest.mark.parametrize("method", ["saliency", "integrated_gradients", "deep_lift", "lrp", "grad_cam"])
def test_every_method_maps_the_pixels_as_they_came(method: str) -> None:
    image = torch.rand(1, 12, 10, generator=torch.Generator().manual_seed(0))
    values = attribute(build_model(SPEC).eval(), image, 1, method).values
    assert values.shape[-2:] == (12, 10) or METHODS[method].family == "Layers"
    assert bool(values.isfinite().all()) and bool(values.abs().sum() > 0)


def test_the_multipliers_of_deep_lift_add_up_through_the_resizing() -> None:
    net, image = build_model(SPEC).eval(), torch.rand(1, 12, 10, generator=torch.Generator().manual_seed(1))
    found = attribute(net, image, 1, "deep_lift")
    with torch.no_grad():
        change = net(image[None])[0, 1] - net(torch.zeros(1, 1, 12, 10))[0, 1]
    assert float(found.values.sum()) == pytest.approx(float(change), rel=1e-3)
