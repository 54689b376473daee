"""Every method gives what Captum gives when called directly."""

from collections.abc import Callable

import captum.attr as captum
import pytest
import torch
from captum.attr._utils.lrp_rules import EpsilonRule
from torch import Tensor, nn

from core.explain.attribution import attribute
from core.explain.methods.lrp import STABILIZER
from core.explain.methods.perturbation import superpixels
from core.explain.methods.registry import METHODS
from core.explain.request import backgrounds, baseline
from core.inference.random_state import seeded
from core.model.build import build_model
from core.model.presets import preset
from tests.explain.test_attribution import network, picture

pytestmark = pytest.mark.filterwarnings("ignore")
TARGET = 4


def spread(image: Tensor) -> float:
    return 0.15 * float(image.max() - image.min())


def tunnel(kind: str) -> Callable[..., Tensor]:
    def direct(net: nn.Module, image: Tensor) -> Tensor:
        words = {"nt_samples": 25, "nt_samples_batch_size": 25, "stdevs": spread(image), "target": TARGET}
        return captum.NoiseTunnel(captum.Saliency(net)).attribute(image, nt_type=kind, abs=False, **words)

    return direct


class Copy(nn.Module):
    """Hands its input on, as another tensor."""

    def forward(self, maps: Tensor) -> Tensor:
        return maps.clone()


def spaced(net: nn.Sequential) -> nn.Sequential:
    """Put a copy between neighbours that DeepLIFT has rules for: side by side Captum gets them wrong."""
    return nn.Sequential(*(step for layer in net for step in (Copy(), layer)))


def lrp(net: nn.Module, image: Tensor) -> Tensor:
    for module in net.modules():
        if isinstance(module, nn.Flatten | nn.Conv2d | nn.Linear | nn.MaxPool2d):
            module.rule = EpsilonRule(STABILIZER)
    return captum.LRP(net).attribute(image, target=TARGET)


def stretched(maps: Tensor) -> Tensor:
    return captum.LayerAttribution.interpolate(maps, (8, 8))


DIRECT: dict[str, Callable[[nn.Sequential, Tensor], Tensor]] = {
    "saliency": lambda net, image: captum.Saliency(net).attribute(image, target=TARGET),
    "input_x_gradient": lambda net, image: captum.InputXGradient(net).attribute(image, target=TARGET),
    "integrated_gradients": lambda net, image: captum.IntegratedGradients(net).attribute(image, target=TARGET),
    "smooth_grad": tunnel("smoothgrad"),
    "var_grad": tunnel("vargrad"),
    "gradient_shap": lambda net, image: captum.GradientShap(net).attribute(
        image, backgrounds(image), n_samples=25, stdevs=spread(image), target=TARGET
    ),
    "deep_lift": lambda net, image: captum.DeepLift(spaced(net)).attribute(image, target=TARGET),
    "deep_lift_shap": lambda net, image: captum.DeepLiftShap(spaced(net)).attribute(
        image, backgrounds(image), target=TARGET
    ),
    "guided_backprop": lambda net, image: captum.GuidedBackprop(net).attribute(image, target=TARGET),
    "deconvolution": lambda net, image: captum.Deconvolution(net).attribute(image, target=TARGET),
    "lrp": lrp,
    "grad_cam": lambda net, image: captum.LayerAttribution.interpolate(
        captum.LayerGradCam(net, net.conv2).attribute(image, target=TARGET, relu_attributions=True), (8, 8), "bilinear"
    ),
    "guided_grad_cam": lambda net, image: captum.GuidedGradCam(net, net.conv2).attribute(image, target=TARGET),
    "layer_grad_x_activation": lambda net, image: stretched(
        captum.LayerGradientXActivation(net, net.conv2).attribute(image, target=TARGET).sum(1, keepdim=True)
    ),
    "occlusion": lambda net, image: captum.Occlusion(net).attribute(image, (3, 1, 1), target=TARGET)[:, :1],
    "feature_ablation": lambda net, image: captum.FeatureAblation(net).attribute(
        image, target=TARGET, feature_mask=superpixels(image, 24)
    )[:, :1],
    "shapley_sampling": lambda net, image: captum.ShapleyValueSampling(net).attribute(
        image, target=TARGET, feature_mask=superpixels(image, 24), n_samples=10, perturbations_per_eval=64
    )[:, :1],
    "lime": lambda net, image: captum.Lime(net).attribute(
        image, target=TARGET, feature_mask=superpixels(image, 24), n_samples=200, perturbations_per_eval=64
    )[:, :1],
    "kernel_shap": lambda net, image: captum.KernelShap(net).attribute(
        image, target=TARGET, feature_mask=superpixels(image, 24), n_samples=200, perturbations_per_eval=64
    )[:, :1],
    "layer_conductance": lambda net, image: stretched(
        captum.LayerConductance(net, net.conv2).attribute(image, target=TARGET, n_steps=50).sum(1, keepdim=True)
    ),
    "internal_influence": lambda net, image: stretched(
        captum.InternalInfluence(net, net.conv2).attribute(image, target=TARGET, n_steps=50).sum(1, keepdim=True)
    ),
    "neuron_gradient": lambda net, image: captum.NeuronGradient(net, net.conv2).attribute(image, (1, 2, 3)),
}
OPTIONS = {"neuron_gradient": {"channel": 1, "row": 2, "col": 3}}


