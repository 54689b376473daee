"""Choosing the picture to look at: a test image, a sample, an upload or a shot; it stays chosen on all pages."""

from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from core.data.fitting import PreprocessingStep
from core.inference.network import Network
from pages.shared.picture import input_image
from pages.shared.picture.addresses import put_address, take_address
from pages.shared.picture.camera import ask_camera
from pages.shared.picture.drawing import ask_drawing
from pages.shared.picture.paper import ask_paper, paper_of
from pages.shared.picture.samples import SAMPLES, choose_sample, sample_row
from pages.shared.picture.split_images import ONE, SPLITS, ask_image
from pages.shared.picture.upload import ask_crop, ask_upload, ask_uploads, open_choice, short
from pages.shared.shell import session
from pages.shared.shell.layout import escape_markdown

KINDS = {"test": "Test image", "sample": "Sample", "upload": "Upload", "camera": "Camera", "drawing": "Draw"}
OWN_FIRST = ("upload", "camera", "drawing", "sample", "test")


def pick_picture(network: Network) -> input_image.InputImage:
    """Ask which picture a network should look at, and return it as that network receives it.

    A picture that cannot be used is refused in one sentence, and the one before stays chosen.

    Args:
        network: Whose test images are offered, where it has some, and what the picture is fitted to.
    """
    return pick_with_stages(network)[0]


def pick_with_stages(
    network: Network, *, own: bool = False
) -> tuple[input_image.InputImage, tuple[PreprocessingStep, ...]]:
    """Ask as `pick_picture` does, and return the stages from the original to the picture, too.

    Args:
        network: Whose test images are offered, where it has some, and what the picture is fitted to.
        own: Whether a picture of one's own is what the page is about.
    """
    take_address(network)
    choice = _current(network, own)
    control = "picture_kind_own" if own else "picture_kind"
    _follow(choice, control, own)
    kinds = [kind for kind in (OWN_FIRST if own else KINDS) if kind != "test" or not network.why_no_images]
    kind = st.segmented_control(
        "Picture",
        kinds,
        format_func=KINDS.__getitem__,
        required=True,
        key=control,
        wrap=True,
    )
    kind = kind or choice.kind
    choice = ask_uploads(network, choice) if own and kind == "upload" else _ASK[kind](network, choice)
    choice = _ask_stretch(choice)
    if own:
        choice = ask_crop(network, choice)
    choice = _ask_swap(network, ask_paper(network, choice))
    put_address(choice)
    session.choose(choice)
    st.session_state["picture_shown"] = choice
    return picture(network, choice)


def picture(
    network: Network, choice: session.PictureSelection
) -> tuple[input_image.InputImage, tuple[PreprocessingStep, ...]]:
    """Return a chosen picture as the network of a run receives it, and the stages from the original to there."""
    shape = network.input_shape
    if choice.kind == "test":
        images = network.dataset().split(choice.split)
        index = choice.index % len(images)
        title = f"{ONE[choice.split]} {index}"
        return input_image.InputImage(
            title, shape, images.images[index].numpy().tobytes(), int(images.labels[index])
        ), ()
    centre = choice.kind == "drawing" and choice.centre and network.centred
    swap = False if choice.kind == "drawing" else choice.invert
    pixels, stages = network.fit(
        open_choice(choice), swap=swap, crop=choice.crop, centre=centre, paper=paper_of(network, choice)
    )
    title = f"Sample “{SAMPLES[choice.name].title}”" if choice.kind == "sample" else short(choice.name)
    return input_image.InputImage(title, shape, pixels.numpy().tobytes()), stages


def swapped(network: Network, choice: session.PictureSelection) -> bool:
    """Say whether dark and light are swapped: as asked, else where the network learned light strokes on black."""
    if choice.kind in ("test", "drawing") or network.input_shape[0] != 1:
        return False
    return network.swaps(open_choice(choice)) if choice.invert is None else choice.invert


def _current(network: Network, own: bool) -> session.PictureSelection:
    choice = session.choice()
    grey = network.input_shape[0] == 1
    sample = session.PictureSelection("sample", "three-on-paper" if grey else "cat")
    if network.why_no_images:
        return sample if choice is None or choice.kind == "test" else choice
    if choice is None and own:
        return sample
    if choice is None or (choice.kind == "test" and choice.name != network.dataset_name):
        return _first(network)
    return choice


def _follow(choice: session.PictureSelection, control: str, own: bool) -> None:
    """Turn the control to the kind of the picture, unless it is this very control that chose it."""
    turned = st.session_state.get(control)
    if turned is None:  # just arrived
        turned = "upload" if own and (session.choice() is None or choice.kind == "test") else choice.kind
    elif st.session_state.get("picture_shown") not in (choice, None):
        turned = choice.kind
    st.session_state[control] = turned  # said anew each time: another page has another control


def _ask_test(network: Network, choice: session.PictureSelection) -> session.PictureSelection:
    split, names = choice.split, network.class_names
    if split != "test":
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"{SPLITS[split]}: the network did not learn from them either.")
            st.button(
                "Test images instead",
                type="tertiary",
                key="to_test_images",
                on_click=session.choose,
                args=(_first(network),),
            )
    key = network.dataset_name if split == "test" else f"{network.dataset_name}_{split}"
    index = ask_image(network.dataset().split(split), names, key, choice.index)
    return replace(_first(network), index=index, split=split)


def _first(network: Network) -> session.PictureSelection:
    return session.PictureSelection("test", network.dataset_name)


def _ask_sample(network: Network, choice: session.PictureSelection) -> session.PictureSelection:
    if choice.kind != "sample" or choice.name not in SAMPLES:
        choice = choose_sample(choice, next(iter(SAMPLES)))
    sample_row(choice)
    return choice


def _ask_stretch(choice: session.PictureSelection) -> session.PictureSelection:
    """Say what was noticed when the picture was opened, and offer to stretch one that looks black."""
    for words in choice.notes if choice.kind in ("upload", "camera") else ():
        st.caption(escape_markdown(words))
    if not choice.stretched:
        return choice
    stretch = st.toggle(
        "Stretch its values",
        value=choice.stretch,
        key=f"stretch_{choice.file_id}",
        help="From the darkest to the lightest value of this picture. The network then sees it so, too.",
    )
    return replace(choice, stretch=stretch)


def _ask_swap(network: Network, choice: session.PictureSelection) -> session.PictureSelection:
    """Offer to swap dark and light, and say why where it is done unasked."""
    reading = paper_of(network, choice)
    if choice.kind in ("test", "drawing") or network.input_shape[0] != 1 or (reading and not reading.code):
        return choice  # ink that was found is light on black already
    unasked = network.swaps(open_choice(choice))
    which = choice.file_id or choice.name
    swap = st.toggle("Swap dark and light", value=swapped(network, choice), key=f"swap_{network.dataset_name}_{which}")
    if swap and unasked:
        st.caption("Swapped unasked: the edge of the picture is light, and the network learned light strokes on black.")
    return replace(choice, invert=None if swap == unasked else swap)


_ASK: dict[str, Callable[[Network, session.PictureSelection], session.PictureSelection]] = {
    "test": _ask_test,
    "sample": _ask_sample,
    "upload": ask_upload,
    "camera": ask_camera,
    "drawing": ask_drawing,
}
