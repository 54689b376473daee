"""Attributions agree with Captum called directly, with formulas by hand and with their axioms."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.errors import ExplainError
from core.explain.attribution import Attribution, attribute, heatmap
from core.explain.methods.registry import METHODS
from core.model.build import build_model
from core.model.presets import preset
from tests.presets import OWN_PRESETS

pytestmark = pytest.mark.filterwarnings("ignore:Setting backward hooks", "ignore:Input Tensor 0 did not")


def network() -> nn.Sequential:
    torch.manual_seed(3)
    net = nn.Sequential()
    for name, module in (
        ("conv1", nn.Conv2d(3, 4, 3, padding=1)),
        ("relu1", nn.ReLU()),
        ("pool1", nn.MaxPool2d(2)),
        ("conv2", nn.Conv2d(4, 6, 3, padding=1)),
        ("relu2", nn.ReLU()),
        ("dropout1", nn.Dropout(0.5)),
        ("flatten1", nn.Flatten()),
        ("dense1", nn.Linear(96, 5)),
    ):
        net.add_module(name, module)
    return net


def picture(side: int = 8, channels: int = 3) -> Tensor:
    return torch.randn(channels, side, side, generator=torch.Generator().manual_seed(1))


def gradient(net: nn.Module, image: Tensor, target: int) -> Tensor:
    image = image.clone().requires_grad_()
    return torch.autograd.grad(net(image[None])[0, target], image)[0]


# A method of each family that meets every preset, and so every kind of layer; two presets meet every method.
OF_EACH_FAMILY = ("integrated_gradients", "deep_lift", "lrp", "grad_cam", "occlusion", "layer_conductance")
NEEDS_RELU = ("guided_backprop", "deconvolution", "guided_grad_cam")
PAIRS = [
    (name, method)
    for name in OWN_PRESETS
    for method in METHODS
    if (name in ("tutorial", "resnet") or method in OF_EACH_FAMILY) and not (name == "lenet5" and method in NEEDS_RELU)
]


def test_the_pairs_hold_every_preset_method_and_family() -> None:
    assert {name for name, _ in PAIRS} == set(OWN_PRESETS)
    assert {method for _, method in PAIRS} == set(METHODS)
    assert {METHODS[method].family for method in OF_EACH_FAMILY} == {about.family for about in METHODS.values()}


@pytest.mark.parametrize("method", NEEDS_RELU)
def test_what_needs_a_relu_says_so_where_there_is_none(method: str) -> None:
    with pytest.raises(ExplainError, match="this network has none"):
        attribute(build_model(preset("lenet5", (3, 16, 16), 4)), picture(16), 2, method)


@pytest.mark.parametrize(("name", "method"), PAIRS)
def test_every_method_explains_every_preset(name: str, method: str) -> None:
    net, image = build_model(preset(name, (3, 16, 16), 4)), picture(16)
    found = attribute(net, image, 2, method)
    assert found.values.shape in {(3, 16, 16), (16, 16)}
    assert found.values.dtype == torch.float32
    assert not found.values.requires_grad
    assert (found.method, found.target, found.signed) == (method, 2, METHODS[method].signed)
    assert heatmap(found).shape == (16, 16)
    assert found.signed or bool((found.values >= 0).all())
    with torch.no_grad():
        assert found.score == pytest.approx(float(net.eval()(image[None])[0, 2]), abs=1e-5)
    again = attribute(net, image, 2, method)
    assert torch.equal(found.values, again.values)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("broken", [False, True])
def test_leaves_the_network_as_found(method: str, broken: bool) -> None:
    net, image = network(), picture().requires_grad_()
    net.conv2.eval()
    net.conv1.weight.requires_grad_(False)
    net.conv2.weight.grad = torch.ones_like(net.conv2.weight)
    seen: list[int] = []
    net.relu1.register_forward_hook(lambda module, inputs, output: seen.append(1))
    if broken:
        net.dense1.weight.data[0, 0] = torch.nan
    modes = [module.training for module in net.modules()]
    state = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    random = torch.get_rng_state()
    with torch.no_grad():
        if broken:
            with pytest.raises(ExplainError):
                attribute(net, image, 0, method)
        else:
            attribute(net, image, 0, method)
        assert not torch.is_grad_enabled()
    assert torch.equal(torch.get_rng_state(), random)
    assert [module.training for module in net.modules()] == modes
    assert [len(m._forward_hooks) + len(m._forward_pre_hooks) + len(m._backward_hooks) for m in net] == [
        0, 1, 0, 0, 0, 0, 0, 0,
    ]  # fmt: skip
    assert [p.requires_grad for p in net.parameters()] == [False] + [True] * 5
    assert torch.equal(net.conv2.weight.grad, torch.ones_like(net.conv2.weight))
    assert net.dense1.weight.grad is None
    assert image.grad is None
    assert all(torch.equal(state[name].nan_to_num(), tensor.nan_to_num()) for name, tensor in net.state_dict().items())


def test_threads_that_share_a_network_do_not_meet() -> None:
    net, methods = network(), ["guided_backprop", "saliency", "grad_cam"] * 6
    images = [torch.randn(3, 8, 8, generator=torch.Generator().manual_seed(seed)) for seed in range(len(methods))]
    alone = [attribute(net, image, 0, method).values for image, method in zip(images, methods, strict=True)]
    with ThreadPoolExecutor(6) as pool:
        together = list(
            pool.map(lambda job: attribute(net, job[0], 0, job[1]).values, zip(images, methods, strict=True))
        )
    assert all(torch.allclose(one, other, atol=1e-7) for one, other in zip(alone, together, strict=True))


def test_saliency_is_the_size_of_the_gradient() -> None:
    net, image = network().eval(), picture()
    found = attribute(net, image, 1, "saliency")
    assert torch.allclose(found.values, gradient(net, image, 1).abs(), atol=1e-7)
    assert torch.equal(heatmap(found), found.values.max(dim=0).values)


def test_integrated_gradients_add_up_to_the_change_of_score() -> None:
    net, image = network().eval(), picture()
    found = attribute(net, image, 1, "integrated_gradients", steps=256)
    with torch.no_grad():
        change = net(image[None])[0, 1] - net(torch.zeros_like(image)[None])[0, 1]
    assert float(found.values.sum()) == pytest.approx(float(change), rel=0.01)
    assert float(heatmap(found).sum()) == pytest.approx(float(found.values.sum()), rel=1e-4)
    coarse = attribute(net, image, 1, "integrated_gradients", steps=8)
    assert not torch.allclose(coarse.values, found.values, atol=1e-6)


def test_integrated_gradients_of_a_linear_network_are_weight_times_input() -> None:
    net, image = nn.Sequential(nn.Flatten(), nn.Linear(48, 2)), picture(4)
    expected = net[1].weight[0].detach().reshape(3, 4, 4) * image
    assert torch.allclose(attribute(net, image, 0, "integrated_gradients").values, expected, atol=1e-6)


def test_guided_backprop_by_hand() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Conv2d(3, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(32, 2))
    image = picture(8, 1)
    first = net[0](image[None])
    second = net[2](first.relu())
    back = net[5].weight[1].reshape(1, 2, 4, 4)
    back = back.clamp(min=0) * (second > 0)
    back = F.conv_transpose2d(back, net[2].weight)
    back = back.clamp(min=0) * (first > 0)
    back = F.conv_transpose2d(back, net[0].weight)[0]
    found = attribute(net, image, 1, "guided_backprop").values
    assert torch.allclose(found, back, atol=1e-6)
    assert not torch.allclose(found, gradient(net, image, 1), atol=1e-4)


@pytest.mark.parametrize("layer", [None, "conv1", "conv2"])
def test_grad_cam_by_hand(layer: str | None) -> None:
    net, image = network().eval(), picture()
    name = layer or "conv2"
    head = list(dict(net.named_children())).index(name) + 1
    maps = net[:head](image[None]).detach().requires_grad_()
    (slope,) = torch.autograd.grad(net[head:](maps)[0, 3], maps)
    expected = (slope.mean(dim=(2, 3), keepdim=True) * maps).sum(dim=1, keepdim=True).relu().detach()
    expected = F.interpolate(expected, (8, 8), mode="bilinear", align_corners=False)[0, 0]
    found = attribute(net, image, 3, "grad_cam", layer=layer)
    assert torch.allclose(found.values, expected, atol=1e-6)
    assert found.options == {"layer": name}
    assert expected.max() > 0


def test_grad_cam_of_a_block_inside_a_residual_network() -> None:
    net, image = build_model(preset("resnet", (3, 16, 16), 4)), picture(16)
    assert attribute(net, image, 0, "grad_cam").options == {"layer": "residual3"}
    inner = attribute(net, image, 0, "grad_cam", layer="residual2.conv1")
    assert inner.values.shape == (16, 16)


def test_grad_cam_goes_back_to_maps_of_more_than_one_cell() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.Flatten(), nn.Linear(4, 2))
    image = picture(7)
    assert attribute(net, image, 0, "grad_cam").options == {"layer": "0"}
    with pytest.raises(ExplainError, match="maps of 2 have a single cell"):
        attribute(net, image, 0, "grad_cam", layer="2")


@pytest.mark.parametrize(("window", "stride"), [(4, 2), (3, 3), (3, 2), (8, 1), (1, 1)])
def test_occlusion_by_hand(window: int, stride: int) -> None:
    net, image = network().eval(), picture()
    total, count = torch.zeros(8, 8), torch.zeros(8, 8)
    passes = 1
    with torch.no_grad():
        score = net(image[None])[0, 2]
        for top in range(0, 8 - window + stride, stride):
            for left in range(0, 8 - window + stride, stride):
                covered = image.clone()
                covered[:, top : top + window, left : left + window] = 0
                total[top : top + window, left : left + window] += score - net(covered[None])[0, 2]
                count[top : top + window, left : left + window] += 1
                passes += 1
    found = attribute(net, image, 2, "occlusion", window=window, stride=stride)
    assert torch.allclose(found.values, total / count, atol=1e-5)
    assert METHODS["occlusion"].passes(found.options, (3, 8, 8)) == passes


@pytest.mark.parametrize("method", METHODS)
def test_the_stated_cost_is_the_number_of_passes(method: str) -> None:
    net, image = network().eval(), picture()
    forward: list[int] = []
    net.register_forward_hook(lambda module, inputs, output: forward.append(len(output)))
    about, told = METHODS[method], list[tuple[int, int]]()
    found = attribute(net, image, 0, method, progress=lambda done, total: told.append((done, total)))
    stated = about.passes(found.options, (3, 8, 8))
    most = 1 + (about.family == "Units")  # the score itself, where the method does not ask for it; which unit it is
    spent = (1 + about.backward) * sum(forward)
    if "segments" in found.options:  # SLIC makes about as many
        assert 0.6 * stated <= spent <= 1.3 * stated
    elif method == "neuron_gradient":  # the pass ends at the unit's layer; which layers there are is found out once
        assert sum(forward) == most + 1
    else:
        assert stated <= spent <= stated + (1 + about.backward) * most
        given = len(forward)
        attribute(net, image, 0, method, logits=net(image[None])[0].detach())
        assert len(forward) - given - 1 <= given - (stated < spent)  # what is known is not asked again
        assert told[-1] == (stated, stated)
    assert told == sorted(told)


def test_the_explained_class_matters() -> None:
    net, image = network().eval(), picture()
    for method in METHODS.keys() - {"neuron_gradient", "eigen_cam"}:  # which ask units in place of the class
        one, other = (attribute(net, image, target, method).values for target in (0, 1))
        assert not torch.allclose(one, other), method


def test_heatmap_sums_signed_and_takes_the_largest_of_unsigned_channels() -> None:
    values = torch.tensor([[[1.0, -3.0]], [[2.0, 1.0]]])
    assert heatmap(Attribution(values, "occlusion", 0, True, 0.0, {})).tolist() == [[3, -2]]
    assert heatmap(Attribution(values, "saliency", 0, False, 0.0, {})).tolist() == [[2, 3]]
    assert heatmap(Attribution(values[0], "grad_cam", 0, True, 0.0, {})).tolist() == [[1, -3]]


@pytest.mark.parametrize("target", [-1, 5, True, 1.0, None])
def test_a_class_that_does_not_exist_gets_a_sentence(target: int) -> None:
    with pytest.raises(ExplainError, match="choose a whole number from 0 to 4"):
        attribute(network(), picture(), target, "saliency")


@pytest.mark.parametrize(
    ("method", "options", "sentence"),
    [
        ("cam", {}, "no method 'cam': choose one of saliency"),
        ("saliency", {"steps": 3}, "has no option 'steps'"),
        ("occlusion", {"window": 9}, "larger than the picture of 8 × 8"),
        ("occlusion", {"window": 2, "stride": 3}, "at most 2"),
        ("grad_cam", {"layer": "relu1"}, "choose one of conv1, conv2"),
        ("layer_cam", {"layer": "relu1"}, "Layer-CAM cannot look at 'relu1': choose one of conv1, conv2"),
        ("rise", {"share": 0.0}, "Visible share of RISE must be a number from 0.05 to 0.95"),
        ("grad_cam", {"layer": ""}, "choose one of conv1, conv2"),
        ("layer_conductance", {"layer": "conv3"}, "cannot look at 'conv3'"),
        ("layer_conductance", {"layer": "dense1"}, "numbers without places"),
        ("layer_conductance", {"channel": 6}, "conv2 has no map 6: choose a whole number from 0 to 5"),
        ("neuron_gradient", {"layer": "conv1", "row": 8}, "conv1 has no row 8"),
        ("neuron_gradient", {"layer": "dense1", "channel": 5}, "dense1 has no map 5"),
        ("kernel_shap", {"segments": 2}, "three superpixels or more"),
    ],
)
def test_what_cannot_be_done_gets_a_sentence(method: str, options: dict[str, int], sentence: str) -> None:
    with pytest.raises(ExplainError, match=sentence):
        attribute(network(), picture(), 0, method, **options)


def test_images_and_networks_that_do_not_fit_get_a_sentence() -> None:
    with pytest.raises(ExplainError, match="one image"):
        attribute(network(), picture()[None], 0, "saliency")
    with pytest.raises(ExplainError, match="normalize"):
        attribute(network(), picture().to(torch.uint8), 0, "saliency")
    dense = nn.Sequential(nn.Flatten(), nn.Linear(192, 2))
    with pytest.raises(ExplainError, match="needs a convolution"):
        attribute(dense, picture(), 0, "grad_cam")


class Root(nn.Module):
    """The square root, whose slope at zero is infinite."""

    def forward(self, images: Tensor) -> Tensor:
        return images.sqrt()


def test_an_attribution_that_is_not_finite_gets_a_sentence() -> None:
    net = nn.Sequential(Root(), nn.Flatten(), nn.Linear(48, 2))
    with pytest.raises(ExplainError, match="not finite numbers for this picture"):
        attribute(net, torch.zeros(3, 4, 4), 0, "saliency")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("value", [0.0, 1.5])
def test_a_constant_picture_is_explained_or_says_why_not(method: str, value: float) -> None:
    net, image = network(), torch.full((3, 8, 8), value)
    found = attribute(net, image, 3, method)
    assert torch.isfinite(found.values).all()
    assert found.blank == (None if found.values.any() else f"Every value is zero: {METHODS[method].blank}")
    if value == 0 and method in ("integrated_gradients", "deep_lift", "input_x_gradient", "occlusion", "kernel_shap"):
        assert found.blank  # it is its own starting picture


@pytest.mark.parametrize("method", METHODS)
def test_what_does_not_fit_gets_one_sentence(method: str) -> None:
    with pytest.raises(ExplainError, match="values that are not finite numbers"):
        attribute(network(), torch.full((3, 8, 8), torch.nan), 0, method)
    for shape in ((3, 12, 12), (1, 8, 8), (4, 8, 8)):
        with pytest.raises(ExplainError, match=r"cannot take an image of shape \(\d, \d+, \d+\)"):
            attribute(network(), torch.ones(shape), 0, method)
    with pytest.raises(ExplainError, match="no class 7: choose a whole number from 0 to 4"):
        attribute(network(), picture(), 0, method, versus=7)
    with pytest.raises(ExplainError, match="no class 5: choose a whole number from 0 to 4"):
        attribute(network(), picture(), 5, method)


@pytest.mark.parametrize("method", METHODS)
def test_a_network_of_one_class_is_explained(method: str) -> None:
    net = network()
    net.dense1 = nn.Linear(96, 1)
    assert torch.isfinite(attribute(net, picture(), 0, method).values).all()
    with pytest.raises(ExplainError, match="no class 1: choose a whole number from 0 to 0"):
        attribute(net, picture(), 1, method)


NEEDS_CONVOLUTION = [name for name, about in METHODS.items() if about.family in ("Layers", "Units")]


def dense() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(192, 8), nn.ReLU(), nn.Linear(8, 2))


@pytest.mark.parametrize("method", NEEDS_CONVOLUTION)
def test_what_needs_a_convolution_says_so_where_there_is_none(method: str) -> None:
    with pytest.raises(ExplainError, match="convolution"):
        attribute(dense(), picture(), 0, method)


@pytest.mark.parametrize("method", [name for name in METHODS if name not in NEEDS_CONVOLUTION])
def test_a_network_without_convolution_is_explained(method: str) -> None:
    assert attribute(dense(), picture(), 0, method).values.shape in {(3, 8, 8), (8, 8)}