# Not in Captum: see test_cams.py and test_rise.py.
OTHERS = {"grad_cam_pp", "xgrad_cam", "layer_cam", "score_cam", "eigen_cam", "rise"}


def test_every_method_that_captum_has_is_held_against_it() -> None:
    assert list(DIRECT) == [name for name in METHODS if name not in OTHERS]


@pytest.mark.parametrize("method", DIRECT)
def test_agrees_with_captum_called_directly(method: str) -> None:
    image = picture()
    found = attribute(network(), image, TARGET, method, **OPTIONS.get(method, {})).values
    net = network().eval()
    with seeded(0):
        expected = DIRECT[method](net, image[None].requires_grad_()).detach().float()[0]
    assert found.abs().max() > 0
    near = 1e-6 if method != "lrp" else 1e-3 * float(expected.abs().max())  # small denominators blow up rounding
    assert torch.allclose(found, expected[0] if found.ndim == 2 else expected, atol=near), method


def against_another_class(method: str) -> tuple[Tensor, Tensor]:
    """Return the map of a difference of classes, and that of a network changed by hand to give this difference."""
    net, image = network().eval(), picture()
    found = attribute(net, image, 4, method, versus=1, **OPTIONS.get(method, {}))
    difference = network().eval()
    with torch.no_grad():
        difference.dense1.weight[0] = difference.dense1.weight[4] - difference.dense1.weight[1]
        difference.dense1.bias[0] = difference.dense1.bias[4] - difference.dense1.bias[1]
        logits = net(image[None])[0]
    expected = attribute(difference, image, 0, method, **OPTIONS.get(method, {}))
    assert found.score == pytest.approx(float(logits[4] - logits[1]), abs=1e-6)
    return found.values, expected.values


@pytest.mark.parametrize("method", [name for name in METHODS if name != "lrp"])
def test_against_another_class_it_explains_the_difference(method: str) -> None:
    found, expected = against_another_class(method)
    assert torch.allclose(found, expected, atol=1e-5)


def test_against_another_class_lrp_explains_the_difference_but_for_biases() -> None:
    found, expected = against_another_class("lrp")  # ε is added once more on the way
    assert torch.corrcoef(torch.stack([found.flatten(), expected.flatten()]))[0, 1] > 0.95


@pytest.mark.parametrize("base", ["input_x_gradient", "integrated_gradients", "guided_backprop"])
def test_the_noise_tunnel_goes_over_any_gradient_method(base: str) -> None:
    image = picture()
    found = attribute(network(), image, TARGET, "smooth_grad", of=base, samples=4).values
    net = network().eval()
    method = {
        "input_x_gradient": captum.InputXGradient,
        "integrated_gradients": captum.IntegratedGradients,
        "guided_backprop": captum.GuidedBackprop,
    }[base](net)
    words = {"n_steps": 16} if base == "integrated_gradients" else {}
    with seeded(0):
        expected = captum.NoiseTunnel(method).attribute(
            image[None], nt_samples=4, stdevs=spread(image), target=TARGET, **words
        )[0]
    assert torch.allclose(found, expected.float(), atol=1e-6)


