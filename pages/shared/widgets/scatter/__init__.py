"""Images as marks on a map: point at one to see it, click it to choose it, and let the marks wander over the epochs."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st

from pages.shared.widgets.grid_assets import script
from pages.shared.widgets.play import SCRIPT, STYLE, play_button
from pages.shared.widgets.script_files import script_file

_HERE = Path(__file__).parent
_HTML = f"""
<div class="room">
  <div class="board">
    <canvas class="map" tabindex="0" role="application"></canvas>
    <div class="tip" hidden><canvas width="72" height="72"></canvas><div></div></div>
    <div class="zoom">
      <button type="button" aria-label="Closer" title="Closer (Ctrl and wheel, or +)">+</button>
      <button type="button" aria-label="Farther" title="Farther (Ctrl and wheel, or -)">−</button>
      <button type="button">Whole map</button>
    </div>
  </div>
  <div class="controls">
    {play_button()}
    <input type="range" min="0" step="1">
    <output aria-live="polite"></output>
  </div>
  <div class="readout" aria-live="polite"></div>
  <div class="legend" role="group" aria-label="Classes: press one to show it alone"></div>
</div>
"""
_map = st.components.v2.component(
    "scatter",
    html=_HTML,
    css=(_HERE / "scatter.css").read_text(encoding="utf-8") + STYLE,
    js=script_file("scatter", script(SCRIPT, *(_HERE / f"{part}.js" for part in ("marks", "numbers", "scatter")))),
)


@dataclass(frozen=True, eq=False)
class Scene:
    """Where the marks are at one moment.

    Attributes:
        title: Of the moment; no two have the same.
        places: (N, 2), each between -1 and 1.
        answers: What the network says of each image, (N,).
        sure: And how sure it is, (N,).
        near: For each mark those it is joined to when it is chosen, (N, k).
    """

    title: str
    places: np.ndarray
    answers: np.ndarray
    sure: np.ndarray
    near: np.ndarray


@dataclass(frozen=True)
class Pick:
    """What is looked at: the moment, and the number of the chosen image, None before there is one."""

    moment: int
    number: int | None


def scatter(
    scenes: Sequence[Scene],
    *,
    sheet: str,
    width: int,
    height: int,
    columns: int,
    numbers: Sequence[int],
    labels: Sequence[int],
    classes: Sequence[str],
    hues: Sequence[str],
    shapes: Sequence[str],
    key: str,
    label: str,
    group: str,
    chosen: int,
    selected: int | None,
) -> Pick:
    """Show a map whose marks are images.

    Args:
        scenes: One or more moments of the same images in the same order.
        sheet: A data URL of all images as tiles, `columns` in a row, each `width` × `height` pixels.
        width, height, columns: See `sheet`.
        numbers: The number of each image, by which a choice is remembered; no two are the same.
        labels: The true class of each.
        classes: Names of the classes, shown as they stand.
        hues, shapes: Colours, and names of shapes of the script: a class has one pair of them.
        key: Streamlit's key; another key forgets the choice.
        label: What the map shows, for a screen reader.
        group: Maps of one group point at the same image.
        chosen: The moment that is shown at first.
        selected: The number of the image that is chosen at first.
    """
    result = _map(
        key=key,
        on_picked_change=_nothing,
        on_moment_change=_nothing,
        data={
            "moments": [_packed(scene) for scene in scenes],
            "sheet": sheet,
            "width": width,
            "height": height,
            "columns": columns,
            "numbers": list(numbers),
            "labels": list(labels),
            "classes": list(classes),
            "hues": list(hues),
            "shapes": list(shapes),
            "nearest": scenes[0].near.shape[1],
            "label": label,
            "group": group,
            "chosen": chosen,
            "selected": selected,
        },
    )
    titles, number = [scene.title for scene in scenes], result.picked
    moment = titles.index(result.moment) if isinstance(result.moment, str) and result.moment in titles else chosen
    return Pick(moment, number if type(number) is int and number in numbers else selected)


def _packed(scene: Scene) -> dict[str, str]:
    kinds = {"places": "<f4", "answers": "<u2", "sure": "<f4", "near": "<u2"}
    return {"title": scene.title} | {
        name: base64.b64encode(np.ascontiguousarray(getattr(scene, name), dtype=kind).tobytes()).decode("ascii")
        for name, kind in kinds.items()
    }


def _nothing() -> None:
    """Do nothing: that Streamlit runs the fragment again is all that is wanted."""
