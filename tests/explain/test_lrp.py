"""Every rule of LRP gives what zennit gives: on presets, poolings, batch norms, shortcuts and signed inputs."""

import copy
from collections import OrderedDict

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from core.compat import import_torchvision
from core.explain.attribution import attribute
from core.explain.canonize import canonized
from core.explain.methods.lrp import GAMMA, LRP_RULES, lrp
from core.explain.methods.registry import METHODS
from core.inference.copies import shallow_copy_for_hooks
from core.model.build import build_model
from core.model.presets import preset
from core.model.zoo_modules import lite0, one_module_per_use
from tests.presets import OWN_PRESETS

import_torchvision()  # zennit imports it by itself, which fails where the builds of torch and torchvision differ
from zennit.attribution import Gradient  # noqa: E402
from zennit.canonizers import SequentialMergeBatchNorm  # noqa: E402
from zennit.composites import LayerMapComposite  # noqa: E402
from zennit.layer import Sum  # noqa: E402
from zennit.rules import AlphaBeta, Epsilon, Gamma, Norm, Pass  # noqa: E402
from zennit.types import Activation, AvgPool, BatchNorm  # noqa: E402

HOOKS = {"epsilon": Epsilon(), "gamma": Gamma(GAMMA), "alpha1_beta0": AlphaBeta(1, 0)}


def picture(side: int = 16) -> Tensor:
    return torch.randn(3, side, side, generator=torch.Generator().manual_seed(1))


def shaken(net: nn.Module) -> nn.Module:
    """Give biases and batch norms values of their own, as training does."""
    torch.manual_seed(4)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1, 0.3)
            nn.init.normal_(module.running_mean, 0, 0.3)
            nn.init.uniform_(module.running_var, 0.5, 2)
        if getattr(module, "bias", None) is not None:
            nn.init.normal_(module.bias, 0, 0.2)
    return net.eval()


def by_zennit(net: nn.Module, image: Tensor, target: int, rule: str) -> Tensor:
    """Return zennit's relevance of the score itself, in float64: small denominators would blow up rounding."""
    layers = [
        (Activation, Pass()),
        ((Sum, AvgPool), Norm()),
        (BatchNorm, Pass()),
        ((nn.Conv2d, nn.Linear), HOOKS[rule]),
    ]
    network = copy.deepcopy(net).double()
    SequentialMergeBatchNorm().apply(network)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = 0.0  # zennit leaves it, so that what it merged still divides by √(1 + eps)
    with Gradient(network, LayerMapComposite(layers)) as attributor:
        _, found = attributor(image[None].double(), lambda output: output * torch.eye(output.shape[1])[[target]])
    return found[0].detach()


def ours(net: nn.Module, image: Tensor, target: int, rule: str) -> Tensor:
    network = canonized(copy.deepcopy(net).double())
    assert network is not None
    return lrp(shallow_copy_for_hooks(network), image[None].double(), target, rule)


def same(one: Tensor, other: Tensor) -> bool:
    return bool(other.any()) and torch.allclose(one, other, rtol=1e-6, atol=1e-9 * float(other.abs().max()))


def test_every_rule_on_offer_is_held_against_zennit() -> None:
    offered = next(option for option in METHODS["lrp"].options if option.name == "rule").choices
    assert set(offered) == set(LRP_RULES) == set(HOOKS)


@pytest.mark.parametrize("rule", LRP_RULES)
@pytest.mark.parametrize("name", sorted(set(OWN_PRESETS) - {"resnet"}))
def test_presets(name: str, rule: str) -> None:
    net, image = shaken(build_model(preset(name, (3, 28, 28), 5), seed=2)), picture(28)
    assert same(ours(net, image, 1, rule), by_zennit(net, image, 1, rule))
    single, double = attribute(net, image, 1, "lrp", rule=rule).values, ours(net, image, 1, rule)
    assert float((single - double).norm() / double.norm()) < 0.02


@pytest.mark.parametrize("rule", LRP_RULES)
@pytest.mark.parametrize(
    "pool",
    [nn.MaxPool2d(3, 1, 1), nn.MaxPool2d(3, 2, ceil_mode=True), nn.MaxPool2d(2, 1, dilation=2), nn.AvgPool2d(3, 2, 1)],
    ids=str,
)
@pytest.mark.parametrize("function", [nn.ReLU(), nn.Tanh(), nn.SiLU()], ids=str)
def test_poolings_activations_and_batch_norms(pool: nn.Module, function: nn.Module, rule: str) -> None:
    torch.manual_seed(2)
    first = nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5), function, pool, nn.Conv2d(5, 4, 3, stride=2, groups=1, bias=False)
    body = nn.Sequential(*first, nn.BatchNorm2d(4), type(function)(), nn.Flatten())
    net = shaken(nn.Sequential(*body, nn.Linear(body(picture()[None]).shape[1], 3)))
    assert same(ours(net, picture(), 2, rule), by_zennit(net, picture(), 2, rule))


