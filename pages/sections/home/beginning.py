"""The first training: one button, what it gives in pictures, and how long it takes on this machine."""

from typing import Literal

import streamlit as st

from core.errors import StorageError
from core.formatting import duration
from core.inference.library import zoo_id
from core.model.zoo import BUNDLED, ZOO
from core.report import shipped
from core.train.config import TrainConfig
from pages.sections.home import network, pictures
from pages.shared.display.doors import card_title, door
from pages.shared.run import start
from pages.shared.shell import navigation, services, session
from pages.shared.shell.layout import escape_markdown, show_errors
from pages.shared.widgets.auto_refresh import pulse

FIRST = TrainConfig(epochs=5)
LOOK_AGAIN_SECONDS = 1.0


def newcomer() -> None:
    """Offer the first training beside its learning curve, and below that the pictures of its network."""
    try:
        ready = shipped.read()
    except StorageError as error:  # then without pictures
        st.error(escape_markdown(str(error)), icon=":material/error:")
        ready = None
    with st.container(border=True, key="start"):
        words, picture = st.columns([3, 2], gap="medium", vertical_alignment="center")
        with words:
            st.markdown("**Start here.** A small CNN learns to read 5,000 handwritten digits while you watch.")
            train_button(primary=True)
            promise()
        if ready is not None:
            with picture:
                alt = f"Accuracy over {ready.epochs} epochs: {ready.accuracy:.1%} of the validation images in the end"
                pictures.curve(ready.train, ready.valid, alt)
    if ready is not None:
        network.three(ready.portrait, lambda name: st.container(border=True, height="stretch", key=f"shown_{name}"))
        st.caption(network.about(ready))


def again() -> None:
    """Offer the same training to those who have a network."""
    with st.container(border=True, height="stretch", gap="xsmall", key="again"):
        card_title("play_circle", "Read handwritten digits")
        st.caption("A small CNN learns from 5,000 of them while you watch.")
        train_button(primary=False)


def photograph() -> None:
    """Lead to a pretrained network that looks at a photograph."""
    with door("photograph"):
        navigation.link(
            "classify",
            "Upload a photograph, see why",
            width="stretch",
            run=zoo_id(BUNDLED),
            other=None,
            target=None,
        )
        st.caption(
            f"{ZOO[BUNDLED].title} comes with the app and knows a thousand things: no download, and your photograph "
            "stays here."
        )


def own_pictures() -> None:
    """Lead to where pictures of one's own become a network that tells them apart."""
    with door("own_pictures"):
        navigation.link("teach", "Teach it your own classes", width="stretch", run=None)
        st.caption("Photographs of two things or more, from files, the camera or phones: it learns to tell them apart.")


def tutorial() -> None:
    """Lead to the training of the tutorial."""
    with door("tutorial"):
        navigation.link("train", "The tutorial's training", width="stretch", run=None, part="tutorial")
        st.caption("Ten epochs on CIFAR-10's photographs, as the tutorial does it, with its figures to compare.")


def foreign_network() -> None:
    """Lead to where a network of another program is opened."""
    label = "Open a network you have: Keras, ONNX or safetensors"
    navigation.link("runs", label, icon=":material/upload_file:", open_file="1", run=None)


def train_button(*, primary: bool) -> None:
    """Start the first training at a press, and go where it is watched."""
    kind: Literal["primary", "secondary"] = "primary" if primary else "secondary"
    with show_errors():
        if st.button(start.START, type=kind, key="train_first", icon=":material/play_arrow:"):
            run_id = start.start(session.new_draft(session.FIRST_DATASET, session.FIRST_PRESET), FIRST)
            navigation.go("train", run=run_id)


@st.fragment
def promise() -> None:
    """Say how long the first training takes here, once some of its batches have been timed; before that, nothing."""
    if not services.is_warm():
        st.caption("Nothing is sent anywhere.")
        pulse(LOOK_AGAIN_SECONDS, key="pulse_promise")
        return
    seconds = start.epoch_time(session.new_draft(session.FIRST_DATASET, session.FIRST_PRESET), FIRST)
    if seconds is not None:
        st.caption(f"Takes about {duration(seconds * FIRST.epochs)} on this machine. Nothing is sent anywhere.")
