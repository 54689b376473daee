"""The layers of a network as they are listed, whether it was trained here or elsewhere, and what they see."""

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.errors import RunError, SpecError
from core.inference.model_cache import ModelCache
from core.inference.network import Network
from core.model.layers import LAYERS, AvgPool, GlobalAvgPool, Layer, MaxPool
from core.model.readout import readout_layer
from core.model.shapes import summarize
from core.model.spec import Shape
from core.probe.receptive_fields import Box, receptive_field
from core.probe.unit_windows import field_of

if TYPE_CHECKING:
    from core.probe.layer_graph import LayerNode
    from core.probe.receptive_fields import FieldStep

_TRACED = ModelCache(16)

_BLOCK = "Several layers that work together, often around a shortcut: these are the maps that they hand on."
_LISTED = ("conv", "activation", "max_pool", "avg_pool", "global_avg_pool", "dense", "block")  # of a pretrained one


@dataclass(frozen=True, eq=False)
class LayerEntry:
    """One layer of a network.

    Attributes:
        name: As in `model.named_modules()`.
        kind: That of a `Layer`, or "block".
        description: What such a layer does, a sentence.
        output_shape: (C, H, W) or (F,).
        settings: How it works, where a layer of ours works in the same way.
    """

    name: str
    kind: str
    description: str
    output_shape: Shape
    settings: Layer | None


def layers_of(network: Network) -> tuple[LayerEntry, ...]:
    """List a network's layers in the order in which a picture passes through; raises `ConvScopeError`.

    Of a pretrained network, batch norms and what computes nothing are left out, and blocks follow their own layers.
    """
    if network.spec is None:
        return _pretrained(network)[0]
    spec = network.spec
    return tuple(
        LayerEntry(
            summary.name,
            summary.kind,
            LAYERS[summary.kind].description,
            summary.output_shape or (),
            layer,
        )
        for summary, layer in zip(summarize(spec), spec.layers, strict=True)
    )


def place_of(network: Network, layer: str) -> int:
    """Return a layer's place in the list; raises `RunError` if it is not there."""
    names = [listed.name for listed in layers_of(network)]
    if layer not in names:
        raise RunError(f"This network has no layer named {layer}: choose another layer or another network.")
    return names.index(layer)


def parts_of(network: Network) -> "tuple[LayerNode, ...]":
    """Return all that a network is made of, in the order in which a picture passes through."""
    return tuple(_pretrained(network)[1].values())


def part_of(network: Network, layer: str) -> "LayerNode":
    """Return what is known of a layer of a pretrained network, listed or not; raises `RunError`."""
    parts = _pretrained(network)[1]
    if layer not in parts:
        raise RunError(f"This network has no layer named {layer}: choose another layer or another network.")
    return parts[layer]


def readout_of(network: Network, layer: str) -> str:
    """Name the layer at which a convolution's answers are read; see `core.model.readout`."""
    if network.spec is not None:
        return readout_layer(network.spec, layer)
    behind = {part.source: part for part in _pretrained(network)[1].values() if part.kind != "block"}
    name = layer
    while name in behind and behind[name].kind in ("batch_norm", "dropout"):
        name = behind[name].name
    return behind[name].name if name in behind and behind[name].kind == "activation" else layer


def receptive_field_of(network: Network, layer: str, row: int = 0, col: int = 0) -> Box:
    """Return the part of the picture that a number of a layer depends on; see `core.probe.receptive_field`."""
    if network.spec is None:
        return part_of(network, layer).receptive_field.box(row, col)
    return receptive_field(network.spec, layer, row, col)


def projective_field_of(network: Network, layer: str, row: int, col: int) -> Box:
    """Return which numbers of a layer a pixel reaches; see `core.probe.reach`."""
    from core.probe.receptive_fields import reach

    if network.spec is None:
        return part_of(network, layer).receptive_field.reach(row, col)
    return reach(network.spec, layer, row, col)


def steps_of(network: Network, layer: str) -> "tuple[FieldStep, ...]":
    """Return the windows through which a layer sees the picture; of branches, those of the one that sees most."""
    from core.probe.receptive_fields import field_steps

    if network.spec is None:
        return part_of(network, layer).receptive_field.steps
    return field_steps(network.spec, layer)


def is_gated(network: Network, layer: str) -> bool:
    """Say whether gates on the way to a layer weigh its maps by the whole picture, which the field leaves out."""
    return network.spec is None and part_of(network, layer).receptive_field.gated


def _pretrained(network: Network) -> "tuple[tuple[LayerEntry, ...], dict[str, LayerNode]]":
    """Return the listed layers of a pretrained network, and all of its parts by name: traced once."""
    layers: tuple[tuple[LayerEntry, ...], dict[str, LayerNode]] = _TRACED.get(network.id, lambda: _trace(network))
    return layers


def _trace(network: Network) -> "tuple[tuple[LayerEntry, ...], dict[str, LayerNode]]":
    from core.probe.layer_graph import layer_graph

    model = network.model
    parts = {part.name: part for part in layer_graph(model, network.input_shape)}
    return tuple(
        LayerEntry(
            part.name,
            part.kind,
            LAYERS[part.kind].description if part.kind in LAYERS else _BLOCK,
            part.output_shape,
            settings_of(model.get_submodule(part.name)),
        )
        for part in parts.values()
        if part.kind in _LISTED
    ), parts


def settings_of(module: Any) -> Layer | None:
    """Return the pooling of ours that works as a module of torch does; None where none does."""
    kind = type(module).__name__
    if kind == "AdaptiveAvgPool2d" and module.output_size in (1, (1, 1)):
        return GlobalAvgPool()
    if kind not in ("MaxPool2d", "AvgPool2d") or module.ceil_mode or getattr(module, "dilation", 1) != 1:
        return None
    pool = MaxPool if kind == "MaxPool2d" else AvgPool
    with suppress(SpecError):  # not square, or larger than ours can be
        return pool(module.kernel_size, module.stride, module.padding)
    return None


def first_convolution(network: Network) -> str | None:
    """Return the name of a network's first convolution, or None where it has none; raises `ConvScopeError`."""
    from core.probe.kernels import filter_layers

    return next(iter(filter_layers(network.model)), None)


def window_of(network: Network, layer: str, row: int, col: int) -> Box:
    """Return the window of a unit of a convolution on the picture; of traced networks it ends at the picture's edge."""
    if network.spec is None:
        return receptive_field_of(network, layer, row, col)
    return field_of(network.spec, layer).at(row, col)
