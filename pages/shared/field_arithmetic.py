"""How a receptive field comes about, layer by layer, with the numbers in the formulas."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.shared.anatomy import steps_of
from pages.shared.units import Made

if TYPE_CHECKING:
    from core.probe.fields import FieldStep


def arithmetic(made: Made, row: int, col: int) -> None:
    """Show how the receptive field comes about, layer by layer."""
    steps = steps_of(made.weights, made.name)
    st.markdown("**How that comes about.** Each layer widens the field, by its window, and spreads it, by its stride.")
    if not steps:
        st.markdown("No window lies on the way to this layer: each number sees one pixel.")
        return
    last = steps[-1]
    if made.weights.spec is None:
        st.caption(
            "Layers whose window is one number are left out. Where the way branches, this is the branch that sees most."
        )
    st.dataframe([_line(step) for step in steps], hide_index=True, alt="The receptive field after each layer")
    st.caption(
        "In pixels of the picture: **size** is the side of what one number sees, old size + (window − 1) × old jump; "
        "**jump** is how far apart two neighbours look; **first pixel** is where the first number's view begins, "
        "below 0 in the padding."
    )
    if last.start is None or last.jump is None:
        return
    sides = zip(("row", "column"), (row, col), made.picture.shape[1:], strict=True)
    st.markdown("  \n".join(_span(last, name, at, side) for name, at, side in sides))


def _span(step: "FieldStep", name: str, at: int, side: int) -> str:
    assert step.start is not None and step.jump is not None
    begin = step.start + at * step.jump
    end = begin + step.size - 1
    first = f"{name.capitalize()} {at}: {step.start} + {at} × {step.jump} = **{begin}**"
    line = f"{first} to {begin} + {step.size} − 1 = **{end}**"
    outside = ["below 0"] * (begin < 0) + [f"above {side - 1}"] * (end >= side)
    return line.replace("-", "−") + (f"; what lies {' and '.join(outside)} is padding." if outside else ".")


def _line(step: "FieldStep") -> dict[str, str]:
    said = dict(line.split(" ", 1) for line in step.arithmetic)
    return {
        "Layer": step.name,
        "Window": said.get("span", str(step.span)),
        "Stride": str(step.stride),
        "Padding": str(step.padding),
        "Size": said["size"],
        "Jump": said.get("jump", "none"),
        "First pixel": said.get("start", "none"),
    }