class Block(nn.Module):
    """A residual block with zennit's sum; `core.explain.canonize` makes a sum of its own of the plain one."""

    def __init__(self, plain: bool) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(6, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 6, 1))
        self.norm, self.sum, self.relu, self.plain = nn.BatchNorm2d(6), Sum(), nn.ReLU(), plain

    def forward(self, maps: Tensor) -> Tensor:
        added = self.norm(self.body(maps))
        return self.relu(added + maps if self.plain else self.sum(torch.stack([added, maps], dim=-1)))


def residual(plain: bool) -> nn.Module:
    torch.manual_seed(3)
    parts = {"conv": nn.Conv2d(3, 6, 3), "block": Block(plain), "pool": nn.AvgPool2d(14), "flat": nn.Flatten()}
    net = nn.Sequential(OrderedDict(parts))
    net.add_module("last", nn.Linear(6, 3))
    return shaken(net)


@pytest.mark.parametrize("rule", LRP_RULES)
def test_shortcuts(rule: str) -> None:
    plain, summed = residual(True), residual(False)
    norm = summed.get_submodule("block")
    norm.body.add_module("norm", norm.norm)  # zennit merges what follows in a stack
    norm.norm = nn.Identity()
    assert same(ours(plain, picture(), 1, rule), by_zennit(summed, picture(), 1, rule))


class Stacked(nn.Module):
    """A sum of two as zennit has a rule for it."""

    def __init__(self) -> None:
        super().__init__()
        self.sum = Sum()

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return self.sum(torch.stack([first, second], dim=-1))


@pytest.fixture(scope="module")
def lite() -> tuple[nn.Module, nn.Module]:
    """EfficientNet-Lite0, and its canonical form: batch norms merged by torch, sums as zennit's modules."""
    torch.manual_seed(6)
    net = shaken(one_module_per_use(lite0()))
    network = canonized(net)
    assert network is not None
    merged = copy.deepcopy(network).double().eval()
    for node in merged.graph.nodes:
        module = merged.get_submodule(str(node.target)) if node.op == "call_module" else None
        if isinstance(module, nn.BatchNorm2d):
            before = str(node.args[0].target)
            merged.set_submodule(before, fuse_conv_bn_eval(merged.get_submodule(before), module))
            merged.set_submodule(str(node.target), nn.Identity())
        elif type(module).__name__ == "Sum":
            merged.set_submodule(str(node.target), Stacked())
    image = picture(32)[None].double()
    assert torch.allclose(merged(image), copy.deepcopy(net).double()(image))
    return net, merged


@pytest.mark.parametrize("rule", LRP_RULES)
def test_paddings_and_functional_convolutions_of_efficientnet(lite: tuple[nn.Module, nn.Module], rule: str) -> None:
    net, merged = lite
    one, other = ours(net, picture(32), 1, rule), by_zennit(merged, picture(32), 1, rule)
    assert other.any() and float((one - other).abs().max()) <= 1e-5 * float(other.abs().max())


def test_positive_products_give_a_positive_score_no_negative_share() -> None:
    net, image = shaken(build_model(preset("tutorial", (3, 16, 16), 4), seed=1)), picture()
    with torch.no_grad():
        target = int(net(image[None])[0].argmax())
    found = attribute(net, image, target, "lrp", rule="alpha1_beta0")
    assert found.score > 0 and found.values.min() >= 0 and found.values.max() > 0
    assert attribute(net, image, target, "lrp", rule="epsilon").values.min() < 0


@pytest.mark.parametrize("name", OWN_PRESETS)
def test_without_biases_the_score_is_shared_out_and_nothing_else(name: str) -> None:
    net = build_model(preset(name, (3, 16, 16), 4), seed=2).eval()
    for module in net.modules():
        if getattr(module, "bias", None) is not None:
            nn.init.zeros_(module.bias)
    for rule in LRP_RULES:
        found = attribute(net, picture(), 1, "lrp", rule=rule)
        assert float(found.values.sum()) == pytest.approx(found.score, rel=0.02), rule


@pytest.mark.parametrize("rule", LRP_RULES)
def test_batch_norms_are_merged_in_the_copy_alone(rule: str) -> None:
    net = shaken(build_model(preset("resnet", (3, 16, 16), 4), seed=1))
    before = {name: value.clone() for name, value in net.state_dict().items()}
    attribute(net, picture(), 1, "lrp", rule=rule)
    network = canonized(net)
    assert network is not None
    assert torch.equal(network(picture()[None]), net(picture()[None]))
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())


def test_a_mean_over_places_is_shared_out_as_pooling_is() -> None:
    class Averaging(nn.Module):
        def __init__(self, pooled: bool) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.conv, self.relu, self.last = nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Linear(4, 3)
            self.pool = nn.AdaptiveAvgPool2d(1) if pooled else None

        def forward(self, images: Tensor) -> Tensor:
            maps = self.relu(self.conv(images))
            return self.last(maps.mean([2, 3]) if self.pool is None else self.pool(maps).flatten(1))

    one, other = (attribute(Averaging(pooled).eval(), picture(), 1, "lrp").values for pooled in (False, True))
    assert one.any() and torch.allclose(one, other, atol=1e-6)
