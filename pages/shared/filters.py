"""All filters of a convolution: which to show, in which order and how, and what is asked of the chosen one."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import streamlit as st

from core.figures.grids import colorize, filters_as_rgb
from core.inference.network import Network
from pages.shared import subjects
from pages.shared.compare import attempts, side_by_side, taken
from pages.shared.controls import MANY, ask_one
from pages.shared.filter_sheets import COLOURS, MEAN, STRONGEST, Sheet, explain, views
from pages.shared.kernels import Filters, details, filters_of
from pages.shared.layout import show_errors
from pages.shared.maps import dimensions, grid
from pages.shared.picture_button import picture_button
from pages.shared.surgery import what_if
from pages.shared.unit_images import excites
from pages.shared.unit_orders import ORDERS, Arrangement, arrange, dead_of
from pages.shared.widgets.image_grid import Selection

WALK = "With the keyboard: the arrow keys walk from filter to filter, Enter or Space chooses one."


@st.fragment
def filter_grid(both: Sequence[Network]) -> None:
    """Show the filters of a convolution as one picture, and the chosen one below it with its numbers."""
    with show_errors():
        layer = _pick_convolution(both[0])
        if layer is None:
            return
        found = attempts(both, partial(filters_of, layer=layer))
        first = taken(found[0])
        with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
            order = ask_one("Order", ORDERS, "filter_order")
            view = _ask_view(both[0].id, first)
            picture = picture_button(both[0]) if order == "contribution" else None
        alike = [each for each in found if isinstance(each, Filters) and each.weights.shape == first.weights.shape]
        key = f"{both[0].id}_{layer}".replace(".", "_")
        sheet = Sheet(first, alike, view, _arrange(both[0], first, order, picture), dead_of(both[0], first))
        if sheet.order.words:
            st.markdown(sheet.order.words)
        explain(sheet, random=len(both) == 1 and both[0].epoch == 0)
        chosen: dict[int, int] = {}

        def draw(side: int) -> Callable[[], None]:
            mine = _sheet(sheet, both, side, taken(found[side]), order, picture) if side else sheet
            if side and mine.alike != sheet.alike:
                explain(mine)
            place = _show(mine, f"filters_{key}_{order}" + (f"_{picture.digest}" if picture else ""), side)
            chosen[side] = mine.order.places[place.tile]
            return partial(_details, mine, place, f"kernels_{key}", side, narrow=len(both) > 1)

        side_by_side(both, draw)
        if 0 in chosen:
            excites(both[0], first, chosen[0], brand="A · " * (len(both) > 1))
            what_if(both[0], first, chosen[0], picture, brand="A · " * (len(both) > 1))


def _arrange(weights: Network, filters: Filters, order: str, picture: subjects.Picture | None) -> Arrangement:
    """Put filters in order; by number, under a sentence on why, where the network's answer is not a number."""
    with show_errors():
        return arrange(weights, filters, order, picture)
    return arrange(weights, filters, "number")


def _sheet(
    first: Sheet,
    both: Sequence[Network],
    side: int,
    filters: Filters,
    order: str,
    picture: subjects.Picture | None,
) -> Sheet:
    """Return the sheet of the second side; one of another shape has a view and colours of its own."""
    arrangement = _arrange(both[side], filters, order, picture)
    if filters not in first.alike:
        return Sheet(filters, [filters], next(iter(views(filters))), arrangement, dead_of(both[side], filters))
    if both[side].id == both[0].id:  # so that the moments can be compared tile by tile
        arrangement = replace(arrangement, places=first.order.places)
    return replace(first, filters=filters, order=arrangement, dead=dead_of(both[side], filters))


def _pick_convolution(weights: Network) -> str | None:
    from core.probe.kernels import filter_layers, filters

    model = weights.model
    shapes = {name: tuple(filters(model, name).shape) for name in filter_layers(model)}
    if not shapes:
        st.info("This network has no convolution and so no filters: add one on the build page and train again.")
        return None
    key = f"convolution_{weights.id}"
    if len(shapes) > MANY:
        picked: str = st.selectbox(
            "Convolution",
            list(shapes),
            format_func=lambda name: f"{name} · {shapes[name][0]} filters of {dimensions(shapes[name][1:])}",
            key=key,
            persist_state="session",
        )
        return picked
    return st.pills(
        "Convolution",
        list(shapes),
        default=next(iter(shapes)),
        format_func=lambda name: f"{name} :small[{shapes[name][0]} filters]",
        required=True,
        key=key,
        persist_state="session",
    )


def _ask_view(run_id: str, filters: Filters) -> int:
    """Ask what to show of filters that look at several channels."""
    options = views(filters)
    if len(options) == 1:
        return next(iter(options))
    chosen: int = st.selectbox(
        "Input channel",
        list(options),
        format_func=options.__getitem__,
        key=f"view_{run_id}_{filters.layer}",
        width=190,
        help=f"A filter has {len(filters.channels)} kernels, one for each channel of its input. "
        "Choose the one to draw.",
    )
    return chosen


def _show(sheet: Sheet, key: str, side: int) -> Selection:
    """Show all filters and return the place that is chosen."""
    filters, places = sheet.filters, sheet.order.places
    pixels = filters_as_rgb(filters.weights) if sheet.view == COLOURS else colorize(*sheet.shown)
    place = grid(
        pixels[places],
        key=key,
        label=f"Filters of {filters.layer}",
        names=[sheet.name(index) for index in places],
        dead=[places.index(index) for index in sheet.dead.filters],
        selected=Selection(0, pixels.shape[1] // 2, pixels.shape[2] // 2),
        side=side,
    )
    words = sheet.dead.words(filters.layer, len(places))
    if words or not side:
        st.caption(words if side else f"{WALK} {words}")
    return place


def _details(sheet: Sheet, place: Selection, key: str, side: int, *, narrow: bool) -> None:
    chosen = sheet.order.places[place.tile]
    strongest = sheet.view in (STRONGEST, MEAN)
    channel = int(sheet.filters.strongest[chosen]) if strongest else max(sheet.view, 0)
    details(sheet.filters, chosen, channel, place, key, scale=sheet.scale, side=side, narrow=narrow)
