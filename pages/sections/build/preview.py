"""What untrained layers make of one test image."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.data.arrays import is_stored
from core.data.catalog import DATASETS
from core.formatting import number
from core.model.layers import Dense, GlobalAvgPool
from core.model.shapes import problems, summarize
from core.model.spec import MAX_LAYERS, ModelSpec
from pages.sections.build.layer_stack import FeatureMapRow, strip
from pages.shared.shell import services, session

if TYPE_CHECKING:
    import numpy as np

MAPS = 8
MAP_PX = 56  # screen pixels of a map, about


def ask_preview(draft: session.Draft) -> dict[str, FeatureMapRow]:
    """Offer a preview and return its feature maps by layer; none while it is switched off."""
    if not st.toggle("Preview on an image", key="build_preview", persist_state="session"):
        return {}
    info = DATASETS[draft.dataset]
    if info.download_mb and not is_stored(draft.dataset):
        st.caption(f"{info.title} has to be downloaded first, on the data page.")
        return {}
    strips = _strips(draft.spec.to_json(), session.config().seed, draft.dataset, _ask_image(draft.dataset))
    st.html(strip(strips["input"]))
    st.caption("Below each layer: its first maps before any training, when all weights are still random.")
    return strips


def _ask_image(dataset: str) -> int:
    """Ask which test image; it stays chosen on all pages."""
    choice = session.choice()
    chosen = (choice.number_in(dataset) if choice else None) or 0
    last = len(services.dataset(dataset).test) - 1
    index = int(st.number_input("Test image", 0, last, min(chosen, last), key=f"preview_{dataset}", width=150))
    if index != chosen:
        session.choose(session.PictureSelection("test", dataset, index))
    return index


@st.cache_data(show_spinner="Looking through the layers …", max_entries=32)
def _strips(spec_json: str, seed: int, dataset: str, index: int) -> dict[str, FeatureMapRow]:
    """Return the image as "input" and the first maps of every layer that puts out maps."""
    from core.model.build import build_model
    from core.probe.activations import capture_activations

    spec = _front(ModelSpec.from_json(spec_json))
    data = services.dataset(dataset)
    images, names = data.test.images[index : index + 1], spec.layer_names[:-2]
    maps = capture_activations(build_model(spec, seed=seed), data.normalize(images), names)
    picture = images.movedim(1, 3).expand(-1, -1, -1, 3).numpy()
    true = data.class_names[int(data.test.labels[index])]
    return {"input": FeatureMapRow(_sheet(picture), f"Test image {index}: {true}")} | {
        name: _first_maps(maps[name][0].numpy()) for name in names
    }


def _front(spec: ModelSpec) -> ModelSpec:
    """Keep the layers that put out maps, and end in a way that works whatever comes after them."""
    count = sum(len(summary.output_shape or ()) == 3 for summary in summarize(spec))
    for counts in range(min(count, MAX_LAYERS - 2), 0, -1):
        front = replace(spec, layers=(*spec.layers[:counts], GlobalAvgPool(), Dense(spec.num_classes)))
        if not problems(front):
            return front
    return replace(spec, layers=(GlobalAvgPool(), Dense(spec.num_classes)))


def _first_maps(maps: "np.ndarray[Any, Any]") -> FeatureMapRow:
    from core.figures.grids import colorize
    from core.figures.scales import ColorScale

    shown = maps[:MAPS]
    scale = ColorScale.of(shown)
    count = f"first {MAPS} of {len(maps):,} maps" if len(maps) > MAPS else "all maps"
    low, high = ("blue", "red") if scale.kind == "diverging" else ("dark", "light")
    return FeatureMapRow(
        _sheet(colorize(shown, scale)), f"{count} · {low} {number(scale.low)}, {high} {number(scale.high)}"
    )


def _sheet(pixels: "np.ndarray[Any, Any]") -> bytes:
    from core.figures.grids import sprite

    return sprite(pixels, MAPS, gap=4, zoom=max(1, round(MAP_PX / pixels.shape[1])))
