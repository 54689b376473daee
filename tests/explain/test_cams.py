"""Class activation maps agree with torch-cam and pytorch-grad-cam, written by others, and with the papers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.compat import import_torchvision
from core.explain.attribution import attribute
from core.explain.cam_layers import record_activations
from core.explain.methods.activation_cam import eigen_map
from core.inference.copies import shallow_copy_for_hooks
from core.model.build import build_model
from core.model.presets import preset
from tests.explain.test_attribution import network, picture
from tests.presets import OWN_PRESETS

import_torchvision()  # torch-cam needs it

REFERENCES = Path(__file__).parent / "cam_references.json"  # written by tests/explain/cam_references.py
TARGET = 1


@pytest.mark.parametrize("name", OWN_PRESETS)
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


@dataclass(frozen=True, eq=False)
class Case:
    """A network with an image, its last convolution, and the modules behind that and behind the first."""

    network: nn.Sequential
    image: Tensor
    layer: str
    activation: str
    full: str  # its maps are as large as the picture, so that nothing is stretched


@cache
def cases() -> Mapping[str, Case]:
    own, tiny = network().eval(), build_model(preset("tiny_vgg", (3, 16, 16), 4), seed=2).eval()
    with torch.no_grad():
        for net in (own, tiny):
            last = [module for module in net if isinstance(module, nn.Linear)][-1]
            last.weight *= 30
            last.bias *= 30
    return {
        "network": Case(own, picture(), "conv2", "relu2", "relu1"),
        "tiny_vgg": Case(tiny, picture(16), "conv4", "relu4", "relu1"),
    }


def references(name: str, method: str) -> Tensor:
    return torch.tensor(json.loads(REFERENCES.read_text("utf-8"))["maps"][name][method])


def stretched(cam: Tensor, case: Case) -> Tensor:
    return F.interpolate(cam[None, None], case.image.shape[1:], mode="bilinear", align_corners=False)[0, 0]


def activations(case: Case, module: str) -> Tensor:
    """Return the maps (C, h, w) that a module puts out."""
    index = list(dict(case.network.named_children())).index(module)
    with torch.no_grad():
        return case.network[: index + 1](case.image[None])[0]


@pytest.mark.parametrize("method", ["grad_cam_pp", "xgrad_cam", "layer_cam", "score_cam"])
@pytest.mark.parametrize("name", ["network", "tiny_vgg"])
def test_equals_pytorch_grad_cam(name: str, method: str) -> None:
    case, expected = cases()[name], references(name, method)
    layer = "conv1" if method == "score_cam" else case.layer
    found = attribute(case.network, case.image, TARGET, method, layer=layer)
    assert found.options["layer"] == layer and expected.max() > 0
    assert torch.allclose(found.values, stretched(expected, case), atol=1e-5 * float(expected.max()))
    again = attribute(case.network, case.image, TARGET, method, layer=layer)
    assert torch.equal(again.values, found.values)


@pytest.mark.parametrize("method", ["xgrad_cam", "layer_cam", "score_cam"])
@pytest.mark.parametrize("name", ["network", "tiny_vgg"])
def test_equals_torch_cam(name: str, method: str) -> None:
    from torchcam.methods import LayerCAM, ScoreCAM, XGradCAM

    case, kind = cases()[name], {"xgrad_cam": XGradCAM, "layer_cam": LayerCAM, "score_cam": ScoreCAM}[method]
    full = method == "score_cam"
    found = attribute(case.network, case.image, TARGET, method, layer="conv1" if full else case.layer)
    twin = shallow_copy_for_hooks(case.network)
    with kind(twin, target_layer=case.full if full else case.activation) as extractor:
        scores = twin(case.image[None].requires_grad_())
        (cam,) = extractor(TARGET, scores, normalized=False)
    expected = stretched(cam[0].detach(), case)
    assert torch.allclose(found.values, expected, atol=1e-5 * float(expected.max()))


@pytest.mark.parametrize("name", ["network", "tiny_vgg"])
def test_eigen_cam_is_the_first_component_which_pytorch_grad_cam_takes_of_centred_maps(name: str) -> None:
    case = cases()[name]
    maps = activations(case, case.activation)
    cells = maps.flatten(1).T.double().numpy()
    component = cells @ np.linalg.svd(cells)[2][0]
    component = torch.from_numpy(component * np.sign(component.sum())).reshape(maps.shape[1:]).float()
    found = attribute(case.network, case.image, TARGET, "eigen_cam")
    assert found.options == {"layer": case.layer}
    assert torch.allclose(found.values, stretched(component.relu(), case), atol=1e-5)
    centred, other = eigen_map(maps - maps.mean((1, 2), keepdim=True)).float(), references(name, "eigen_cam")
    assert any(torch.allclose(each.relu(), other, atol=1e-5) for each in (centred, -centred))
    assert torch.equal(found.values, attribute(case.network, case.image, 0, "eigen_cam").values)  # whatever the class


def test_score_cam_stretches_maps_before_it_scales_them_and_takes_those_that_vary_most() -> None:
    case = cases()["tiny_vgg"]
    maps = activations(case, case.activation)
    chosen = maps.flatten(1).std(1).argsort(descending=True)[:4].sort().values
    scores = []
    for each in maps[chosen]:
        mask = stretched(each, case)
        mask = (mask - mask.min()) / (mask.max() - mask.min())
        with torch.no_grad():
            scores.append(case.network((case.image * mask)[None])[0, TARGET])
    weights = torch.stack(scores).softmax(0)
    expected = stretched((weights[:, None, None] * maps[chosen]).sum(0).relu(), case)
    told: list[tuple[int, int]] = []
    found = attribute(case.network, case.image, TARGET, "score_cam", maps=4, progress=lambda *now: told.append(now))
    assert torch.allclose(found.values, expected, atol=1e-5 * float(expected.max()))
    assert found.options["maps"] == 4 and told[-1] == (5, 5)


def test_the_sum_of_xgrad_cam_before_the_cut_is_what_the_maps_add_to_the_score() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 5, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(320, 2, bias=False)).eval()
    with torch.no_grad():
        net[3].weight.abs_()  # nothing is cut
    found = attribute(net, picture(), 0, "xgrad_cam")
    assert float(found.values.sum()) == pytest.approx(found.score, rel=1e-5)


def test_activations_are_those_behind_batch_norm_and_activation_and_nothing_works_in_place_on_them() -> None:
    torch.manual_seed(0)
    head = [nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True)]
    net = nn.Sequential(*head, nn.ReLU6(inplace=True), nn.Dropout(), nn.ReLU()).eval()
    before = [len(module._forward_hooks) for module in net]
    with record_activations(net, net[0]) as outputs:
        net(picture()[None])
    assert [len(module._forward_hooks) for module in net] == before
    assert len(outputs) == 3  # the second activation is no part of the layer
    assert torch.equal(outputs[0], net[0](picture()[None]))
    assert torch.equal(outputs[1], net[:2](picture()[None]))
    assert torch.equal(outputs[2], net[:3](picture()[None]))
