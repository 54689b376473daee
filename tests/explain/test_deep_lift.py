"""DeepLIFT sums to the change of score whatever the pooling, and agrees with Captum where Captum is right."""

import itertools
from typing import Any

import captum.attr as captum
import pytest
import torch
from captum.attr._core.deep_lift import SUPPORTED_NON_LINEAR
from torch import Tensor, nn

from core.explain.attribution import attribute
from core.explain.request import BASELINES, backgrounds, baseline
from core.inference.copies import shallow_copy_for_hooks
from core.model.build import build_model
from core.model.layers import ACTIVATIONS, Activation, Conv, Dense, Flatten, MaxPool
from core.model.presets import preset
from core.model.spec import ModelSpec
from tests.presets import OWN_PRESETS

ENOUGH = 1e-3  # of the change of score


def picture(side: int = 16, seed: int = 1) -> Tensor:
    return torch.randn(3, side, side, generator=torch.Generator().manual_seed(seed))


def missing(net: nn.Module, image: Tensor, target: int = 1, **options: str) -> float:
    return share_of_change(
        net, image, target, "deep_lift", baseline(image[None], options.get("baseline", "mean")), **options
    )


def share_of_change(net: nn.Module, image: Tensor, target: int, method: str, starts: Tensor, **options: Any) -> float:
    """How much is missing of the change of score, asked of the network itself; the attribution says the same."""
    net = shallow_copy_for_hooks(net)
    found = attribute(net, image, target, method, **options)
    with torch.no_grad():
        change = float(net(image[None])[0, target] - net(starts)[:, target].double().mean())
    share = abs(float(found.values.double().sum()) - change) / abs(change)
    assert found.gap is not None and found.gap.share == pytest.approx(share, rel=0.05, abs=1e-5)
    return share


@pytest.mark.parametrize("start", BASELINES)
@pytest.mark.parametrize("name", OWN_PRESETS)
def test_it_sums_up_on_every_preset(name: str, start: str) -> None:
    net = build_model(preset(name, (3, 32, 32), 10), seed=1)
    assert missing(net, picture(32), baseline=start) < ENOUGH


GEOMETRIES = [
    (kernel, stride, padding, dilation, ceil)
    for kernel, stride, padding, dilation, ceil in itertools.product(
        (2, 3, 5), (1, 2, 3), (0, 1, 2), (1, 2), (False, True)
    )
    if padding <= kernel // 2
]


@pytest.mark.parametrize("before", [nn.ReLU, nn.GELU, nn.Identity])
def test_it_sums_up_for_every_pooling_geometry(before: type[nn.Module]) -> None:
    torch.manual_seed(0)
    image, shares = picture(14), dict[tuple[int, ...], float]()
    for geometry in GEOMETRIES:
        pool = nn.MaxPool2d(*geometry[:4], ceil_mode=geometry[4])
        body = nn.Sequential(nn.Conv2d(3, 4, 3), before(), pool, nn.Conv2d(4, 3, 1), nn.SiLU(), nn.Flatten())
        net = nn.Sequential(*body, nn.Linear(body(image[None]).shape[1], 2))
        shares[geometry] = missing(net, image, baseline="noise")
    assert max(shares.values()) < ENOUGH, max(shares, key=lambda each: shares[each])


@pytest.mark.parametrize("function", ACTIVATIONS)
def test_it_sums_up_for_every_activation_before_a_pooling_whose_windows_overlap(function: str) -> None:
    layers = (Conv(6), Activation(function), MaxPool(3, 1, 1), Conv(6), Activation(function), Flatten(), Dense(3))
    net = build_model(ModelSpec("net", (3, 12, 12), 3, layers), seed=2)
    for start in BASELINES:
        assert missing(net, picture(12), baseline=start) < ENOUGH


def test_its_mean_over_pictures_sums_up_too() -> None:
    net, image = build_model(preset("nin", (3, 32, 32), 10), seed=1).eval(), picture(32)
    others = torch.randn(5, 3, 32, 32, generator=torch.Generator().manual_seed(7))
    for starts in (others, backgrounds(image[None])):
        assert share_of_change(net, image, 4, "deep_lift_shap", starts, background=starts) < ENOUGH
    each = [attribute(net, image, 4, "deep_lift_shap", background=other[None]).values for other in others]
    found = attribute(net, image, 4, "deep_lift_shap", background=others)
    assert torch.allclose(torch.stack(each).mean(dim=0), found.values, atol=1e-5)


def test_a_window_shared_by_hand() -> None:
    """Image 3, 1, 0 against 0, 2, 4 under windows of 2: maxima 3, 1 against 2, 4."""
    net = nn.Sequential(nn.MaxPool2d((1, 2), 1), nn.Flatten(), nn.Linear(2, 1, bias=False))
    nn.init.ones_(net[2].weight)
    image, start = torch.tensor([[[3.0, 1.0, 0.0]]]), torch.tensor([[[[0.0, 2.0, 4.0]]]])
    found = attribute(net, image, 0, "deep_lift_shap", background=start).values
    assert found.flatten().tolist() == pytest.approx([1.0, 0.0, -3.0])


def test_it_agrees_with_captum_where_windows_do_not_overlap_and_leaves_captums_table_alone() -> None:
    table = dict(SUPPORTED_NON_LINEAR)
    assert nn.GELU not in table and nn.SiLU not in table
    layers = (nn.Conv2d(3, 4, 3), nn.Sigmoid(), nn.Conv2d(4, 4, 3), nn.MaxPool2d(2), nn.Conv2d(4, 4, 2), nn.ReLU())
    torch.manual_seed(5)
    net = nn.Sequential(*layers, nn.Flatten(), nn.Linear(100, 3)).eval()
    image = picture(16)
    expected = captum.DeepLift(shallow_copy_for_hooks(net)).attribute(image[None].requires_grad_(), target=2)[0]
    assert torch.allclose(attribute(net, image, 2, "deep_lift").values, expected, atol=1e-6)
    assert table == SUPPORTED_NON_LINEAR
