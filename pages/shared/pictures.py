"""Choosing the picture to look at: a test image, a sample, an upload or a shot; it stays chosen on all pages."""

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING

import streamlit as st

from core.data.images import Stage, decode_image, fit_image, looks_inverted
from core.runs.records import Run
from core.settings import settings
from pages.shared import results, state
from pages.shared.layout import plain, show_errors
from pages.shared.pretrained import Pretrained
from pages.shared.sample_pictures import SAMPLES, choose_sample, sample_file, sample_row
from pages.shared.split_images import ask_image

if TYPE_CHECKING:
    from PIL.Image import Image
    from streamlit.runtime.uploaded_file_manager import UploadedFile


KINDS = {"test": "Test image", "sample": "Sample", "upload": "Upload", "camera": "Camera"}
OWN_FIRST = ("upload", "camera", "sample", "test")
UPLOAD_TYPES = ["png", "jpg", "jpeg", "webp", "bmp", "gif"]


def pick_picture(run: Run, *, own: bool = False) -> results.Picture:
    """Ask which picture the network of a run should look at, and return it as that network receives it.

    A picture that cannot be used is refused in one sentence, and the one before stays chosen.

    Args:
        run: Whose test images are offered, where it has some, and what the picture is fitted to.
        own: Whether a picture of one's own is what the page is about.
    """
    choice = _current(run, own)
    control = "picture_kind_own" if own else "picture_kind"
    _follow(choice, control, own)
    kinds = [kind for kind in (OWN_FIRST if own else KINDS) if kind != "test" or not isinstance(run, Pretrained)]
    kind = st.segmented_control(
        "Picture",
        kinds,
        format_func=KINDS.__getitem__,
        required=True,
        key=control,
        width="stretch",
    )
    choice = _ASK[kind or choice.kind](run, choice)
    choice = _ask_swap(run, choice)
    state.choose(choice)
    st.session_state["picture_shown"] = choice
    return picture(run, choice)[0]


def picture(run: Run, choice: state.Choice) -> tuple[results.Picture, tuple[Stage, ...]]:
    """Return a chosen picture as the network of a run receives it, and the stages from the original to there."""
    shape = run.spec.input_shape
    if choice.kind == "test":
        test = state.dataset(run.dataset).test
        index = choice.index % len(test)
        label = int(test.labels[index])
        return results.Picture(f"Test image {index}", shape, test.images[index].numpy().tobytes(), label), ()
    pixels, stages = fit_image(_open(choice), shape, invert=swapped(run, choice))
    title = f"Sample “{SAMPLES[choice.name].title}”" if choice.kind == "sample" else _short(choice.name)
    return results.Picture(title, shape, pixels.numpy().tobytes()), stages


def swapped(run: Run, choice: state.Choice) -> bool:
    """Say whether dark and light are swapped: as asked, else where the network learned light strokes on black."""
    if choice.kind == "test" or run.spec.input_shape[0] != 1:
        return False
    return _swaps_itself(run, choice) if choice.invert is None else choice.invert


def _swaps_itself(run: Run, choice: state.Choice) -> bool:
    return state.dataset(run.dataset).mean[0] < 0.5 and looks_inverted(_open(choice))


def uploaded(file: "UploadedFile", kind: str = "upload") -> state.Choice:
    """Return an uploaded file, or a shot of the camera, as a choice; raises `ImageError` if it is no usable picture."""
    image = decode_image(file.getvalue())
    image.thumbnail((state.MAX_SIDE, state.MAX_SIDE))
    kept = BytesIO()
    image.save(kept, "PNG", compress_level=1)
    name = "Your photograph" if kind == "camera" else file.name
    return state.Choice(kind, name, data=kept.getvalue(), file_id=file.file_id)


def _open(choice: state.Choice) -> "Image":
    return _opened(choice.name if choice.kind == "sample" else "", choice.data)


@st.cache_resource(show_spinner=False, max_entries=16)
def _opened(sample: str, data: bytes) -> "Image":
    return decode_image(sample_file(sample) if sample else data)


def _short(name: str) -> str:
    return name if len(name) <= 60 else f"{name[:40]}…{name[-16:]}"


def _current(run: Run, own: bool) -> state.Choice:
    choice = state.choice()
    if isinstance(run, Pretrained):
        return state.Choice("sample", "cat") if choice is None or choice.kind == "test" else choice
    if choice is None and own:
        grey = run.spec.input_shape[0] == 1
        return state.Choice("sample", "three-on-paper" if grey else "cat")
    if choice is None or (choice.kind == "test" and choice.name != run.dataset):
        return state.Choice("test", run.dataset)
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
    test, names = state.dataset(run.dataset).test, results.class_names(run)
    index = ask_image(test, names, run.dataset, choice.index)
    return replace(choice, kind="test", name=run.dataset, index=index, data=b"", file_id="")


def _ask_sample(run: Run, choice: state.Choice) -> state.Choice:
    if choice.kind != "sample" or choice.name not in SAMPLES:
        choice = choose_sample(choice, next(iter(SAMPLES)))
    sample_row(choice)
    return choice


def _ask_upload(run: Run, choice: state.Choice) -> state.Choice:
    file = st.file_uploader(
        "A picture of your own",
        type=UPLOAD_TYPES,
        max_upload_size=settings().max_upload_mb,
        key="picture_upload",
        label_visibility="collapsed",
    )
    choice = _taken(file, choice, "upload")
    st.caption("Or take one of these:")
    sample_row(choice)
    return choice


def _ask_camera(run: Run, choice: state.Choice) -> state.Choice:
    shot = st.camera_input("Take a photograph", key="picture_camera", label_visibility="collapsed")
    return _taken(shot, choice, "camera")


def _taken(file: "UploadedFile | None", choice: state.Choice, kind: str) -> state.Choice:
    """Return what the file makes the choice; what was chosen before where there is no file or it is unusable."""
    if file is not None and (choice.kind, choice.file_id) != (kind, file.file_id):
        with show_errors():
            choice = uploaded(file, kind)
    if choice.kind == kind and (file is None or choice.file_id != file.file_id):
        st.caption(f"Still chosen: {plain(_short(choice.name))}")
    return choice


def _ask_swap(run: Run, choice: state.Choice) -> state.Choice:
    """Offer to swap dark and light, and say why where it is done unasked."""
    if choice.kind == "test" or run.spec.input_shape[0] != 1:
        return choice
    unasked = _swaps_itself(run, choice)
    which = choice.file_id or choice.name
    asked = st.toggle("Swap dark and light", value=swapped(run, choice), key=f"swap_{run.dataset}_{which}")
    if asked and unasked:
        st.caption("Swapped unasked: the edge of the picture is light, and the network learned light strokes on black.")
    return replace(choice, invert=None if asked == unasked else asked)


_ASK: dict[str, Callable[[Run, state.Choice], state.Choice]] = {
    "test": _ask_test,
    "sample": _ask_sample,
    "upload": _ask_upload,
    "camera": _ask_camera,
}
