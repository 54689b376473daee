"""The receptive field of a unit in a network's spec, as a box of input pixels."""

from dataclasses import dataclass

from core.errors import ConvScopeError
from core.model.layers import Residual
from core.model.shapes import LayerSummary, summarize
from core.model.spec import ModelSpec, Shape


@dataclass(frozen=True)
class _Slide:
    """A window of `span` places, of which it sees every `dilation`th, that moves over a map (C, H, W)."""

    span: int
    stride: int
    padding: int
    dilation: int
    over: Shape

    def back(self, units: set[int], axis: int) -> set[int]:
        """Return the places along an axis that the units see; those in the padding are left out."""
        starts = (unit * self.stride - self.padding for unit in units)
        places = {place for start in starts for place in range(start, start + self.span, self.dilation)}
        return {place for place in places if 0 <= place < self.over[axis]}


def receptive_field(spec: ModelSpec, layer: str, row: int = 0, col: int = 0) -> tuple[int, int, int, int]:
    """Return the part of the input image that one unit of a layer can see.

    This is the smallest rectangle that holds every pixel on which the unit depends; with a dilation, or a
    stride longer than the kernel, there are pixels between them that it does not see. The unit's window is
    followed back through the stack and cut at the edge of every map on the way (Araujo et al. 2019, Distill).

    Args:
        spec: The network.
        layer: One of `spec.layer_names`.
        row, col: The unit's place in the layer's maps, 0 at the top left. Layers without places (flatten,
            dense and global pooling) ignore them: the answer is what all their numbers see together.

    Returns:
        (top, left, bottom, right) in pixels, inside the image; bottom and right are exclusive. A unit that
        sees nothing but padding gets an empty rectangle.

    Raises:
        ConvScopeError: The layer or the place does not exist, or the stack does not work up to there.
    """
    names = spec.layer_names
    if layer not in names:
        raise ConvScopeError(f"The network has no layer named {layer!r}: choose one of {', '.join(names)}.")
    summaries = summarize(spec)[: names.index(layer) + 1]
    shape = summaries[-1].output_shape
    if shape is None:
        raise ConvScopeError(
            f"Layer {layer} sees nothing because the stack does not work up to there: mend it in Build."
        )
    if len(shape) == 3 and not (0 <= row < shape[1] and 0 <= col < shape[2]):
        raise ConvScopeError(
            f"Layer {layer} has no unit at row {row}, column {col}: its maps have {shape[1]} rows and "
            f"{shape[2]} columns, counted from 0."
        )
    if len(shape) == 3:
        rows, columns = {row}, {col}
    else:
        _, height, width = _last_maps(spec, summaries)
        rows, columns = set(range(height)), set(range(width))
    for slide in reversed(_slides(spec, summaries)):
        rows, columns = slide.back(rows, axis=1), slide.back(columns, axis=2)
    if not rows or not columns:
        return 0, 0, 0, 0
    return min(rows), min(columns), max(rows) + 1, max(columns) + 1


def _last_maps(spec: ModelSpec, summaries: tuple[LayerSummary, ...]) -> Shape:
    shapes = [spec.input_shape, *(summary.output_shape for summary in summaries)]
    return [shape for shape in shapes if shape is not None and len(shape) == 3][-1]


def _slides(spec: ModelSpec, summaries: tuple[LayerSummary, ...]) -> list[_Slide]:
    """Read the sliding windows off the summaries, from the input to the last layer that has maps."""
    slides: list[_Slide] = []
    size, jump, offset = 1, 1, 0.0
    for layer, summary in zip(spec.layers, summaries, strict=False):
        if summary.jump is None or summary.offset is None or summary.receptive_field is None:
            break
        assert summary.input_shape is not None and summary.output_shape is not None
        if isinstance(layer, Residual):
            half = layer.kernel_size // 2
            slides.append(_Slide(layer.kernel_size, layer.stride, half, 1, summary.input_shape))
            slides.append(_Slide(layer.kernel_size, 1, half, 1, summary.output_shape))
        else:
            span = (summary.receptive_field - size) // jump + 1
            padding = round((span - 1) / 2 - (summary.offset - offset) / jump)
            dilation = getattr(layer, "dilation", 1)
            slides.append(_Slide(span, summary.jump // jump, padding, dilation, summary.input_shape))
        size, jump, offset = summary.receptive_field, summary.jump, summary.offset
    return slides
