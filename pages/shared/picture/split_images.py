"""Choosing one image of a split: by sight, by number, the next one, any one, or only among one class."""

import secrets
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from PIL import Image

from pages.shared.display.thumbnails import Thumbnail, thumbnails
from pages.shared.shell.layout import escape_markdown

if TYPE_CHECKING:
    from core.data.datasets import Split

SPLITS = {"test": "Test images", "valid": "Validation images"}
ONE = {"test": "Test image", "valid": "Validation image"}
AT_ONCE = 8  # thumbnails
ALL = -1  # instead of a class


def ask_image(split: "Split", class_names: tuple[str, ...], key: str, index: int) -> int:
    """Ask for one image of a split and return its number.

    Args:
        split: At least one image.
        class_names: Names of its labels.
        key: Different for each data set.
        index: What is chosen before the user chooses.
    """
    labels = split.labels.numpy()
    number = f"image_{key}"
    turned = st.session_state.get(number) if st.session_state.get(f"{number}_given", index) == index else None
    st.session_state[number] = min(index, len(labels) - 1) if turned is None else turned

    def set_to(chosen: int) -> None:
        st.session_state[number] = int(chosen)

    # The two arrows speak for themselves, but not to a screen reader.
    arrows = ", ".join(f".st-key-{number}_{way} p" for way in ("previous", "next"))
    st.html(f"<style>{arrows} {{ position: absolute; clip-path: inset(50%); }}</style>")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall"):
        among = _of_class(labels, class_names, number)
        at = st.session_state[number]
        place = int(np.searchsorted(among, at))
        before = among[(place - 1) % len(among)]
        following = among[(place + (among[place : place + 1] == at).sum()) % len(among)]
        st.button(
            "Random", icon=":material/shuffle:", key=f"{number}_any", on_click=lambda: set_to(secrets.choice(among))
        )
        with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall", width="content"):  # stay together
            st.button(
                "Previous", icon=":material/chevron_left:", key=f"{number}_previous", on_click=set_to, args=(before,)
            )
            chosen = st.number_input("Number", 0, len(labels) - 1, key=number, width=80)
            st.button("Next", icon=":material/chevron_right:", key=f"{number}_next", on_click=set_to, args=(following,))
    st.session_state[f"{number}_given"] = chosen
    _row(split, class_names, among, chosen, number)
    return int(chosen)


def _of_class(labels: np.ndarray, class_names: tuple[str, ...], number: str) -> np.ndarray:
    """Ask for a class and return the numbers of its images, in order; those of all classes unless one is chosen."""

    def first_of_class() -> None:
        label = st.session_state[f"{number}_class"]
        if label != ALL and labels[st.session_state[number]] != label:
            st.session_state[number] = int(np.flatnonzero(labels == label)[0])

    label = st.selectbox(
        "Class",
        [ALL, *np.unique(labels).tolist()],
        format_func=lambda label: "All" if label == ALL else class_names[label],
        key=f"{number}_class",
        on_change=first_of_class,
        width=120,
    )
    return np.arange(len(labels)) if label == ALL else np.flatnonzero(labels == label)


def _row(split: "Split", class_names: tuple[str, ...], among: np.ndarray, chosen: int, number: str) -> None:
    place = min(int(np.searchsorted(among, chosen)), len(among) - 1)
    shown = among[place // AT_ONCE * AT_ONCE :][:AT_ONCE]
    items = {
        str(index): Thumbnail(escape_markdown(class_names[int(split.labels[index])]), png(split.images[index].numpy()))
        for index in shown
    }

    def take(name: str) -> None:
        st.session_state[number] = int(name)

    thumbnails(items, key=f"{number}_row", on_click=take, chosen=str(chosen), side=38, pixelated=True)


def png(pixels: np.ndarray) -> bytes:
    """Return an image of a data set, uint8 (C, H, W), as the content of a PNG file."""
    file = BytesIO()
    image = Image.fromarray(pixels[0] if len(pixels) == 1 else np.ascontiguousarray(pixels.transpose(1, 2, 0)))
    image.save(file, "PNG", compress_level=1)
    return file.getvalue()
