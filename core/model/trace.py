"""Passing a shape through a whole stack, up to the first layer that cannot work."""

from dataclasses import dataclass, replace
from math import prod

from core.model.layer_arithmetic import calculate_layer
from core.model.layer_result import LayerResult, ReceptiveField, ShapeError, shape_words, total
from core.model.layers import Backbone, Layer
from core.model.spec import ModelSpec, Shape

LIMITS = {
    "parameters": (50_000_000, "parameters"),
    "activations": (8_000_000, "numbers to keep for every image"),
    "macs": (20_000_000_000, "multiply-adds for every image"),
}

# In the order in which they are tried: of two stacks, the one that breaks a later rule got further.
RULES = ("empty", "first", "channels", "blocks", "maps", "flat", "same", "groups", "half", "span", *LIMITS, "logits")


@dataclass(frozen=True)
class Step:
    """One layer's turn: `result` is None if the layer, or one before it, cannot take its input."""

    name: str
    layer: Layer
    input_shape: Shape | None = None
    result: LayerResult | None = None
    failure: ShapeError | None = None


@dataclass(frozen=True)
class Trace:
    """The steps of all layers, and the place in the stack of the one that fails; None if all is well."""

    steps: tuple[Step, ...]
    failure: ShapeError | None = None
    index: int = 0

    @property
    def progress(self) -> tuple[int, int]:
        """How far a stack works: layers left behind the failure, negative, then the rule; more is better.

        Two stacks can be compared by it where they differ only up to the failing layer.
        """
        if self.failure is None:
            return 1, 0
        return min(0, self.index + 1 - len(self.steps)), RULES.index(self.failure.code)


def trace(spec: ModelSpec) -> Trace:
    """Pass the input shape through all layers up to the first failure, and check what comes out at the end."""
    if not spec.layers:
        return Trace((), ShapeError("empty", "0 layers: there is nothing yet that could learn."))
    steps: list[Step] = []
    shape: Shape = spec.input_shape
    receptive_field, spent = ReceptiveField(), (0, 0, 0)
    for name, layer in zip(spec.layer_names, spec.layers, strict=True):
        step = _step(name, layer, shape, receptive_field, len(steps) + 1)
        if step.result is not None:
            cost = (total(step.result.params) + step.result.frozen, prod(step.result.shape), total(step.result.macs))
            spent = (spent[0] + cost[0], spent[1] + cost[1], spent[2] + cost[2])
            shape, receptive_field = step.result.shape, step.result.receptive_field
            last = len(steps) == len(spec.layers) - 1
            failure = _expense(cost, spent) or (_ending(shape, spec.num_classes) if last else None)
            step = replace(step, failure=failure)
        steps.append(step)
        if step.failure is not None:
            break
    done = len(steps)
    rest = zip(spec.layer_names[done:], spec.layers[done:], strict=True)
    return Trace((*steps, *(Step(*named) for named in rest)), steps[-1].failure, done - 1)


def _step(name: str, layer: Layer, shape: Shape, receptive_field: ReceptiveField, place: int) -> Step:
    try:
        if isinstance(layer, Backbone) and place > 1:
            raise ShapeError("first", f"layer {place}: a pretrained backbone looks at pictures, as the first layer.")
        return Step(name, layer, shape, calculate_layer(layer, shape, receptive_field))
    except ShapeError as failure:
        return Step(name, layer, shape, failure=failure)


def _expense(cost: tuple[int, ...], spent: tuple[int, ...]) -> ShapeError | None:
    """Hold a stack to what a small machine can carry: a description alone must not be able to exhaust it."""
    for here, so_far, (code, (limit, what)) in zip(cost, spent, LIMITS.items(), strict=True):
        if so_far > limit:
            message = f"{so_far - here:,} + {here:,} = {so_far:,} {what}: at most {limit:,} are allowed."
            return ShapeError(code, message)
    return None


def _ending(shape: Shape, num_classes: int) -> ShapeError | None:
    if shape == (num_classes,):
        return None
    difference = f"{shape[0]:,} ≠ {num_classes}: " if len(shape) == 1 else ""
    needed = f"needs {num_classes} numbers, one for each class"
    return ShapeError("logits", f"{difference}the network ends with {shape_words(shape)}, but {needed}.")
