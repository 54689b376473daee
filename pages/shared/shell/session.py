"""What one session remembers: the next training, the picture, the theme."""

from dataclasses import dataclass, replace

import streamlit as st

from core.data.catalog import DATASETS
from core.data.crop import MIDDLE, Crop
from core.data.exif import UNKNOWN, ExifOrientation
from core.errors import ConvScopeError
from core.model.presets import PRESETS, preset
from core.train.config import TrainConfig
from pages.shared.shell import navigation
from pages.shared.shell.draft_link import Draft, from_text, to_text


@dataclass(frozen=True)
class PictureSelection:
    """Which picture this session looks at, on every page.

    Attributes:
        kind: "test" (an image of the test split, or of another), "sample" (a photograph that comes with the app),
            "upload", "camera" or "drawing".
        name: The data set, the sample's file name or the upload's file name.
        index: Which image of the split.
        data: The uploaded picture as PNG, as small as `core.data.plain_rgb.keep_small` makes it.
        file_id: Streamlit's name for the uploaded file.
        invert: Whether dark and light are swapped; None lets the app decide.
        crop: Which part of it the network is shown.
        lie: How it lies in its file.
        centre: Whether a drawing is laid out as the digits of its data set were.
        paper: Whether a digit on paper is found and laid out so.
        split: Of kind "test": "test", or "valid" where that split was looked into.
        notes: What was noticed when it was opened, a sentence each.
        stretched: The same picture with its 16-bit values stretched, where it looks black without; else empty.
        stretch: Whether that is shown instead.
    """

    kind: str
    name: str
    index: int = 0
    data: bytes = b""
    file_id: str = ""
    invert: bool | None = None
    crop: Crop = MIDDLE
    lie: ExifOrientation = UNKNOWN
    centre: bool = True
    paper: bool = True
    split: str = "test"
    notes: tuple[str, ...] = ()
    stretched: bytes = b""
    stretch: bool = False

    def number_in(self, dataset: str) -> int | None:
        """Return which test image of a data set this is, or None if it is none."""
        return self.index if (self.kind, self.name, self.split) == ("test", dataset, "test") else None


FIRST_DATASET, FIRST_PRESET = "mnist5k", "tutorial"
_DEFAULTS = TrainConfig()


def new_draft(dataset_name: str, preset_name: str) -> Draft:
    """Return a preset made for a data set."""
    info = DATASETS[dataset_name]
    return Draft(dataset_name, preset(preset_name, info.input_shape, len(info.class_names)))


def draft_for(value: Draft, dataset_name: str) -> Draft:
    """Return the same network for another data set.

    A preset is made anew for its image size; of any other stack, the build page says what no longer fits.
    """
    info, layers = DATASETS[dataset_name], value.spec.layers
    for name in PRESETS:
        if layers == new_draft(value.dataset, name).spec.layers:
            layers = new_draft(dataset_name, name).spec.layers
            break
    spec = replace(value.spec, layers=layers, input_shape=info.input_shape, num_classes=len(info.class_names))
    return Draft(dataset_name, spec, value.preset)


def _put_address() -> None:
    """Let the address name draft and settings, unless they are those that everybody begins with."""
    draft_and_config, chosen = st.session_state["draft"], st.session_state.get("config", _DEFAULTS)
    is_first = (draft_and_config, chosen) == (new_draft(FIRST_DATASET, FIRST_PRESET), _DEFAULTS)
    text = "" if is_first else to_text(draft_and_config, chosen)
    st.session_state["draft_address"] = text
    if text:
        st.query_params[navigation.DRAFT] = text
    else:
        st.query_params.pop(navigation.DRAFT, None)


def _begin() -> None:
    """Take draft and settings from the address once a session, and let the address name them from then on."""
    if "draft" in st.session_state:
        if st.query_params.get(navigation.DRAFT, "") != st.session_state.get("draft_address"):  # after Back, say
            _put_address()
        return
    text = st.query_params.get(navigation.DRAFT, "")
    st.session_state["draft"] = new_draft(FIRST_DATASET, FIRST_PRESET)
    if text:
        try:
            st.session_state["draft"], st.session_state["config"] = from_text(text)
        except ConvScopeError as error:
            st.session_state["draft_refusal"] = f"The network of this address was not taken over. {error}"
    _put_address()


def draft() -> Draft:
    """Return what this session would train next: after a reload, what the address says it was."""
    _begin()
    stored: Draft = st.session_state["draft"]
    if stored.dataset not in DATASETS:  # one of a visitor's own, deleted meanwhile
        stored = st.session_state["draft"] = new_draft(FIRST_DATASET, FIRST_PRESET)
    return stored


def set_draft(value: Draft) -> None:
    """Remember what to train next, in the address too."""
    _begin()
    st.session_state.pop("draft_refusal", None)
    st.session_state["draft"] = value
    _put_address()


def draft_refusal() -> str:
    """Return why the draft of the address was not taken over, until another one is made; nothing if it was."""
    _begin()
    return str(st.session_state.get("draft_refusal", ""))


def config() -> TrainConfig:
    """Return the settings this session last chose: after a reload, those of the address."""
    _begin()
    stored: TrainConfig = st.session_state.get("config", _DEFAULTS)
    return stored


def set_config(value: TrainConfig) -> None:
    """Remember the settings of the next training, in the address too."""
    _begin()
    if value != config():
        st.session_state["config"] = value
        _put_address()


def choice() -> PictureSelection | None:
    """Return which picture this session last chose."""
    stored: PictureSelection | None = st.session_state.get("picture")
    return stored


def choose(value: PictureSelection) -> None:
    """Remember the picture to look at on every page."""
    st.session_state["picture"] = value


def theme() -> str:
    """Return "light" or "dark", whichever this session's page is."""
    return st.context.theme.type or "light"
