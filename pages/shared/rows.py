"""One layer's line in the stack, as HTML: every text in it is ours, and escaped all the same."""

from base64 import b64encode
from dataclasses import dataclass
from html import escape

from core.model.layers import AvgPool, Conv, Dense, Dropout, Layer, MaxPool, Residual
from core.model.shapes import LayerSummary

COLUMNS = ("Shape", "Parameters", "Multiply-adds", "Receptive field")


@dataclass(frozen=True)
class Strip:
    """The first feature maps of a layer.

    Attributes:
        png: The maps side by side.
        text: What they are, and which colour means what.
    """

    png: bytes
    text: str


def heading() -> str:
    """Return the names of the columns; on a narrow screen each cell has its own."""
    cells = "".join(f"<div>{name}</div>" for name in COLUMNS)
    names = f'<div class="facts" aria-hidden="true">{cells}</div>'
    return f'<div class="head"><div>Click a layer to open it</div>{names}</div>'


def facts(summary: LayerSummary, total: tuple[int, int], *, waits_for: str, side: int) -> str:
    """Return what there is to know of a layer.

    Args:
        summary: What it does in its stack.
        total: Parameters and multiply-adds of the whole stack; 0 where they are not known.
        waits_for: The layer in front that cannot work, or nothing.
        side: The longer side of an input image in pixels.
    """
    if waits_for:
        return f'<div class="facts waiting">waiting for {escape(waits_for)}</div>'
    values: tuple[str, ...] = (_shape(summary),)
    if summary.output_shape:
        params = _cost(summary.params_formula, f"{summary.num_params:,}", summary.num_params, total[0])
        values = (
            *values,
            params,
            _cost("", short(summary.num_macs), summary.num_macs, total[1]),
            _sight(summary, side),
        )
    cells = "".join(
        f'<div><div class="name">{name}</div>{value}</div>' for name, value in zip(COLUMNS, values, strict=False)
    )
    return f'<div class="facts {"broken" if summary.problem else "works"}">{cells}</div>'


def _shape(summary: LayerSummary) -> str:
    before, after = dimensions(summary.input_shape), dimensions(summary.output_shape)
    return f"{before} → <b>{after}</b>" if after else f"{before} → <b>?</b>"


def _cost(formula: str, number: str, value: int, total: int) -> str:
    if not value:
        return '<span class="none">0</span>'
    sum_of = f"{escape(formula.rpartition('=')[0])}= " if formula else ""
    if not total:
        return f"{sum_of}<b>{number}</b>"
    bar = f'<div class="bar"><div style="width:{100 * value / total:.1f}%"></div></div>'
    return f'{sum_of}<b>{number}</b><div class="share">{bar}<span>{share(value, total)}</span></div>'


def _sight(summary: LayerSummary, side: int) -> str:
    field = summary.receptive_field
    if field is None:
        return ""
    whole = summary.jump is None and field >= side
    return "all pixels" if whole else f"{field}×{field} px"


def strip(maps: Strip) -> str:
    """Return a layer's first feature maps."""
    data, text = b64encode(maps.png).decode("ascii"), escape(maps.text)
    image = f'<img src="data:image/png;base64,{data}" alt="{text}">'
    return f'<figure class="maps">{image}<figcaption>{text}</figcaption></figure>'


def dimensions(shape: tuple[int, ...] | None) -> str:
    """Write a shape: "32×28×28", "512", or nothing where it is not known."""
    return "×".join(f"{size:,}" for size in shape) if shape else ""


def share(value: int, total: int) -> str:
    """Write a share in per cent, never rounding something to nothing or a part to the whole."""
    percent = 100 * value / total
    if percent < 1:
        return "< 1%"
    return f"{min(round(percent), 99)}%" if value < total else "100%"


def short(number: int) -> str:
    """Write a big number in three digits: "3.61 M"."""
    for power, unit in ((9, "G"), (6, "M"), (3, "k")):
        if number >= 10**power:
            return f"{number / 10**power:.3g} {unit}"
    return str(number)


def describe(layer: Layer) -> str:
    """Say what is particular about a layer in a few words."""
    match layer:
        case Conv():
            padding = "" if layer.padding in ("same", 0) else f", padding {layer.padding}"
            padding = ", no padding" if layer.padding == 0 else padding
            extra = "".join(
                f", {name} {n}" for name in ("stride", "dilation", "groups") if (n := getattr(layer, name)) > 1
            )
            return f"{layer.out_channels:,} filters of {layer.kernel_size}×{layer.kernel_size}{padding}{extra}"
        case Residual():
            extra = f", stride {layer.stride}" if layer.stride > 1 else ""
            return f"{layer.out_channels:,} filters of {layer.kernel_size}×{layer.kernel_size}{extra}"
        case MaxPool() | AvgPool():
            extra = f", padding {layer.padding}" if layer.padding else ""
            return f"{layer.kernel_size}×{layer.kernel_size} window, stride {layer.stride}{extra}"
        case Dropout():
            return f"{layer.p:.0%} switched off"
        case Dense():
            return f"{layer.out_features:,} outputs"
    return layer.title
