"""The end of a network of another program: scores of two classes or more, before softmax or sigmoid, in a vector."""

import numpy as np

from core.errors import SpecError
from core.exchange.foreign.network import ForeignError, ForeignNetwork, shown
from core.exchange.foreign.stack import COUNT, NO_PADS, Stack
from core.model import layers as kinds
from core.model.shapes import problems
from core.model.spec import MAX_NAME, ModelSpec


def finish(stack: Stack, name: str, class_names: tuple[str, ...] = ()) -> ForeignNetwork:
    """Return the whole network; raises `ForeignError` where it does not end with scores of classes."""
    _end(stack)
    if stack.order is not None:
        raise ForeignError("The network ends with maps in a row: it needs one score for each class at its end.")
    title = shown(name)[:MAX_NAME] or "Network"
    try:
        spec = ModelSpec(title, stack.input_shape, stack.shape[0], tuple(layer for _, layer, _ in stack.layers))
    except SpecError as error:
        raise ForeignError(f"It cannot be a network here: {error}") from error
    for problem in problems(spec):
        raise ForeignError(f"It cannot be a network here: {problem.message}")
    weights = {
        f"{prefix}.{key}": np.array(value, np.int64 if key.endswith(COUNT) else np.float32, order="C")
        for prefix, (_, _, tensors) in zip(spec.layer_names, stack.layers, strict=True)
        for key, value in tensors.items()
    }
    if not all(np.isfinite(value).all() for value in weights.values()):
        raise ForeignError("The file holds weights that are not finite: its training went wrong.")
    origins = tuple(shown(owner) for owner, _, _ in stack.layers)
    names = class_names if len(class_names) == spec.num_classes else ()
    return ForeignNetwork(stack.program, spec, weights, origins, tuple(stack.notes), stack.scale, names)


def _end(stack: Stack) -> None:
    """Bring the end into our form: scores of two classes or more, before softmax or sigmoid, in a vector."""
    if stack.pads != NO_PADS:
        raise ForeignError("The network ends with zeros put around maps: it needs a score for each class.")
    if len(stack.shape) == 3:
        if stack.shape[1:] != (1, 1):
            raise ForeignError(
                f"The network ends with maps of {stack.shape[1]}×{stack.shape[2]}: it needs one score for each class."
            )
        stack.add("", kinds.Flatten())
    owner, last, _ = stack.layers[-1] if stack.layers else ("", None, {})
    if isinstance(last, kinds.Activation) and last.function == "sigmoid":
        stack.layers.pop()
        words = "two classes" if stack.shape == (1,) else "each class for itself"
        stack.note(
            f"The sigmoid at its end ({shown(owner)}) told {words}. It is left out, and softmax of the same scores "
            "is shown" + ("." if stack.shape == (1,) else ": the order of the classes stays, their shares differ.")
        )
    if stack.shape == (1,):
        _two_scores(stack)


def _two_scores(stack: Stack) -> None:
    """Make two scores, 0 and z, of a single one: softmax of these is sigmoid of z."""
    while stack.layers and isinstance(stack.layers[-1][1], kinds.Dropout):
        stack.layers.pop()
    owner, last, tensors = stack.layers[-1] if stack.layers else ("", None, {})
    if not isinstance(last, kinds.Dense):
        raise ForeignError("The network ends with a single number: it needs a score for each class, two or more.")
    weight, bias = np.asarray(tensors["weight"]), np.asarray(tensors["bias"])
    both = {"weight": np.concatenate([np.zeros_like(weight), weight]), "bias": np.append(0.0, bias)}
    stack.layers[-1] = (owner, kinds.Dense(2), dict(both))
    stack.shape = (2,)
    stack.note("Its single score became two, 0 for the first class and its own for the second.")
