"""Grad-CAM agrees with torch-cam, which was written by others."""

import pytest
import torch

from core.compat import import_torchvision
from core.explain.attribution import attribute
from core.inference.copies import shallow_copy_for_hooks
from core.model.build import build_model
from core.model.presets import PRESETS, preset
from tests.explain.test_attribution import picture

import_torchvision()  # torch-cam needs it


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("target", [0, 3])
def test_grad_cam_equals_torch_cam(name: str, target: int) -> None:
    from torchcam.methods import GradCAM

    net, image = build_model(preset(name, (3, 16, 16), 4), seed=2), picture(16)
    found = attribute(net, image, target, "grad_cam")
    twin = shallow_copy_for_hooks(net)
    with GradCAM(twin, target_layer=str(found.options["layer"])) as extractor:
        scores = twin(image[None].requires_grad_())
        (cam,) = extractor(target, scores, normalized=False)
    expected = torch.nn.functional.interpolate(cam[:, None], (16, 16), mode="bilinear", align_corners=False)[0, 0]
    assert torch.allclose(found.values, expected.detach(), atol=1e-6)
