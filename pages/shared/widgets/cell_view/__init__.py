"""Layers that treat every number by itself, forward and backward: point at a cell to read what it is made of."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import streamlit as st
from numpy.typing import ArrayLike

from core.errors import ConvScopeError
from pages.shared.widgets.grid_assets import SHARED, STYLE, look, packed, script
from pages.shared.widgets.script_files import script_file

_HTML = """
<div class="view" role="group">
  <div class="top">
    <div class="switch modes" role="radiogroup" aria-label="What to look at"></div>
    <p class="kind"></p>
  </div>
  <div class="grids"></div>
  <div class="detail">
    <div class="said">
      <div class="formula"></div>
      <div class="numbers"></div>
    </div>
  </div>
  <div class="slide">
    <span class="where"></span>
    <button type="button" class="unpin" hidden>Pinned: release</button>
  </div>
  <p class="check"></p>
  <div class="legend"><span>negative</span><span class="bar"></span><span>positive; white is zero</span></div>
  <p class="hint">Point at a cell or walk with the arrow keys. Click or Enter pins, Escape releases.</p>
  <p class="live" aria-live="polite"></p>
</div>
"""
_view = st.components.v2.component(
    "cell_view",
    html=_HTML,
    css=STYLE,
    js=script_file("cell_view", script(*SHARED, Path(__file__).parent / "cell_view.js")),
)
Role = Literal["input", "kernel", "output", "upstream"]


@dataclass(frozen=True, eq=False)
class Cells:
    """One grid of numbers: its title, the sign it has in formulas, its numbers (H, W), and whose colour it has."""

    title: str
    symbol: str
    values: ArrayLike
    role: Role = "input"


@dataclass(frozen=True)
class Number:
    """A number that holds for all cells: the sign it has in formulas, and its value."""

    symbol: str
    value: float


@dataclass(frozen=True)
class Mode:
    """One way to look: its title, what it says in words, the formula, the grids it shows and the one it computes.

    In the `template` the name of a grid or number stands between braces: "{y} = max(0, {x})".
    """

    title: str
    words: str
    template: str
    grids: tuple[str, ...]
    result: str


def cell_view(
    grids: Mapping[str, Cells],
    modes: Sequence[Mode],
    *,
    numbers: Mapping[str, Number],
    autograd: Mapping[str, ArrayLike],
    row_names: Sequence[str] = (),
    col_names: Sequence[str] = (),
    start: tuple[int, int] = (0, 0),
    key: str,
    label: str,
) -> None:
    """Show grids of one shape and what each cell of them is made of; nothing is sent back.

    Args:
        grids: By the names that the templates use.
        modes: The ways to look at them.
        numbers: By name, what the templates use besides.
        autograd: What PyTorch says of the grids that are results.
        row_names, col_names: Names of rows and columns, shown as they stand; counted from 0 if empty.
        start: The cell that is shown first.
        key: Streamlit's key.
        label: What is shown, for a screen reader.

    Raises:
        ConvScopeError: The grids differ in shape, or a formula speaks of something that is not there.
    """
    arrays = {name: np.atleast_2d(np.asarray(cells.values, dtype=np.float64)) for name, cells in grids.items()}
    shapes = {array.shape for array in (*arrays.values(), *(np.atleast_2d(np.asarray(a)) for a in autograd.values()))}
    if len(shapes) != 1:
        raise ConvScopeError(f"The grids of a layer must have one shape, not {sorted(shapes)}.")
    named = {name for mode in modes for name in (*re.findall(r"\{(\w+)\}", mode.template), *mode.grids, mode.result)}
    if strangers := named - set(grids) - set(numbers):
        raise ConvScopeError(f"The formulas speak of {', '.join(sorted(strangers))}, which is not there.")
    rows, cols = next(iter(shapes))
    _view(
        key=key,
        data={
            "grids": [
                {"name": name, "title": cells.title, "symbol": cells.symbol, "role": cells.role}
                | {"values": packed(arrays[name])}
                for name, cells in grids.items()
            ],
            "modes": [vars(mode) for mode in modes],
            "numbers": {
                name: {"symbol": of.symbol, "value": packed(np.array([of.value]))} for name, of in numbers.items()
            },
            "autograd": {name: packed(np.asarray(values, dtype=np.float64)) for name, values in autograd.items()},
            "rows": rows,
            "cols": cols,
            "row_names": list(row_names),
            "col_names": list(col_names),
            "start": start,
            "label": label,
            **look(),
        },
    )
