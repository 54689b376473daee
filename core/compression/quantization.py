"""Post-training static quantisation to int8 by `torch.ao.quantization`."""

import copy
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.ao import quantization as ao

from core.errors import ConfigError
from core.failures import in_sentences
from core.model.residual import ResidualBlock

MAX_CALIBRATION_IMAGES = 256  # images whose activations set the ranges
_BATCH_SIZE = 32
# What computes in whole numbers between two layers with weights; anything else is done in floats, between two islands.
_INT8_MODULES = (
    *(nn.Conv2d, nn.Linear, nn.ReLU, nn.ZeroPad2d, nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.Flatten),
    nn.Identity,
)
_CHAINS = {(nn.Conv2d, nn.BatchNorm2d), (nn.Conv2d, nn.ReLU), (nn.Linear, nn.BatchNorm1d), (nn.Linear, nn.ReLU)}
_TRIPLES = {(nn.Conv2d, nn.BatchNorm2d, nn.ReLU)}

# Deprecated, and kept: its successor, torchao's pt2e (0.18 beside torch 2.13), computes in int8 only behind
# `torch.compile`, which needs a C++ compiler and one to two minutes for each network; without it, it takes 1.6 to 2.4
# times as long as floats. It knows no padding "same", and leaves a graph without the layers that the page compares.
warnings.filterwarnings("ignore", message="torch.ao.quantization is deprecated")
warnings.filterwarnings("ignore", message="Please use quant_min and quant_max")
warnings.filterwarnings("ignore", message="torch.quantize_per_tensor, torch.quantize_per_channel")


@in_sentences("Quantisation")
def quantize(model: nn.Module, images: Tensor, *, progress: Callable[[int, int], None] | None = None) -> nn.Module:
    """Return a network that computes with int8 weights, one scale for each filter, and quint8 activations.

    Batch norms are folded into the convolutions before. Activation ranges are those of calibration images, kept to
    7 bits where the processor would otherwise overflow (torch's "x86" settings). Layers without a whole-number form
    (GELU, SiLU, tanh, the sum of a residual block) compute in floats between them. Gradients do not pass.

    Args:
        model: A network that `core.model.build_model` made; it stays as it is.
        images: Normalised images (N, C, H, W) to calibrate with; the first 256 are used.
        progress: Called with the images seen and those to see; what it raises ends the work.

    Raises:
        ConfigError: torch has no whole-number arithmetic on this machine, or the network has no layer for it.
    """
    prepared = _prepared(model)
    calibration = images[:MAX_CALIBRATION_IMAGES].float()
    done = 0
    with torch.no_grad():
        for part in calibration.split(_BATCH_SIZE):
            prepared(part)
            done += len(part)
            if progress is not None:
                progress(done, len(calibration))
    return ao.convert(prepared, inplace=True).eval()


def blank_int8(model: nn.Module) -> nn.Module:
    """Return the same modules as `quantize` makes of such a network, with no ranges yet: to be filled from a file."""
    prepared = _prepared(model)
    for module in prepared.modules():
        if isinstance(module, ao.ObserverBase):
            module(torch.zeros(1))  # an observer that has seen nothing warns
    return ao.convert(prepared, inplace=True).eval()


def _prepared(model: nn.Module) -> nn.Module:
    """Return a copy whose int8 parts are wrapped in quantisation stubs, with observers."""
    if torch.backends.quantized.engine == "none":
        raise ConfigError(
            "torch has no whole-number arithmetic for this machine's processor: prune the network instead."
        )
    copied = copy.deepcopy(model).eval().cpu()
    if not isinstance(copied, nn.Sequential):
        raise ConfigError("Only networks trained here can be quantised, not pretrained ones.")
    for name, module in list(copied.named_children()):
        if isinstance(module, nn.Dropout):  # does nothing outside training
            copied.set_submodule(name, nn.Identity())
    whole = _islands(nn.Sequential(OrderedDict(_bordered(copied))))
    if not any(isinstance(module, ao.QuantWrapper) for module in whole.modules()):
        raise ConfigError("This network has no layer that torch can compute in whole numbers.")
    settings = ao.get_default_qconfig(torch.backends.quantized.engine)
    for module in whole.modules():
        if isinstance(module, ao.QuantWrapper):
            module.qconfig = settings
    return ao.prepare(whole, inplace=True)


