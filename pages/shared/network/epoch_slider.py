"""The time machine: one slider says of which epoch the weights are, and the address carries that to every page."""

import re
from collections.abc import Callable, Sequence

import streamlit as st

from core.inference.network import Network
from core.runs.records import Run
from core.runs.scores import accuracy_text, split_size
from pages.shared.network.current_network import library
from pages.shared.shell.services import store
from pages.shared.widgets.epoch_play import epoch_play

LATEST = -1  # on the slider; the address then names no epoch
# The two ends of a slider are to be read without pointing at it.
_STYLE = """<style>
[class*="st-key-epochs_"] [data-testid="stSliderTickBar"] {{ opacity: 1; }}
.st-key-epochs_{of} [data-testid="stSliderTickBar"] > :{end} {{ visibility: {shown}; }}
</style>"""


def _nothing() -> None:
    """Do nothing: the script that runs again is all that is wanted."""


def pick_epoch(
    network: Network, label: str = "Epoch", of: str = "epoch", on_pick: Callable[[], None] = _nothing
) -> Network:
    """Ask at which epoch to look at a network, where more than one is kept, and return its weights.

    An epoch that the address asks for in vain is dropped from it, and one sentence says so.

    Args:
        network: The network.
        label: What the slider says.
        of: The parameter of the address that carries the epoch.
        on_pick: Is called once another epoch was chosen, before the script runs again.
    """
    if network.pretrained is not None:
        st.query_params.pop(of, None)
        accuracy = network.pretrained.accuracy
        st.caption(f"Trained on ImageNet: names {accuracy:g}% of its photographs right, of 1,000 classes.")
        return network
    run, epochs = network.require_run(), network.epochs
    epoch = _asked(run, epochs, of)
    over = _over(run, epochs)
    places = [*(epochs[:-1] if over else epochs), LATEST]
    if len(places) == 1:
        return network.at(epoch)
    key, scores = f"pick_{of}", store().series.scores(run.id)
    images = split_size(run, 1)
    st.session_state[key] = epoch if epoch in places else LATEST  # said anew each time, as the address has it

    def follow() -> None:
        st.session_state.pop(f"playing_{of}", None)
        _show(st.session_state[key], of)
        on_pick()

    def words(place: int) -> str:
        # The text of a place must not change while it can be dragged to: Streamlit knows places by their texts.
        if place == LATEST:
            return f"{epochs[-1]}, latest{_score(scores, epochs[-1], images)}" if over else "latest"
        return f"{place}{_score(scores, place, images)}" if place else "untrained"

    at = st.session_state[key]
    end = "last-child" if at == places[-1] else "first-child"
    # The knob says its value itself: the end at which it stands need not say it again.
    st.html(_STYLE.format(of=of, end=end, shown="hidden" if at in (places[0], places[-1]) else "visible"))
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"epochs_{of}"):
        _play(places, at, of, on_pick)
        st.select_slider(
            label,
            places,
            format_func=words,
            key=key,
            on_change=follow,
            help="Every page shows the network as it was after this epoch. Beside it: its validation accuracy.",
        )
    return network.at(epoch)


def show_epoch(run: Run, epoch: float) -> None:
    """Let every page show the kept epoch of a run that is nearest to a place in its training; the untrained one is 0.

    To be called before the slider is drawn, by what else an epoch is chosen in.
    """
    epochs = library().of_run(run).epochs
    if epochs:
        nearest = min(epochs, key=lambda each: abs(each - epoch))
        _show(LATEST if _over(run, epochs) and nearest == epochs[-1] else nearest, "epoch")
        st.session_state.pop("playing_epoch", None)


def kept_and_shown(run: Run) -> tuple[tuple[int, ...], float]:
    """Return the kept epochs of a run, and where in its training it is looked at: the end by default."""
    epochs, text = library().of_run(run).epochs, st.query_params.get("epoch", "")
    epoch = int(text) if re.fullmatch(r"[0-9]{1,6}", text) and int(text) in epochs else None
    return epochs, run.step / run.steps_per_epoch if epoch is None and run.steps_per_epoch else float(epoch or 0)


def _show(place: int, of: str) -> None:
    if place == LATEST:
        st.query_params.pop(of, None)
    else:
        st.query_params[of] = str(place)


def _play(places: Sequence[int], at: int, of: str, on_pick: Callable[[], None]) -> None:
    """Offer to go through the epochs one after the other, on the page that is open now, from the first at its end."""
    key, here = f"playing_{of}", (st.context.url or "/").partition("?")[0]
    playing = st.session_state.get(key) == here
    if not playing:
        st.session_state.pop(key, None)

    def press() -> None:
        if playing:
            st.session_state.pop(key, None)
        else:
            st.session_state[key] = here
            _show(places[0] if at == places[-1] else at, of)
        on_pick()

    def step() -> None:
        following = places[places.index(at) + 1 :]
        if playing and following:
            _show(following[0], of)
        if len(following) < 2:
            st.session_state.pop(key, None)
        on_pick()

    epoch_play(f"play_{of}", at=str(at), playing=playing, press=press, step=step)


def _asked(run: Run, epochs: Sequence[int], of: str) -> int | None:
    """Return the epoch of the address; None for the latest weights."""
    text = st.query_params.get(of)
    shown = st.session_state.get(f"shown_{of}", (run.id, text))
    st.session_state[f"shown_{of}"] = (run.id, text)
    if text is None or (re.fullmatch(r"[0-9]{1,6}", text) and int(text) in epochs):
        if shown[0] == run.id or shown[1] != text:
            return None if text is None else int(text)
        text = None  # left over from another run
    st.query_params.pop(of, None)
    if text is not None:
        st.warning(
            f"The address asks for an epoch that this network {'does not have' if epochs else 'did not keep'}: "
            "these are its latest weights."
        )
    return None


def _over(run: Run, epochs: Sequence[int]) -> bool:
    """Say whether the training is over and its latest weights are those of the last epoch."""
    return bool(epochs) and not run.status.active and run.step == epochs[-1] * run.steps_per_epoch


def _score(scores: dict[int, float], epoch: int, images: int) -> str:
    return f" · {accuracy_text(scores[epoch], images)}" if epoch in scores else ""
