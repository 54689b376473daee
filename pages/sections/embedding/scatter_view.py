"""A map of the data on the screen: its marks, what is measured of it, and the same in words."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core.errors import RunError
from core.figures.atlas import contact_sheet, framed
from core.figures.palette import CLASS_HUES, SHAPES
from core.inference.network import Network
from pages.sections.embedding.metrics import course, measures, table
from pages.sections.embedding.selected_image import neighbours, point_section
from pages.sections.embedding.types import Chart
from pages.shared.shell import session
from pages.shared.shell.layout import escape_markdown
from pages.shared.widgets.scatter import Scene, scatter

if TYPE_CHECKING:
    from core.probe.embedding.data_map import DataMap

NUM_JOINED = 6  # nearest others that a chosen mark is joined to


@st.cache_resource(show_spinner=False, max_entries=6)
def _sheet(dataset: str, shape: tuple[int, ...], count: int, _images: np.ndarray) -> tuple[str, int, int, int]:
    return contact_sheet(_images)


def show(view: Chart) -> None:
    """Draw a map, or several moments of one, with its measures and the image that is chosen on it."""
    from core.probe.embedding.data_map import MissingMap

    maps = [each for each in view.made if not isinstance(each, MissingMap)]
    gaps = [each for each in view.made if isinstance(each, MissingMap)]
    if not maps:
        raise RunError(gaps[0].reason)
    for gap in gaps:
        st.caption(f"Left out, {view.network.at(gap.epoch).moment}: {escape_markdown(gap.reason)}")
    if view.narrow:
        at, number = _map(view, maps)
        measures(view, maps, at)
        row = point_section(view, maps[at], number)
    else:
        left, right = st.columns([5, 3], gap="large")
        with left:
            at, number = _map(view, maps)
            measures(view, maps, at)
        with right:
            row = point_section(view, maps[at], number)
    if row is not None:
        neighbours(view, maps[at], row)
    if len(maps) > 1:
        course(view, maps, at)
    with st.expander("The map in words", icon=":material/table:"):
        table(view, maps[at])


def moment_of(view: Chart, data_map: "DataMap") -> Network:
    """Return the weights that a map is of."""
    return view.network.at(data_map.epoch)


def _map(view: Chart, maps: "list[DataMap]") -> tuple[int, int | None]:
    """Show the marks; return which moment is looked at and the number of the chosen image."""
    network, data, numbers = view.network, view.network.dataset(), view.numbers
    images = data.test.images[numbers].numpy()
    sheet, width, height, columns = _sheet(network.dataset_name, images.shape, len(images), images)
    theme, key = session.theme(), f"embedding_map_{network.id}_{view.side}"
    first = f"{key}_first"
    if key not in st.session_state:  # just drawn, or drawn again: it begins with the picture of the other pages
        st.session_state[first] = chosen_number(network.dataset_name)
    selected = st.session_state.get(first)
    scenes = [
        Scene(
            moment_of(view, each).moment,
            framed(each.points),
            each.answers,
            each.confidence,
            each.neighbors.indices[:, :NUM_JOINED],
        )
        for each in maps
    ]
    picked = scatter(
        scenes,
        sheet=sheet,
        width=width,
        height=height,
        columns=columns,
        numbers=numbers.tolist(),
        labels=data.test.labels[numbers].tolist(),
        classes=network.class_names,
        hues=CLASS_HUES[theme],
        shapes=SHAPES,
        key=key,
        label=f"Map of {len(numbers):,} test images by what {view.layer} makes of them. The arrow keys walk from "
        "image to image, Enter chooses one. The same in words stands below.",
        group=f"embedding_{network.dataset_name}",
        chosen=len(scenes) - 1,
        selected=selected if selected in numbers else None,
    )
    heard = f"{key}_heard"
    if picked.number is not None and picked.number != st.session_state.get(heard):
        st.session_state[heard] = picked.number
        session.choose(session.PictureSelection("test", network.dataset_name, picked.number))
    return picked.moment, chosen_number(network.dataset_name)


def chosen_number(dataset: str) -> int | None:
    """Return the number of the test image that this session looks at, if it is one of this data set."""
    choice = session.choice()
    return None if choice is None else choice.number_in(dataset)
