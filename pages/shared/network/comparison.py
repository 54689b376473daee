"""Two networks, or two moments of one, side by side: the choice of the second, and how both are drawn."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

import streamlit as st

from core.errors import ConvScopeError, RunError
from core.inference.network import Network
from pages.shared.display.map_grid import training_note
from pages.shared.network import current_network
from pages.shared.network.counterpart import leave, offer_switch
from pages.shared.network.epoch_slider import pick_epoch
from pages.shared.network.picker import choose_network, is_ready, network_or_end
from pages.shared.run.names import distinct_names
from pages.shared.shell.layout import escape_markdown, show_errors

S = TypeVar("S")
T = TypeVar("T")
LETTERS = "AB"
WIDTHS = (20, 20, 9)  # of the network, the epoch and the switch
NARROWEST = 300  # screen pixels of a column; the two stack where there is no room


def require_weights(*, pair: bool = True) -> tuple[Network, ...]:
    """Ask which network to look at, at which epoch, and with what to compare it; return the one, or both.

    Where there is no network to look at, or only its name, the page says so, offers the way on and ends. A second one
    that is not here yet is left out.

    Args:
        pair: Whether the page can show two; else it asks for one.
    """
    chosen, other = network_or_end(), _other() if pair else None
    with st.container(key="time_machine", gap="small"):
        network, epoch, switch = st.columns(WIDTHS, gap="medium", vertical_alignment="center")
        with network:
            choose_network(chosen, "Network A" if other else "Network")
        with epoch:
            first = pick_epoch(chosen, "Epoch A" if other else "Epoch")
        if pair:
            with switch:
                offer_switch(first, on=other is not None)
        networks: tuple[Network, ...] = (first,) if other is None else (first, _pick_other(other))
    ready = [is_ready(network_at_epoch) for network_at_epoch in networks]
    if not ready[0]:
        st.stop()
    networks = networks[: sum(ready)]
    training_note(networks)
    return networks


def about_first(networks: Sequence[Network]) -> None:
    """Say where what follows is about the first network alone; nothing where there is no other."""
    if len(networks) > 1:
        st.caption("What follows is about network A.")


def _pick_other(other: Network) -> Network:
    network, epoch, _ = st.columns(WIDTHS, gap="medium", vertical_alignment="center")
    with network:
        choose_network(other, "Network B", "other", "other_epoch")
    with epoch:
        return pick_epoch(other, "Epoch B", "other_epoch")


def _other() -> Network | None:
    """Return the network that the address asks to compare with, if any."""
    network_id = st.query_params.get("other")
    if network_id is None:
        return None
    try:
        return current_network.library().get(network_id)
    except RunError:
        leave()
        st.warning("The address asks to compare with a network that does not exist: it may have been deleted.")
        return None


def _titles(networks: Sequence[Network], *, brief: bool) -> list[str]:
    """Name two sides, as Markdown: by their epochs, and by their networks where those differ."""
    named = not brief and len({network.id for network in networks}) > 1
    names = distinct_names([network.run for network in networks if network.run is not None]) if named else {}
    return [
        " · ".join([letter, *([escape_markdown(names.get(network.id, network.name))] if named else []), network.moment])
        for letter, network in zip(LETTERS, networks, strict=False)
    ]


def side_by_side(
    networks: Sequence[Network],
    draw: Callable[[int], Callable[[], None] | None],
    *,
    width: int = NARROWEST,
    brief: bool = False,
) -> None:
    """Draw one network as it is, or two in columns below their names; what goes wrong with one stays in its column.

    Args:
        networks: One or two.
        draw: Draws the one of that index. What it returns draws the rest, below both.
        width: Screen pixels that a column needs.
        brief: Whether the names are cut to one line.
    """
    rest: dict[int, Callable[[], None]] = {}

    def begin(index: int) -> None:
        if then := draw(index):
            rest[index] = then

    def go_on(index: int) -> None:
        if index in rest:
            rest[index]()

    if len(networks) == 1:
        begin(0)
        go_on(0)
        return
    for step in (begin, go_on):
        if step is begin or rest:
            with st.grid(2, min_column_width=width, gap="medium"):
                for index, title in enumerate(_titles(networks, brief=brief)):
                    with st.container():
                        st.markdown(f"**{title}**")
                        with show_errors():
                            step(index)


def collect_results(sides: Sequence[S], read: Callable[[S], T]) -> list[T | ConvScopeError]:
    """Read something of each side; what went wrong takes the place of what was to be read. See `unwrap`."""
    return [attempt(partial(read, side)) for side in sides]


def attempt(read: Callable[[], T]) -> T | ConvScopeError:
    """Return what is read, or the error that it raises, so that others can still be shown. See `unwrap`."""
    try:
        return read()
    except ConvScopeError as error:
        return error


def unwrap(result: T | ConvScopeError) -> T:
    """Return what was read, or raise what went wrong instead."""
    if isinstance(result, ConvScopeError):
        raise result
    return result