def _bordered(model: nn.Sequential) -> Iterator[tuple[str, nn.Module]]:
    """Yield the layers, with a layer of zeros before each convolution whose padding int8 convolutions cannot carry out.

    They put the same number of zeros on both sides, while "same" puts one more on the far side where an even kernel
    asks for it; and grouped ones (torch 2.13, x86) leave rows that see nothing but padding without a value.
    """
    for name, module in model.named_children():
        if isinstance(module, nn.Conv2d):
            (top, bottom), (left, right) = _zeros(module)
            blind = module.groups > 1 and (top >= module.kernel_size[0] or left >= module.kernel_size[1])
            if blind or (top, left) != (bottom, right):
                yield f"{name}_border", nn.ZeroPad2d((left, right, top, bottom))
                top = left = 0
            module.padding = (top, left)
        yield name, module


def _zeros(convolution: nn.Conv2d) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return how many zeros a convolution puts above and below its input, and to its left and right."""
    if not isinstance(convolution.padding, str):
        height, width = convolution.padding
        return (height, height), (width, width)
    # The padding "same": the other word that torch knows is none of `core.model.layers.Conv`.
    height, width = (
        step * (size - 1) for step, size in zip(convolution.dilation, convolution.kernel_size, strict=True)
    )
    return (height // 2, height - height // 2), (width // 2, width - width // 2)


def _islands(model: nn.Sequential) -> nn.Sequential:
    """Group neighbouring layers that can compute in int8; each group is named after its first layer."""
    groups: list[tuple[str, list[tuple[str, nn.Module]]]] = []
    open_group = False
    for name, module in _joined(list(model.named_children())):
        if _fits(module):
            if not open_group:
                groups.append((name, []))
            groups[-1][1].append((name, module))
            open_group = True
        else:
            groups.append((name, [(name, _block(module))]))
            open_group = False
    children = [(name, _wrapped(parts) if _fits(parts[0][1]) else parts[0][1]) for name, parts in groups]
    return nn.Sequential(OrderedDict(children))


def _wrapped(parts: list[tuple[str, nn.Module]]) -> nn.Module:
    group = nn.Sequential(OrderedDict(parts))
    has_weights = any(isinstance(module, nn.Conv2d | nn.Linear) for module in group.modules())
    return ao.QuantWrapper(group) if has_weights else group


def _block(module: nn.Module) -> nn.Module:
    """Make islands of the convolutions of a residual block; its sum stays in floats."""
    if not isinstance(module, ResidualBlock):
        return module
    pairs: list[tuple[nn.Module, str, str]] = [(module, "conv1", "bn1"), (module, "conv2", "bn2")]
    if isinstance(module.shortcut, nn.Sequential):
        pairs.append((module.shortcut, "conv", "bn"))
    for owner, conv, norm in pairs:
        fused = ao.fuse_modules(nn.Sequential(getattr(owner, conv), getattr(owner, norm)).eval(), [["0", "1"]])
        setattr(owner, conv, ao.QuantWrapper(fused[0]))
        setattr(owner, norm, nn.Identity())
    return module


def _joined(children: list[tuple[str, nn.Module]]) -> list[tuple[str, nn.Module]]:
    """Fold batch norms and ReLUs into the layers before them; they leave an identity behind."""
    kinds = [type(module) for _, module in children]
    names = [name for name, _ in children]
    chains, place = [], 0
    while place < len(children):
        length = 1
        if tuple(kinds[place : place + 3]) in _TRIPLES:
            length = 3
        elif tuple(kinds[place : place + 2]) in _CHAINS:
            length = 2
        if length > 1 and _fits(children[place][1]):
            chains.append(names[place : place + length])
        place += length
    whole = nn.Sequential(OrderedDict(children)).eval()
    joined = ao.fuse_modules(whole, chains) if chains else whole
    return list(joined.named_children())


def _fits(module: nn.Module) -> bool:
    if isinstance(module, nn.Sequential):  # global pooling, or layers that were joined
        return all(_fits(part) for part in module)
    return isinstance(module, _INT8_MODULES)
