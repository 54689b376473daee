"""Files as pictures: opened once, kept small, and remembered as this session's choice."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core.data.crop import MIDDLE, Crop
from core.data.exif import ExifOrientation
from core.data.images import decode_image, decode_upload
from core.errors import ImageError
from core.inference.network import Network
from pages.shared.picture.files import picture_files
from pages.shared.picture.samples import sample_file, sample_row
from pages.shared.shell import session
from pages.shared.shell.layout import escape_markdown, show_errors

if TYPE_CHECKING:
    from PIL.Image import Image
    from streamlit.runtime.uploaded_file_manager import UploadedFile

UPLOAD = "picture_upload"  # Streamlit's key


def uploaded(file: "UploadedFile") -> session.PictureSelection:
    """Return an uploaded file as a choice; raises `ImageError` if it is no usable picture."""
    data = file.getvalue()
    decoded = decode_upload(data)
    choice = replace(kept(decoded.image, "upload", file.name, file.file_id, decoded.lie), notes=decoded.notes())
    if not decoded.looks_black:
        return choice
    return replace(choice, stretched=_png(decode_upload(data, stretch=True).image))


def kept(
    image: "Image", kind: str, name: str, file_id: str, lie: ExifOrientation | None = None
) -> session.PictureSelection:
    """Return a picture as a choice that holds all of it."""
    return session.PictureSelection(
        kind, name, data=_png(image), file_id=file_id, lie=lie or ExifOrientation(size=image.size)
    )


def _png(image: "Image") -> bytes:
    file = BytesIO()
    image.save(file, "PNG", compress_level=0)  # packing it would take longer than all the rest
    return file.getvalue()


def picture_key(choice: session.PictureSelection) -> tuple[str, bytes]:
    """Return what tells the picture of a choice that is no test image from others: the sample's name, or its PNG."""
    if choice.kind == "sample":
        return choice.name, b""
    return "", choice.stretched if choice.stretch and choice.stretched else choice.data


def open_choice(choice: session.PictureSelection) -> "Image":
    """Return the picture of a choice that is no test image."""
    return _opened(*picture_key(choice))


@st.cache_resource(show_spinner=False, max_entries=16)
def _opened(sample: str, data: bytes) -> "Image":
    from PIL import Image

    if sample:
        return decode_image(sample_file(sample))
    return Image.open(BytesIO(data), formats=("PNG",)).convert("RGB")  # our own file, from `kept`


def short(name: str) -> str:
    """Cut the middle out of a long name."""
    return name if len(name) <= 60 else f"{name[:40]}…{name[-16:]}"


def ask_upload(network: Network, choice: session.PictureSelection) -> session.PictureSelection:
    """Ask for one file, or offer the samples."""
    file = st.file_uploader("A picture of your own", **picture_files(UPLOAD))
    choice = taken(file, choice)
    st.caption("Or take one of these:")
    sample_row(choice)
    return choice


def ask_uploads(network: Network, choice: session.PictureSelection) -> session.PictureSelection:
    """Ask for files; the last one that is new is chosen, and `uploads` returns them all."""
    files = st.file_uploader("Pictures of your own", accept_multiple_files=True, **picture_files(UPLOAD))
    known = st.session_state.get("uploads_seen", ())
    new = [file for file in files if file.file_id not in known]
    st.session_state["uploads_seen"] = tuple(file.file_id for file in files)
    one = files[0] if files else None
    choice = _last_good(new, choice) if len(files) > 1 else taken(one, choice)
    st.caption("Or take one of these:")
    sample_row(choice)
    return choice


def _last_good(files: "Sequence[UploadedFile]", choice: session.PictureSelection) -> session.PictureSelection:
    """Return the last of some files that is a usable picture, else what was chosen before."""
    for file in reversed(files):
        with suppress(ImageError):
            return uploaded(file)
    return choice


def uploads() -> "Sequence[UploadedFile]":
    """Return the files that `ask_uploads` has, of the last run of the page."""
    uploaded = st.session_state.get(UPLOAD)
    return uploaded if isinstance(uploaded, list) else []


def taken(file: "UploadedFile | None", choice: session.PictureSelection) -> session.PictureSelection:
    """Return what the file makes the choice; what was chosen before where there is no file or it is unusable."""
    if file is not None and (choice.kind, choice.file_id) != ("upload", file.file_id):
        with show_errors():
            choice = uploaded(file)
    if choice.kind == "upload" and (file is None or choice.file_id != file.file_id):
        st.caption(f"Still chosen: {escape_markdown(short(choice.name))}")
    return choice


SIDE = 320  # screen pixels of the original
ZOOM = 4.0
FRAME = (255, 140, 0)


def ask_crop(network: Network, choice: session.PictureSelection) -> session.PictureSelection:
    """Offer to move the part of a picture that the network is shown, and to make it smaller."""
    if choice.kind in ("test", "drawing"):
        return choice
    image, sides, which = open_choice(choice), network.input_shape[1:], choice.file_id or choice.name
    moved = "" if choice.crop == MIDDLE else " · moved"
    with st.expander(f"Move the crop{moved}", icon=":material/crop:"):
        zoom = st.slider("Closer", 1.0, ZOOM, choice.crop.zoom, 0.1, format="%.1f×", key=f"crop_zoom_{which}")
        left, top, right, bottom = Crop(zoom=zoom).box(image.size, sides)
        room = image.width - (right - left), image.height - (bottom - top)
        x = _ask("Left to right", choice.crop.x, room[0], f"crop_x_{which}")
        y = _ask("Top to bottom", choice.crop.y, room[1], f"crop_y_{which}")
        crop = Crop(x, y, zoom)
        st.image(
            _framed_jpeg((choice.kind, which, choice.stretch), crop.box(image.size, sides), image),
            width=max(1, round(SIDE * image.width / max(image.size))),
            alt="Your picture; what the network is shown is framed and bright, the rest is dimmed",
        )
    return replace(choice, crop=crop)


def _ask(label: str, value: float, room: int, key: str) -> float:
    """Ask for a place in the room there is; in the middle where there is none."""
    chosen = st.slider(label, 0, 100, round(100 * value), format="%d%%", key=key, disabled=room < 1)
    return chosen / 100


@st.cache_data(show_spinner=False, max_entries=32)
def _framed_jpeg(picture: tuple[object, ...], box: tuple[int, int, int, int], _image: "Image") -> bytes:
    """Return what `_framed` makes of a picture as the content of a JPEG file, for all drawings of the page."""
    from PIL import Image

    file = BytesIO()
    Image.fromarray(_framed(_image, box)).save(file, "JPEG", quality=90)
    return file.getvalue()


def _framed(image: "Image", box: tuple[int, int, int, int]) -> np.ndarray:
    """Return a picture at screen size, dimmed but for a framed part."""
    share = 2 * SIDE / max(image.size)
    small = image.resize((max(1, round(image.width * share)), max(1, round(image.height * share))))
    pixels = np.asarray(small).copy()
    height, width = pixels.shape[:2]
    left, right = (min(width, round(side * share)) for side in (box[0], box[2]))
    top, bottom = (min(height, round(side * share)) for side in (box[1], box[3]))
    inner = pixels[top:bottom, left:right].copy()
    pixels = (pixels * 0.4).astype(np.uint8)
    pixels[max(0, top - 3) : bottom + 3, max(0, left - 3) : right + 3] = FRAME
    pixels[top:bottom, left:right] = inner
    return pixels
