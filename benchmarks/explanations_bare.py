"""Captum called directly, with the settings that ConvScope uses: what `benchmarks.explanations` measures against."""

from collections.abc import Callable
from typing import Any

import captum.attr as captum
import torch
from captum.attr._utils.lrp_rules import EpsilonRule
from torch import Tensor, nn

from core.explain.methods.perturbation import superpixels
from core.explain.request import backgrounds
from core.model.build import build_model
from core.model.presets import preset

TARGET, LAYER, UNIT = 3, "conv3", (1, 2, 3)
BATCH = 64  # pictures of 32 × 32 that pass at once
OPTIONS: dict[str, dict[str, Any]] = {"neuron_gradient": {"layer": LAYER, "channel": 1, "row": 2, "col": 3}}
Bare = Callable[[nn.Module, Tensor], Tensor]


class _Copy(nn.Module):
    def forward(self, maps: Tensor) -> Tensor:
        return maps.clone()


def tutorial() -> nn.Sequential:
    """Return the tutorial's network for 32 × 32 colour images."""
    return build_model(preset("tutorial", (3, 32, 32), 10)).eval()


def prepared(method: str) -> nn.Module:
    """Return a network that a method of Captum can be called on as it is."""
    network = tutorial()
    if method.startswith("deep_lift"):  # Captum is wrong where steps that it has rules for follow one another
        return nn.Sequential(*(step for layer in network for step in (_Copy(), layer))).eval()
    return network


def _layer(network: nn.Module) -> nn.Module:
    return network.get_submodule(LAYER)


def _lrp(network: nn.Module, image: Tensor) -> Tensor:
    for module in network.modules():  # each time: Captum takes the rules away afterwards
        if isinstance(module, nn.Flatten | nn.Conv2d | nn.Linear | nn.MaxPool2d):
            setattr(module, "rule", EpsilonRule(1e-6))  # noqa: B010
    return captum.LRP(network).attribute(image, target=TARGET)


def _spread(image: Tensor) -> float:
    return 0.15 * float(image.detach().amax() - image.detach().amin())


def _tunnel(kind: str) -> Bare:
    def bare(network: nn.Module, image: Tensor) -> Tensor:
        tunnel = captum.NoiseTunnel(captum.Saliency(network))
        words = {"nt_samples": 25, "nt_samples_batch_size": 25, "stdevs": _spread(image), "abs": False}
        return tunnel.attribute(image, nt_type=kind, target=TARGET, **words)

    return bare


def _stretched(maps: Tensor, mode: str = "nearest") -> Tensor:
    return captum.LayerAttribution.interpolate(maps, (32, 32), mode)


def _covering(make: Callable[[nn.Module], Any], **words: Any) -> Bare:
    def bare(network: nn.Module, image: Tensor) -> Tensor:
        words["feature_mask"] = superpixels(image, 24)
        method = make(network)
        return method.attribute(image.detach(), baselines=0, target=TARGET, perturbations_per_eval=BATCH, **words)

    return bare


def occlusion(network: nn.Module, image: Tensor, batch: int = BATCH) -> Tensor:
    """Cover squares of 4 × 4 pixels, each 2 from the last, so many at a time."""
    words = {"strides": (1, 2, 2), "baselines": 0, "target": TARGET, "perturbations_per_eval": batch}
    return captum.Occlusion(network).attribute(image.detach(), (3, 4, 4), **words)


def _path(make: Callable[[nn.Module, nn.Module], Any]) -> Bare:
    def bare(network: nn.Module, image: Tensor) -> Tensor:
        method = make(network, _layer(network))
        maps = method.attribute(image, baselines=0, target=TARGET, n_steps=50, internal_batch_size=BATCH)
        return _stretched(maps.sum(1, keepdim=True))

    return bare


BARE: dict[str, Bare] = {
    "saliency": lambda network, image: captum.Saliency(network).attribute(image, target=TARGET),
    "input_x_gradient": lambda network, image: captum.InputXGradient(network).attribute(image, target=TARGET),
    "integrated_gradients": lambda network, image: captum.IntegratedGradients(network).attribute(
        image, baselines=torch.zeros_like(image), target=TARGET, n_steps=50, internal_batch_size=BATCH
    ),
    "smooth_grad": _tunnel("smoothgrad"),
    "var_grad": _tunnel("vargrad"),
    "gradient_shap": lambda network, image: captum.GradientShap(network).attribute(
        image, backgrounds(image), n_samples=25, stdevs=_spread(image), target=TARGET
    ),
    "deep_lift": lambda network, image: captum.DeepLift(network).attribute(image, target=TARGET),
    "deep_lift_shap": lambda network, image: captum.DeepLiftShap(network).attribute(
        image, backgrounds(image), target=TARGET
    ),
    "guided_backprop": lambda network, image: captum.GuidedBackprop(network).attribute(image, target=TARGET),
    "deconvolution": lambda network, image: captum.Deconvolution(network).attribute(image, target=TARGET),
    "lrp": _lrp,
    "grad_cam": lambda network, image: _stretched(
        captum.LayerGradCam(network, _layer(network)).attribute(image, target=TARGET, relu_attributions=True),
        "bilinear",
    ),
    "guided_grad_cam": lambda network, image: captum.GuidedGradCam(network, _layer(network)).attribute(
        image, target=TARGET
    ),
    "layer_grad_x_activation": lambda network, image: _stretched(
        captum.LayerGradientXActivation(network, _layer(network)).attribute(image, target=TARGET).sum(1, keepdim=True)
    ),
    "occlusion": occlusion,
    "feature_ablation": _covering(captum.FeatureAblation),
    "shapley_sampling": _covering(captum.ShapleyValueSampling, n_samples=10),
    "lime": _covering(captum.Lime, n_samples=200),
    "kernel_shap": _covering(captum.KernelShap, n_samples=200),
    "layer_conductance": _path(captum.LayerConductance),
    "internal_influence": _path(captum.InternalInfluence),
    "neuron_gradient": lambda network, image: captum.NeuronGradient(network, _layer(network)).attribute(image, UNIT),
}
