"""One press from the classes to a network that tells them apart, and the way to try it."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from core.data.catalog import DATASETS
from core.data.collection.collection import ClassBox, Collection
from core.data.collection.making import make_dataset, obstacle, title_of, usable
from core.data.importing.decoder_worker import ImageFormat
from core.data.split_assignment import FEW
from core.formatting import counted
from core.progress import Progress
from core.runs.records import Run, Status
from core.runs.scores import caution, split_size, valid_accuracy_text
from core.train.suggestion import suggested_preset, suggested_side
from pages.shared.evaluation.cross_validation import by_all_images
from pages.shared.run import draft_history, start
from pages.shared.run.live_view import LOOKS
from pages.shared.run.settings_form import suggestion_for
from pages.shared.shell import navigation, services, session
from pages.shared.shell.background_jobs import Lane, background, forget, want
from pages.shared.shell.layout import escape_markdown, show_errors
from pages.shared.widgets.auto_refresh import pulse

TICK_SECONDS = 0.5
CARD = "teach_train"
_WANTED = "teach_wanted"
_PLACE = "teach_make"
_NAMED = 3  # pictures in two classes that are named


def train_card(collection: Collection) -> None:
    """Offer to train on the classes; afterwards show how far that is, and lead to where the network is asked."""
    with st.container(border=True, key=CARD):
        if collection.run:
            _standing(collection.run)
        _remarks(collection)
        _press(collection)


def _remarks(collection: Collection) -> None:
    """Say what may spoil the training before it begins."""
    boxes = collection.boxes
    if clashes := _clashes(collection):
        st.warning(escape_markdown(clashes), icon=":material/warning:")
    empty = [box.name for box in boxes if not box.pictures]
    if empty and not obstacle(boxes):
        st.caption(f"Left out, since nothing is in there yet: {escape_markdown(', '.join(empty))}.")


def _clashes(collection: Collection) -> str:
    twice = [f"{picture.name} ({one} and {other})" for picture, one, other in collection.clashes()]
    if not twice:
        return ""
    more = f" and {len(twice) - _NAMED} more" if len(twice) > _NAMED else ""
    return f"In two classes at once: {', '.join(twice[:_NAMED])}{more}. A network cannot learn which is right."


def _press(collection: Collection) -> None:
    @st.fragment
    def press() -> None:
        boxes = collection.boxes
        wanted = st.session_state.get(_WANTED)
        words, waiting = obstacle(boxes), collection.pending
        pressed = st.button(
            "Train again with these pictures" if collection.run else "Train",
            type="secondary" if collection.run else "primary",
            icon=":material/model_training:",
            key="teach_press",
            disabled=bool(words or waiting or wanted),
            on_click=_want,
            args=(collection,),
        )
        if words:
            st.caption(f":material/arrow_upward: {words}")
        elif waiting:
            st.caption(f"{counted(waiting, 'picture')} still to be opened …")
        elif not wanted and not pressed:
            st.caption(_promise(boxes))
        if wanted:
            with show_errors():
                _make(wanted, collection)

    press()


def _promise(boxes: Sequence[ClassBox]) -> str:
    full = usable(boxes)
    counts = np.array([len(box.pictures) for box in full])
    words = f"{counted(int(counts.sum()), 'picture')} of {len(full)} classes. Nothing leaves this computer."
    if counts.min() < FEW:
        words += f" It learns from few; {FEW} of each class make it far surer."
    return words


def _want(collection: Collection) -> None:
    boxes = collection.boxes
    key = ("teach", collection.token, collection.revision)
    side = collection.side or suggested_side(sum(len(box.pictures) for box in boxes))
    st.session_state[_WANTED] = (key, boxes, ImageFormat(side, collection.colour))
    want(_PLACE, key)


def _make(wanted: tuple[tuple[str, str, int], tuple[ClassBox, ...], ImageFormat], collection: Collection) -> None:
    key, boxes, look = wanted

    def work(tell: Progress) -> str:
        return make_dataset(boxes, look, tell)

    name = background(
        key, work, words="Preparing the pictures", place=_PLACE, ask="Train", primary=True, lane=Lane.LONG
    )
    if name is None:
        return
    st.session_state.pop(_WANTED)
    forget(_PLACE, key)
    services.dataset.clear(name)
    collection.run = _start(name, title_of(boxes))
    st.rerun()


def _start(dataset: str, title: str) -> str:
    """Start what the app suggests for a data set, whatever was built before, and return the run's id."""
    draft_history.use_data(dataset)
    draft = session.new_draft(dataset, suggested_preset(DATASETS[dataset]))
    return start.start(draft, suggestion_for(draft), title)


def _standing(run_id: str) -> None:
    @st.fragment
    def tick() -> None:
        with show_errors():
            run = services.store().get(run_id)
            services.engine().watch(run_id)
            _show(run)
            if run.status.active:
                pulse(TICK_SECONDS, key="pulse_teach_run")

    with show_errors():
        tick()


def _show(run: Run) -> None:
    label, icon, colour = LOOKS[run.status]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.badge(label, icon=icon, color=colour)  # type: ignore[arg-type]
        st.markdown(f"**{escape_markdown(run.name)}**", width="content")
    if run.message:
        st.caption(escape_markdown(run.message))
    if run.status.active:
        st.progress(run.progress, text=f"Epoch {max(1, run.epoch)} of {run.config.get('epochs', 1)}")
    if score := valid_accuracy_text(run):
        few = caution(split_size(run, 1))
        st.markdown(f"**{score}** of the pictures that were kept back are named rightly. {few}")
    if run.status is Status.FINISHED:
        by_all_images(run, "teach")
    with st.container(horizontal=True, gap="medium", vertical_alignment="center"):
        if run.learned:
            pressed = st.button(
                "Try it with camera or picture", type="primary", icon=":material/image_search:", key="teach_try"
            )
            if pressed:
                navigation.go("classify", run=run.id)
            navigation.link("evaluate", "Where it errs", run=run.id)
        navigation.link("train", "Watch it learn", run=run.id)
