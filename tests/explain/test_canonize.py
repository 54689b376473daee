"""A network with modules used twice, in place, or as functions is explained as if it were written out."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.errors import ExplainError
from core.explain import canonize
from core.explain.attribution import attribute
from core.explain.canonize import canonized, is_plain, operations
from core.explain.compatibility import incompatibility
from core.explain.methods.registry import METHODS
from core.explain.request import baseline
from core.model.build import build_model
from core.model.following import traced_module
from core.model.presets import preset
from tests.explain.test_attribution import picture


class Tangled(nn.Module):
    """One ReLU for everything, in place, a function here and there, and a sum."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(4)
        self.first, self.second = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.relu, self.last = nn.ReLU(inplace=True), nn.Linear(64, 3)

    def forward(self, images: Tensor) -> Tensor:
        maps = self.relu(self.first(images))
        maps = self.relu(self.second(maps) + maps)
        maps = F.relu(self.second(maps) - 0.1)
        return self.last(torch.flatten(F.max_pool2d(maps, 2), 1))


class Straight(Tangled):
    """The same with one module for each use."""

    def __init__(self) -> None:
        super().__init__()
        self.again = nn.Conv2d(4, 4, 3, padding=1)
        self.again.load_state_dict(self.second.state_dict())
        self.relus, self.pool = nn.ModuleList(nn.ReLU() for _ in range(3)), nn.MaxPool2d(2)

    def forward(self, images: Tensor) -> Tensor:
        maps = self.relus[0](self.first(images))
        maps = self.relus[1](self.second(maps) + maps)
        maps = self.relus[2](self.again(maps) - 0.1)
        return self.last(self.pool(maps).flatten(1))


class Winding(nn.Module):
    """Decides on its way what to compute."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.last = nn.Conv2d(3, 4, 3), nn.Linear(4, 2)

    def forward(self, images: Tensor) -> Tensor:
        maps = self.conv(images)
        if maps.mean() > 1000:
            maps = maps * 2
        return self.last(maps.mean(dim=(2, 3)))


def test_a_plain_stack_is_taken_as_it_is() -> None:
    net = build_model(preset("tutorial", (3, 16, 16), 4))
    assert is_plain(net)
    assert canonized(net) is net
    shared = nn.ReLU()
    assert not is_plain(nn.Sequential(nn.Conv2d(3, 3, 3), shared, nn.Conv2d(3, 3, 3), shared))
    assert not is_plain(nn.Sequential(nn.ReLU(inplace=True)))


def test_written_out_it_computes_the_same_with_the_same_weights() -> None:
    net, image = Tangled().eval(), picture()[None]
    found = canonized(net)
    assert found is not None
    assert torch.equal(found(image.clone()), net(image.clone()))
    modules = [step for step in operations(found) if isinstance(step, nn.Module)]
    assert len(set(map(id, modules))) == len(modules)
    assert not any(getattr(module, "inplace", False) for module in modules)
    assert sum(isinstance(module, nn.ReLU) for module in modules) == 3
    assert {id(weight) for weight in found.parameters()} == {id(weight) for weight in net.parameters()}
    assert net.relu.inplace


def test_new_weights_are_seen() -> None:
    net = Tangled().eval()
    before = canonized(net)
    net.last = nn.Linear(64, 3)
    after = canonized(net)
    assert after is not before
    assert after is not None
    assert torch.equal(after(picture()[None]), net(picture()[None]))


@pytest.mark.parametrize("method", ["guided_backprop", "deconvolution", "guided_grad_cam"])
def test_guided_methods_see_every_relu(method: str) -> None:
    layer = {"layer": "first"} if method == "guided_grad_cam" else {}  # the one that both networks use once
    one, other = (attribute(net, picture(), 1, method, **layer).values for net in (Tangled(), Straight()))
    assert one.abs().max() > 0
    assert torch.allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("start", ["mean", "noise"])
def test_deep_lift_sums_up_where_modules_are_reused(start: str) -> None:
    net, image = build_model(preset("resnet", (3, 16, 16), 4)).eval(), picture(16)
    found = attribute(net, image, 1, "deep_lift", baseline=start)
    with torch.no_grad():
        change = net(image[None])[0, 1] - net(baseline(image[None], start))[0, 1]
    assert float(found.values.sum()) == pytest.approx(float(change), abs=1e-4)


def test_what_has_no_rule_says_so_in_words() -> None:
    assert "no rule for the step “sub”" in (incompatibility(Tangled(), "deep_lift") or "")
    assert "no rule for the step “sub”" in (incompatibility(Tangled(), "lrp") or "")
    assert incompatibility(Tangled(), "guided_backprop") is None
    for method in ("deep_lift", "lrp", "guided_backprop"):
        reason = incompatibility(Winding(), method)
        assert reason is not None
        assert "decides on its way" in reason
        with pytest.raises(ExplainError, match="decides on its way"):
            attribute(Winding(), picture(), 0, method)
    for method in METHODS.keys() - {"deep_lift", "deep_lift_shap", "lrp"}:
        if METHODS[method].unfolded or method == "guided_grad_cam":
            continue
        assert incompatibility(Winding(), method) is None


@pytest.mark.parametrize("activation", [nn.GELU, nn.SiLU, nn.ReLU6, nn.Hardswish, nn.LeakyReLU, nn.Sigmoid, nn.Tanh])
def test_deep_lift_and_lrp_have_rules_for_every_activation(activation: type[nn.Module]) -> None:
    torch.manual_seed(1)
    layers = (nn.Conv2d(3, 4, 3), activation(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 2))
    net, image = nn.Sequential(*layers).eval(), picture()
    found = attribute(net, image, 1, "deep_lift", baseline="noise")
    with torch.no_grad():
        change = net(image[None])[0, 1] - net(baseline(image[None], "noise"))[0, 1]
    assert float(found.values.sum()) == pytest.approx(float(change), abs=1e-4)
    for layer in (net[0], net[4]):
        nn.init.zeros_(layer.bias)
    relevance = attribute(net, image, 1, "lrp")
    assert float(relevance.values.sum()) == pytest.approx(relevance.score, abs=1e-3)


def test_what_could_not_be_followed_once_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    model, faults = Tangled(), [MemoryError()]

    def follow(network: nn.Module) -> nn.Module:
        if faults:
            raise faults.pop()
        return traced_module(network)

    monkeypatch.setattr(canonize, "traced_module", follow)
    assert canonized(model) is None
    assert canonized(model) is not None
