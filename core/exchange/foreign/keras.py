"""Keras models from `.keras` and legacy `.h5` files, read with h5py and JSON alone: nothing of them is executed."""

import json
from collections.abc import Callable, Sequence

import numpy as np

from core.data.importing import safezip
from core.data.importing.safezip import Violation, ZipFault, content_of, read_directory
from core.exchange.foreign import ending, hdf5, pointwise
from core.exchange.foreign.hdf5 import Hdf5Content
from core.exchange.foreign.keras_config import KerasLayer, KerasModel, parse
from core.exchange.foreign.keras_layers import add_layer
from core.exchange.foreign.network import LIMITS, MB, Array, ForeignError, ForeignNetwork, Limits, shown
from core.exchange.foreign.stack import Stack

PROGRAM = "Keras"
CONFIG, WEIGHTS = "config.json", "model.weights.h5"
_ROWS = 1_000  # of a picture given as numbers in a row, the longest side tried
_AGAIN = 'save the model again with model.save("model.keras")'


def read_keras(data: bytes, limits: Limits = LIMITS) -> ForeignNetwork:
    """Read a `.keras` file; raises `ForeignError`."""
    config, weights = _parts(data, limits)
    return network_of(parse(config, limits), _by_place(hdf5.read(weights, limits)))


def read_legacy(content: Hdf5Content, limits: Limits = LIMITS) -> ForeignNetwork | None:
    """Return the model of a legacy `.h5` file; None where it holds weights alone."""
    config = content.texts.get("", {}).get("model_config")
    if not isinstance(config, str):
        return None
    return network_of(parse(config, limits), _by_name(content))


def network_of(model: KerasModel, weights: Callable[[KerasLayer], Sequence[Array]]) -> ForeignNetwork:
    """Return a model with the weights that a function gives for each of its layers; raises `ForeignError`."""
    stack = _begun(model)
    for layer in model.layers:
        add_layer(stack, layer, weights(layer))
    return ending.finish(stack, model.name)


def _parts(data: bytes, limits: Limits) -> tuple[str, bytes]:
    """Return what a `.keras` file says of its layers, and its file of weights."""
    zipped = safezip.Limits(limits.file, MB, 2_000, limits.file, 2 * limits.file)
    try:
        with safezip.opened(data) as file:
            files = {}
            for member, violation in read_directory(file, zipped).files:
                if violation is not None:
                    raise ZipFault(violation)
                files[member.name] = member
            for name in (CONFIG, WEIGHTS):
                if name not in files:
                    raise ForeignError(f"The file is no Keras model, since {name} is missing in it: {_AGAIN}.")
            if files[CONFIG].size > limits.text:
                raise ForeignError("The description of the layers in the file is too long.")
            return content_of(file, files[CONFIG]).decode("utf-8"), content_of(file, files[WEIGHTS])
    except ZipFault as fault:
        too_large = fault.violation in (Violation.ARCHIVE_SIZE, Violation.TOTAL_SIZE, Violation.FILE_SIZE)
        cause = (
            f"is larger than the {limits.file / MB:,.0f} MB allowed" if too_large else "is damaged or no Keras model"
        )
        raise ForeignError(f"The file {cause}: {_AGAIN}.") from fault
    except ValueError as error:
        raise ForeignError(f"The file is damaged: {_AGAIN}.") from error


def _by_place(content: Hdf5Content) -> Callable[[KerasLayer], Sequence[Array]]:
    """Return a function for the layout of Keras 3: "layers/conv2d_1/vars/0", counted by class within each model."""

    def weights(layer: KerasLayer) -> Sequence[Array]:
        group = f"{layer.place}/vars"
        name = content.texts.get(group, {}).get("name", layer.name)  # versions before 3.7 or so do not write it
        if name != layer.name:
            raise ForeignError(f"The weights of {shown(name)} stand where those of {shown(layer.name)} should.")
        arrays: list[Array] = []
        while (path := f"{group}/{len(arrays)}") in content.arrays:
            arrays.append(content.arrays[path])
        return arrays

    return weights


def _by_name(content: Hdf5Content) -> Callable[[KerasLayer], Sequence[Array]]:
    """Return a function for the legacy layout: a group for each outermost layer, which lists its arrays in order."""

    def weights(layer: KerasLayer) -> Sequence[Array]:
        group = f"model_weights/{layer.top}"
        names = content.texts.get(group, {}).get("weight_names", [])
        paths = [str(name) for name in names] if isinstance(names, list) else []
        if layer.top != layer.name:  # it lies in a model inside, whose group lists the arrays of all its layers
            paths = [path for path in paths if path.split("/")[-2:-1] == [layer.name]]
        places = [f"{group}/{path}" for path in paths]
        if any(place not in content.arrays for place in places):
            raise ForeignError(f"The file lacks weights of the layer {shown(layer.name)}: {_AGAIN}.")
        return [content.arrays[place] for place in places]

    return weights


def _begun(model: KerasModel) -> Stack:
    """Return an empty stack for the pictures of a model."""
    for layer in model.layers:
        for name in ("batch_shape", "batch_input_shape", "shape"):
            shape = layer.config.get(name)
            if isinstance(shape, list):
                return _stack(shape if name == "shape" else shape[1:])
    raise ForeignError(
        f"The model does not say how large its pictures are: build it with an Input layer, and {_AGAIN}."
    )


def _stack(shape: Sequence[object]) -> Stack:
    sizes = [size for size in shape if type(size) is int and size > 0]
    if len(sizes) != len(shape) or len(sizes) not in (1, 2, 3):
        raise ForeignError(
            f"The model takes inputs of shape {shown(json.dumps(shape))}, and networks here pictures of one size: "
            "give its Input layer height, width and channels."
        )
    if len(sizes) == 3:
        return Stack(PROGRAM, (sizes[2], sizes[0], sizes[1]))
    if len(sizes) == 2:
        return Stack(PROGRAM, (1, sizes[0], sizes[1]))
    side = int(np.sqrt(sizes[0]))
    if side * side != sizes[0]:
        raise ForeignError(f"The model takes {sizes[0]:,} numbers in a row, which are no square picture.")
    stack = Stack(PROGRAM, (1, side, side))
    stack.note(f"Its {sizes[0]:,} inputs in a row are read as a grey picture of {side}×{side}.")
    pointwise.flatten(stack, "input", channels_last=True)
    return stack
