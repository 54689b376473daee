"""What if a filter were off, elsewhere or another one: edits of a copy of the network, with undo."""

from typing import TYPE_CHECKING

import streamlit as st

from core.inference.network import Network
from core.probe.edited_network import describe_edit, edited
from core.probe.filter_bank import Filters
from pages.sections.filters.picture_button import picture_button, thumbnail
from pages.sections.filters.surgery.edits import MAX_EDITS, add, edits_of, reset, undo
from pages.sections.filters.surgery.effects import effects
from pages.sections.filters.surgery.kernel_editor import TYPED, ask_kernel, hand_made, type_kernel
from pages.shared.picture import input_image
from pages.shared.shell.controls import ask_one
from pages.shared.shell.layout import escape_markdown, show_errors

if TYPE_CHECKING:
    from core.probe.surgery import Edit

CHANGES = {"off": "Switch off", "swap": "Swap", "replace": "New kernel"}


@st.fragment
def surgery_panel(
    network: Network, filters: Filters, index: int, picture: input_image.InputImage | None, *, brand: str = ""
) -> None:
    """Offer to change a filter in a copy of the network; while that is closed nothing is computed.

    Args:
        network: The network.
        filters: All filters of the convolution.
        index: Which one.
        picture: What the network looks at, if that is chosen elsewhere on the page.
        brand: What the title begins with where two networks are compared.
    """
    panel = st.expander(
        f"{brand}What if …: change a filter and see what follows",
        icon=":material/science:",
        key=f"what_if_{network.id}",
        on_change="rerun",
    )
    if not panel.open:
        return
    with panel, show_errors():
        st.caption(
            ":material/shield: All this happens to a copy of the network, in this browser tab only: the run, its "
            "weights and its files stay as they are."
        )
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            if picture is None:
                picture = picture_button(network)
            else:
                thumbnail(picture)
            st.caption(f"{escape_markdown(picture.title)} is what the network looks at.", width="content")
        edits = edits_of(network.id)
        with st.container(border=True):
            _ask(network, filters, index, edits)
        if not edits:
            st.markdown(
                ":material/arrow_upward: Nothing is changed yet. Make a first change, and what it does appears here."
            )
            return
        _done(network.id, edits)
        effects(network, edited(network, edits), picture, filters.layer, index)


def _ask(network: Network, filters: Filters, index: int, edits: "tuple[Edit, ...]") -> None:
    """Ask what to do to a filter."""
    st.markdown(f"**Filter {index} of {filters.layer}**")
    change, count = ask_one("Change", CHANGES, "surgery_change"), len(filters.weights)
    if len(edits) >= MAX_EDITS:
        st.info(f"{MAX_EDITS} changes are the most that are kept: undo one to make another.")
    elif change == "off":
        _off(network.id, filters.layer, index)
    elif change == "swap" and count > 1:
        _swap(network.id, filters.layer, index, count)
    elif change == "swap":
        st.info("There is no other filter to swap it with.")
    else:
        _replace(network, filters, index, edits)


def _off(run_id: str, layer: str, index: int) -> None:
    from core.probe.surgery import Off

    st.caption("Its weights and its bias become 0, so it answers 0 everywhere, as if it were not there.")
    _apply(f"Switch off filter {index}", run_id, Off(layer, index))


def _swap(run_id: str, layer: str, index: int, count: int) -> None:
    from core.probe.surgery import Swap

    others = [other for other in range(count) if other != index]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        other = st.selectbox(
            "With",
            others,
            format_func=lambda number: f"filter {number}",
            key=f"swap_{run_id}_{layer}_{index}",
            width=160,
        )
        _apply(f"Swap filters {index} and {other}", run_id, Swap(layer, index, other))
    st.caption(
        "The two change places, and so do their maps: what comes behind finds each map where it expects the other."
    )


def _replace(network: Network, filters: Filters, index: int, edits: "tuple[Edit, ...]") -> None:
    from core.probe.kernels import filters as weights_of
    from core.probe.surgery import Replace

    name, channel = ask_kernel(filters, index, f"{network.id}_{filters.layer}_{index}")
    if name == TYPED:
        type_kernel(network, filters.layer, index, channel)
        return
    now = weights_of(edited(network, edits).model, filters.layer).numpy()
    new = hand_made(name, now, index, channel)
    _apply(f"Put it in place of filter {index}", network.id, Replace(filters.layer, index, new))


def _apply(label: str, run_id: str, edit: "Edit") -> None:
    st.button(label, type="primary", key="surgery_apply", on_click=add, args=(run_id, edit))


def _done(run_id: str, edits: "tuple[Edit, ...]") -> None:
    """List what was changed, and offer to take it back."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        many = f"{len(edits)} changes, one on top of the other" if len(edits) > 1 else "1 change"
        st.markdown(f"**{many}**", width="content")
        with st.container(horizontal=True, width="content"):
            st.button("Undo the last", icon=":material/undo:", key="surgery_undo", on_click=undo, args=(run_id,))
            st.button("Undo all", icon=":material/restart_alt:", key="surgery_reset", on_click=reset, args=(run_id,))
    st.markdown("\n".join(f"{place}. {describe_edit(edit)}" for place, edit in enumerate(edits, 1)))
