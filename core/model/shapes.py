"""What a person sees beside each layer: shapes, costs, receptive field, and what is wrong with a way out."""

from dataclasses import dataclass
from functools import lru_cache
from math import prod

from core.model.layer_result import Terms, formula, total
from core.model.layers import Activation, Backbone, Dropout, Layer
from core.model.remedies import remedies
from core.model.spec import ModelSpec, Shape
from core.model.trace import Step, Trace, trace
from core.model.zoo import FETCH, zoo_info


@dataclass(frozen=True)
class Fix:
    """A change that solves a problem: the words of a button, and the whole stack to put in place."""

    label: str
    layers: tuple[Layer, ...]


@dataclass(frozen=True)
class Problem:
    """Why a layer cannot work, with the formula's numbers filled in, and at least one way out.

    `layer` is the name of the layer at fault; None if there is no layer at all.
    """

    layer: str | None
    message: str
    fixes: tuple[Fix, ...]

    @property
    def sentence(self) -> str:
        """Cause and remedy together, for an error message."""
        owner = f"{self.layer}: " if self.layer else ""
        return f"{owner}{self.message} {self.fixes[0].label}."


@dataclass(frozen=True)
class LayerSummary:
    """One layer's place in the stack.

    Attributes:
        name: Name of the built module, as in `ModelSpec.layer_names`.
        kind: The layer's kind.
        input_shape: (C, H, W) or (F,), without the batch; None after a layer that cannot work.
        output_shape: The same for what comes out; None also for a layer that cannot take its input.
        params: Trained numbers, as a sum of products; the running statistics of batch norm are not counted.
        frozen: How many weights training leaves as they are.
        inner: Numbers inside it that training keeps for one image, besides those that come out; of backbones alone.
        macs: Multiply-adds of convolutions and dense layers for one image, likewise; all else counts as 0.
        receptive_field: Side, in input pixels, of what one output number can see; it may reach beyond the image.
            After flatten a number still sees one place; from global pooling or the first dense layer on it sees
            what all places see together.
        jump: Input pixels between neighbouring output numbers; None once there are no maps.
        offset: Centre of the first output number's field in input pixels, 0 being the centre of the first pixel
            (so it is negative with much padding); None once there are no maps.
        problem: Why it cannot work, or None.
        note: Advice about a layer that works, or an empty text.
    """

    name: str
    kind: str
    input_shape: Shape | None
    output_shape: Shape | None
    params: Terms
    macs: Terms
    receptive_field: int | None
    jump: float | None
    offset: float | None
    problem: Problem | None
    note: str
    frozen: int = 0
    inner: int = 0

    @property
    def num_params(self) -> int:
        """How many numbers are trained."""
        return total(self.params)

    @property
    def num_macs(self) -> int:
        """How many multiply-adds one image takes."""
        return total(self.macs)

    @property
    def macs_formula(self) -> str:
        """Their arithmetic, "32 × 32 × 27 = 27,648"; empty if there are none."""
        return formula(self.macs)


@lru_cache(maxsize=256)
def summarize(spec: ModelSpec) -> tuple[LayerSummary, ...]:
    """Return one summary for every layer; an impossible stack is described, never an error."""
    traced = trace(spec)
    problem = _problem(spec, traced)
    last = len(traced.steps) - 1
    return tuple(
        _summary(step, problem if index == traced.index else None, _note(step, last=index == last))
        for index, step in enumerate(traced.steps)
    )


@lru_cache(maxsize=1024)
def count_params(spec: ModelSpec) -> int:
    """Return how many numbers training changes in a network; layers behind an impossible one do not count."""
    return sum(layer.num_params for layer in summarize(spec))


def fewest_images(spec: ModelSpec) -> int:
    """Return how many images a batch of training needs at least: 2 where batch norm sees one number a channel, else 1.

    For a network that works; `core.train.feed.fewest_images` finds the same of a built one.
    """
    shapes = [
        layer.output_shape
        for layer in summarize(spec)
        if (layer.kind in ("batch_norm", "residual") or (layer.kind == "backbone" and layer.params))
        and layer.output_shape
    ]
    return 2 if any(prod(shape[1:]) == 1 for shape in shapes) else 1


def problems(spec: ModelSpec) -> tuple[Problem, ...]:
    """Return what keeps a network from being built: nothing, or the first problem; the ones behind it show later."""
    problem = _problem(spec, trace(spec))
    return (problem,) if problem else ()


def _problem(spec: ModelSpec, traced: Trace) -> Problem | None:
    if traced.failure is None:
        return None
    name = traced.steps[traced.index].name if traced.steps else None
    fixes = tuple(Fix(label, layers) for label, layers in remedies(spec, traced))
    return Problem(name, str(traced.failure), fixes)


def _summary(step: Step, problem: Problem | None, note: str) -> LayerSummary:
    result = step.result
    return LayerSummary(
        name=step.name,
        kind=step.layer.kind,
        input_shape=step.input_shape,
        output_shape=result.shape if result else None,
        params=result.params if result else (),
        macs=result.macs if result else (),
        receptive_field=result.receptive_field.size if result else None,
        jump=result.receptive_field.jump if result else None,
        offset=result.receptive_field.offset if result else None,
        problem=problem,
        note=note,
        frozen=result.frozen if result else 0,
        inner=result.inner if result else 0,
    )


def _note(step: Step, *, last: bool) -> str:
    """Say what is legal but seldom meant, or worth knowing."""
    if isinstance(step.layer, Backbone) and not zoo_info(step.layer.network).is_here:
        return f"The weights of {zoo_info(step.layer.network).title} are not on this computer yet: {FETCH}"
    if isinstance(step.layer, Activation) and last:
        return "The loss applies softmax itself: an activation at the end only narrows the logits it can choose from."
    if isinstance(step.layer, Dropout) and last:
        return "Dropout at the end sets whole classes to zero at random: put it before the last dense layer."
    return ""
