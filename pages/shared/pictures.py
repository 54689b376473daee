"""Choosing the picture to look at: a test image, a sample, an upload or a shot; it stays chosen on all pages."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from core.data.images import Stage, fit_image, looks_inverted
from core.runs.records import Run
from core.runs.training_data import learned_light_on_dark
from pages.shared import networks, state, subjects
from pages.shared.addresses import put_address, take_address
from pages.shared.crops import ask_crop
from pages.shared.drawing import ask_drawing, is_centred
from pages.shared.layout import plain
from pages.shared.sample_pictures import SAMPLES, choose_sample, sample_row
from pages.shared.split_images import ONE, SPLITS, ask_image
from pages.shared.training_images import training_set, why_no_images
from pages.shared.uploads import ask_camera, ask_upload, ask_uploads, open_choice, short

if TYPE_CHECKING:
    from PIL.Image import Image


KINDS = {"test": "Test image", "sample": "Sample", "upload": "Upload", "camera": "Camera", "drawing": "Draw"}
OWN_FIRST = ("upload", "camera", "drawing", "sample", "test")


def pick_picture(run: Run, *, own: bool = False) -> subjects.Picture:
    """Ask which picture the network of a run should look at, and return it as that network receives it.

    A picture that cannot be used is refused in one sentence, and the one before stays chosen.

    Args:
        run: Whose test images are offered, where it has some, and what the picture is fitted to.
        own: Whether a picture of one's own is what the page is about.
    """
    take_address(run)
    choice = _current(run, own)
    control = "picture_kind_own" if own else "picture_kind"
    _follow(choice, control, own)
    kinds = [kind for kind in (OWN_FIRST if own else KINDS) if kind != "test" or not why_no_images(run)]
    kind = st.segmented_control(
        "Picture",
        kinds,
        format_func=KINDS.__getitem__,
        required=True,
        key=control,
        width="stretch",
    )
    kind = kind or choice.kind
    choice = ask_uploads(run, choice) if own and kind == "upload" else _ASK[kind](run, choice)
    choice = _ask_swap(run, _ask_stretch(choice))
    if own:
        choice = ask_crop(run, choice)
    put_address(choice)
    state.choose(choice)
    st.session_state["picture_shown"] = choice
    return picture(run, choice)[0]


def picture(run: Run, choice: state.Choice) -> tuple[subjects.Picture, tuple[Stage, ...]]:
    """Return a chosen picture as the network of a run receives it, and the stages from the original to there."""
    shape = run.spec.input_shape
    if choice.kind == "test":
        images = getattr(training_set(run), choice.split)
        index = choice.index % len(images)
        title = f"{ONE[choice.split]} {index}"
        return subjects.Picture(title, shape, images.images[index].numpy().tobytes(), int(images.labels[index])), ()
    centre = choice.kind == "drawing" and choice.centre and is_centred(run)
    pixels, stages = fit_image(open_choice(choice), shape, invert=swapped(run, choice), crop=choice.crop, centre=centre)
    title = f"Sample “{SAMPLES[choice.name].title}”" if choice.kind == "sample" else short(choice.name)
    return subjects.Picture(title, shape, pixels.numpy().tobytes()), stages


def swapped(run: Run, choice: state.Choice) -> bool:
    """Say whether dark and light are swapped: as asked, else where the network learned light strokes on black."""
    if choice.kind in ("test", "drawing") or run.spec.input_shape[0] != 1:
        return False
    return swaps_itself(run, open_choice(choice)) if choice.invert is None else choice.invert


def swaps_itself(run: Run, image: "Image") -> bool:
    """Say whether a picture is dark on light where a network for grey pictures learned light strokes on black."""
    if run.spec.input_shape[0] != 1:  # a pretrained network takes colours
        return False
    return learned_light_on_dark(run, state.dataset) and looks_inverted(image)


def _current(run: Run, own: bool) -> state.Choice:
    choice = state.choice()
    grey = run.spec.input_shape[0] == 1
    sample = state.Choice("sample", "three-on-paper" if grey else "cat")
    if why_no_images(run):
        return sample if choice is None or choice.kind == "test" else choice
    if choice is None and own:
        return sample
    if choice is None or (choice.kind == "test" and choice.name != run.dataset):
        return _first(run)
    return choice


def _follow(choice: state.Choice, control: str, own: bool) -> None:
    """Turn the control to the kind of the picture, unless it is this very control that chose it."""
    turned = st.session_state.get(control)
    if turned is None:  # just arrived
        turned = "upload" if own and (state.choice() is None or choice.kind == "test") else choice.kind
    elif st.session_state.get("picture_shown") not in (choice, None):
        turned = choice.kind
    st.session_state[control] = turned  # said anew each time: another page has another control


def _ask_test(run: Run, choice: state.Choice) -> state.Choice:
    split, names = choice.split, networks.class_names(run)
    if split != "test":
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"{SPLITS[split]}: the network did not learn from them either.")
            st.button(
                "Test images instead",
                type="tertiary",
                key="to_test_images",
                on_click=state.choose,
                args=(_first(run),),
            )
    key = run.dataset if split == "test" else f"{run.dataset}_{split}"
    index = ask_image(getattr(training_set(run), split), names, key, choice.index)
    return replace(_first(run), index=index, split=split)


def _first(run: Run) -> state.Choice:
    return state.Choice("test", run.dataset)


def _ask_sample(run: Run, choice: state.Choice) -> state.Choice:
    if choice.kind != "sample" or choice.name not in SAMPLES:
        choice = choose_sample(choice, next(iter(SAMPLES)))
    sample_row(choice)
    return choice


def _ask_stretch(choice: state.Choice) -> state.Choice:
    """Say what was noticed when the picture was opened, and offer to stretch one that looks black."""
    for words in choice.notes if choice.kind in ("upload", "camera") else ():
        st.caption(plain(words))
    if not choice.stretched:
        return choice
    stretch = st.toggle(
        "Stretch its values",
        value=choice.stretch,
        key=f"stretch_{choice.file_id}",
        help="From the darkest to the lightest value of this picture. The network then sees it so, too.",
    )
    return replace(choice, stretch=stretch)


def _ask_swap(run: Run, choice: state.Choice) -> state.Choice:
    """Offer to swap dark and light, and say why where it is done unasked."""
    if choice.kind in ("test", "drawing") or run.spec.input_shape[0] != 1:
        return choice
    unasked = swaps_itself(run, open_choice(choice))
    which = choice.file_id or choice.name
    asked = st.toggle("Swap dark and light", value=swapped(run, choice), key=f"swap_{run.dataset}_{which}")
    if asked and unasked:
        st.caption("Swapped unasked: the edge of the picture is light, and the network learned light strokes on black.")
    return replace(choice, invert=None if asked == unasked else asked)


_ASK: dict[str, Callable[[Run, state.Choice], state.Choice]] = {
    "test": _ask_test,
    "sample": _ask_sample,
    "upload": ask_upload,
    "camera": ask_camera,
    "drawing": ask_drawing,
}