@pytest.mark.parametrize("rule", ["gamma", "alpha1_beta0"])
def test_the_rules_of_lrp_leave_the_weights_alone(rule: str) -> None:
    net, image = network(), picture()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    one = attribute(net, image, TARGET, "lrp", rule=rule).values
    assert not torch.allclose(one, attribute(net, image, TARGET, "lrp").values, atol=1e-4)
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())


def test_pictures_of_the_data_set_are_where_shap_starts() -> None:
    net, image = network().eval(), picture()
    others = torch.randn(6, 3, 8, 8, generator=torch.Generator().manual_seed(5))
    found = attribute(net, image, TARGET, "deep_lift_shap", background=others, samples=6).values
    expected = captum.DeepLiftShap(spaced(net)).attribute(image[None], others, target=TARGET)[0]
    assert torch.allclose(found, expected, atol=1e-6)
    with torch.no_grad():
        change = net(image[None])[0, TARGET] - net(others)[:, TARGET].mean()
    assert float(found.sum()) == pytest.approx(float(change), abs=1e-4)
    few = attribute(net, image, TARGET, "deep_lift_shap", background=others, samples=2).values
    assert not torch.allclose(few, found)


@pytest.mark.parametrize("name", ["tutorial", "lenet5", "nin", "resnet"])
@pytest.mark.parametrize("start", ["mean", "blur", "noise"])
def test_what_promises_to_sum_up_does(name: str, start: str) -> None:
    net, image = build_model(preset(name, (3, 16, 16), 4)).eval(), picture(16)
    with torch.no_grad():
        change = float(net(image[None])[0, 1] - net(baseline(image[None], start))[0, 1])
    for method in ("integrated_gradients", "deep_lift"):
        steps = {"steps": 256} if method == "integrated_gradients" else {}
        found = attribute(net, image, 1, method, baseline=start, **steps)
        assert float(found.values.sum()) == pytest.approx(change, abs=0.02 * abs(change) + 1e-3), method


def test_captum_gets_deep_lift_wrong_where_a_pooling_follows_an_activation() -> None:
    """A reason for `core.explain.methods.deep_lift`."""
    net = build_model(preset("tutorial", (3, 16, 16), 4)).eval()
    starts = torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(9))
    for model, wrong in ((net, True), (spaced(net), False)):
        method = captum.DeepLift(model)
        _, gap = method.attribute(picture(16)[None], starts, target=1, return_convergence_delta=True)
        assert (abs(float(gap)) > 1e-3) is wrong


def test_a_pixel_that_cannot_matter_gets_nothing() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 2)).eval()
    with torch.no_grad():
        net[3].weight.view(2, 4, 6, 6)[..., 3:] = 0  # columns of the map that see picture columns 3 to 7
    for method in METHODS.keys() - {"rise"}:
        about = METHODS[method]
        if about.family in ("Layers", "Units") or "segments" in {option.name for option in about.options}:
            continue  # they are coarser than pixels
        values = attribute(net, picture(), 0, method).values
        assert values[..., 5:].abs().max() < 1e-6, method  # seen by those columns alone
        assert values[..., :5].abs().max() > 1e-4, method


def test_two_networks_that_are_the_same_function_get_the_same_map() -> None:
    """Implementation invariance holds for what looks at gradients alone, and for covering."""
    net, image = network().eval(), picture()
    other = network().eval()
    with torch.no_grad():
        order = torch.randperm(4, generator=torch.Generator().manual_seed(2))
        other.conv1.weight.copy_(net.conv1.weight[order] * 2)
        other.conv1.bias.copy_(net.conv1.bias[order] * 2)
        other.conv2.weight.copy_(net.conv2.weight[:, order] / 2)
    for method in ("saliency", "input_x_gradient", "integrated_gradients", "smooth_grad", "occlusion", "kernel_shap"):
        one, same = (attribute(each, image, 1, method).values for each in (net, other))
        assert torch.allclose(one, same, atol=1e-5), method
