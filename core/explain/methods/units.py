"""Attributions to single units: neuron gradient, layer conductance, internal influence."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from core.errors import ExplainError
from core.explain.methods.base import Method
from core.explain.methods.gradients import BASELINE, STEPS
from core.options import Option

if TYPE_CHECKING:
    from torch import Tensor

    from core.explain.request import AttributionRequest

_LAYER = Option("layer", "Layer", None, "Which layer the units are of; by default the last convolution.")
_MAX_INDEX = 100_000
_ALL = Option("channel", "Map", None, "Which of the layer's maps; by default all of them together.", 0, _MAX_INDEX)
_CHANNEL = Option(
    "channel", "Map", None, "Which of the layer's maps; by default the one with the strongest unit.", 0, _MAX_INDEX
)
_ROW = Option("row", "Row", None, "Row of the unit in its map; by default the strongest.", 0, _MAX_INDEX)
_COLUMN = Option("col", "Column", None, "Column of the unit in its map; by default the strongest.", 0, _MAX_INDEX)

_WORDS = {"channel": "map", "row": "row", "col": "column"}


def _resolve_layer(request: AttributionRequest, title: str) -> tuple[int, ...]:
    """Resolve the layer's name in the request and return the shape of the layer's output."""
    from core.explain.cam_layers import cam_layers, layer_shapes

    shapes = layer_shapes(request.original, tuple(request.image.shape[1:]))
    name = request.options["layer"]
    if name is None:
        maps = [name for name in cam_layers(request.original) if prod(shapes[name][1:]) > 1]
        if not maps:
            raise ExplainError(f"{title} needs a layer: this network has no convolution with maps to choose by itself.")
        name = request.options["layer"] = maps[-1]
    if name not in shapes:
        raise ExplainError(f"{title} cannot look at {name!r}: choose a layer of this network.")
    return shapes[str(name)]


def _of_channel(request: AttributionRequest, values: Tensor, title: str) -> Tensor:
    """Return the requested map of values (1, C, h, w), or the sum of all, upsampled to the picture."""
    from core.explain.cam_layers import upsampled

    if values.ndim != 4:
        raise ExplainError(
            f"{title} draws maps, and {request.options['layer']} puts out numbers without places: choose an earlier "
            "layer."
        )
    channel = request.options["channel"]
    if channel is not None and not 0 <= int(channel) < values.shape[1]:
        raise ExplainError(
            f"{request.options['layer']} has no map {channel}: choose a whole number from 0 to {values.shape[1] - 1}."
        )
    chosen = values.sum(1, True) if channel is None else values[:, int(channel)][:, None]
    return upsampled(chosen, request.image.shape[2:])[0, 0]


def _on_the_way(request: AttributionRequest, title: str, kind: Any) -> Tensor:
    """Return a Captum method's attributions to a layer's units on the path from the starting picture to the image."""
    _resolve_layer(request, title)
    method = kind(request.model, request.layer(str(request.options["layer"])))
    values = method.attribute(
        request.image,
        baselines=request.baseline(),
        target=request.target,
        n_steps=request.number("steps"),
        internal_batch_size=max(2, request.batch),
    )
    return _of_channel(request, values, title)


def _layer_conductance(request: AttributionRequest) -> Tensor:
    from captum.attr import LayerConductance

    return _on_the_way(request, "Layer conductance", LayerConductance)


def _internal_influence(request: AttributionRequest) -> Tensor:
    from captum.attr import InternalInfluence

    return _on_the_way(request, "Internal influence", InternalInfluence)


def _neuron_gradient(request: AttributionRequest) -> Tensor:
    from captum.attr import NeuronGradient

    place = _unit(request, _resolve_layer(request, "Neuron gradient"))
    method = NeuronGradient(request.model, request.layer(str(request.options["layer"])))
    return method.attribute(request.image, neuron_selector=place)[0]


def _unit(request: AttributionRequest, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the index of the requested unit in a layer's output of this shape; by default the strongest."""
    names = tuple(_WORDS)[: len(shape)]
    output = None
    if any(request.options[name] is None for name in names):
        from core.explain.cam_layers import output_of

        output = output_of(request.original, request.image.detach(), str(request.options["layer"]))[0]
    place: list[int] = []
    for name, size in zip(names, shape, strict=True):
        value = request.options[name]
        if value is None:
            assert output is not None
            left = output[tuple(place)]
            value = int(left.reshape(left.shape[0], -1).amax(dim=1).argmax())
        if not 0 <= int(value) < size:
            raise ExplainError(
                f"{request.options['layer']} has no {_WORDS[name]} {value}: choose a whole number from 0 to {size - 1}."
            )
        request.options[name] = int(value)
        place.append(int(value))
    return tuple(place)


UNITS = (
    Method(
        name="layer_conductance",
        title="Layer conductance",
        family="Units",
        paper="Dhamdhere, Sundararajan and Yan 2018, arXiv:1805.12233",
        measures="How much of the integrated gradients flows through each place of a layer, of all its maps or of one: "
        "what those units added to the score on the way from the starting picture to this one.",
        cannot="It cannot see finer than the cells of that layer, and depends on the starting picture.",
        signed=True,
        positive="places through which the score was raised",
        negative="places through which it was lowered",
        passes=lambda options, shape: 2 * (int(options["steps"] or 1) + 1),
        compute=_layer_conductance,
        options=(_LAYER, _ALL, STEPS, BASELINE),
        blank="nothing of the score flows through these units.",
    ),
    Method(
        name="internal_influence",
        title="Internal influence",
        family="Units",
        paper="Leino, Sen, Datta, Fredrikson and Li 2018, arXiv:1802.03788",
        measures="How strongly the score reacts to each place of a layer, of all its maps or of one, averaged on the "
        "way from the starting picture to this one.",
        cannot="It cannot say whether those units were active: it is a slope, not a contribution.",
        signed=True,
        positive="places that raise the score when more active",
        negative="places that lower it",
        passes=lambda options, shape: 2 * int(options["steps"] or 1),
        compute=_internal_influence,
        options=(_LAYER, _ALL, STEPS, BASELINE),
        blank="the score does not react to these units.",
    ),
    Method(
        name="neuron_gradient",
        title="Neuron gradient",
        family="Units",
        paper="Simonyan, Vedaldi and Zisserman 2013, arXiv:1312.6034, for a unit in place of a class",
        measures="How one unit of a layer, in place of the class, reacts to a tiny change of each pixel: the gradient "
        "of its answer.",
        cannot="It cannot say what the unit does for the class, nor see beyond the unit's receptive field.",
        signed=True,
        positive="pixels that move the unit up if brighter",
        negative="pixels that move it up if darker",
        passes=lambda options, shape: 2,
        compute=_neuron_gradient,
        options=(_LAYER, _CHANNEL, _ROW, _COLUMN),
        blank="the unit is not active, so no tiny change of the picture moves it.",
    ),
)
