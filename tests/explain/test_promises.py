"""What a method's card promises holds on every preset and every kind of pretrained network, with random weights."""

from functools import cache

import pytest
import torch
from torch import Tensor, nn

from core.compat import import_torchvision
from core.explain.attribution import attribute
from core.explain.methods.registry import METHODS
from core.explain.request import backgrounds
from core.model.build import build_model
from core.model.presets import preset
from core.model.zoo_modules import lite0, one_module_per_use
from tests.presets import OWN_PRESETS

ZOO = ("alexnet", "vgg11", "resnet18", "densenet121", "mobilenet_v2", "squeezenet1_1", "efficientnet_lite0")
PROMISING = [name for name, method in METHODS.items() if method.promise]
SIDE = {"preset": 32, "zoo": 64}


@cache
def network(name: str) -> nn.Module:
    if name in OWN_PRESETS:
        return build_model(preset(name, (3, SIDE["preset"], SIDE["preset"]), 10), seed=1).eval()
    models = import_torchvision().models
    torch.manual_seed(0)
    if name == "vgg11":  # its dense layers alone are 120 million numbers
        return nn.Sequential(models.vgg.make_layers(models.vgg.cfgs["A"]), nn.Flatten(), nn.Linear(2048, 10)).eval()
    if name == "alexnet":
        with torch.device("meta"):
            features = models.alexnet().features
        features = features.to_empty(device="cpu")
        for module in features:
            if isinstance(module, nn.Conv2d):
                module.reset_parameters()
        return one_module_per_use(nn.Sequential(features, nn.Flatten(), nn.Linear(256, 10))).eval()
    model = lite0() if name == "efficientnet_lite0" else models.get_model(name, weights=None, num_classes=10)
    model = one_module_per_use(model)
    if name == "efficientnet_lite0":  # fresh, its batch norms let nothing of the picture through
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = 1.0
        with torch.no_grad():
            model.train()(torch.randn(4, 3, SIDE["zoo"], SIDE["zoo"]))
    return model.eval()


def picture(name: str) -> Tensor:
    side = SIDE["preset" if name in OWN_PRESETS else "zoo"]
    return torch.randn(3, side, side, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("method", [name for name in PROMISING if METHODS[name].promise.of == "change"])
@pytest.mark.parametrize("name", [*OWN_PRESETS, *ZOO])
def test_values_sum_to_the_change_of_score(name: str, method: str) -> None:
    if method == "integrated_gradients" and name in ZOO:
        pytest.skip("256 passes each way; a property of the integral, held on the presets")
    net, image, about = network(name), picture(name), METHODS[method]
    assert about.promise is not None
    with torch.no_grad():
        target = int((net(image[None]) - net(torch.zeros_like(image)[None])).abs()[0].argmax())
    starts = backgrounds(image[None], 2) if method == "deep_lift_shap" else None
    found = attribute(net, image, target, method, background=starts, **about.promise.options)
    with torch.no_grad():
        start = net(torch.zeros_like(image)[None] if starts is None else starts).mean(dim=0)
        change = float(net(image[None])[0, target] - start[target])
    assert abs(float(found.values.double().sum()) - change) <= about.promise.within * abs(change)
    assert found.gap is not None and found.gap.shortfall is None


@pytest.mark.parametrize("name", [*OWN_PRESETS, *ZOO])
def test_values_of_lrp_sum_to_the_score_or_say_that_they_do_not(name: str) -> None:
    net, image = network(name), picture(name)
    with torch.no_grad():
        target = int(net(image[None])[0].abs().argmax())
    for rule in ("epsilon", "alpha1_beta0"):
        found = attribute(net, image, target, "lrp", rule=rule)
        share = abs(float(found.values.double().sum()) - found.score) / abs(found.score)
        assert found.gap is not None and (share <= METHODS["lrp"].promise.within) is (found.gap.shortfall is None)


@pytest.mark.parametrize("method", [name for name, about in METHODS.items() if not about.signed])
@pytest.mark.parametrize("name", OWN_PRESETS)
def test_a_method_without_signs_has_no_negative_value(name: str, method: str) -> None:
    assert attribute(network(name), picture(name), 1, method).values.min() >= 0
