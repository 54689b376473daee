"""Augmentation: a slider for the strength of each kind, and what such strengths make of real images."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import asdict
from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from core.data.catalog import DATASETS, DIGITS
from core.options import Option, options
from core.train.config import AUGMENTATIONS, TrainConfig
from pages.shared.shell import services, session
from pages.shared.shell.layout import show_errors
from pages.shared.shell.section import Section

if TYPE_CHECKING:
    from core.figures.variants import VariantSheet

ROWS, VARIANTS = 5, 6
MILD = {"flip": 0.5, "shift": 0.1, "rotation": 10.0, "crop": 0.2, "jitter": 0.2, "cutout": 0.25}
_WIDTH = 720  # screen pixels at most
_SHEET = """
<figure style="margin: 0">
    <div aria-hidden="true" style="display: flex; font-size: 0.875rem; white-space: nowrap; padding-bottom: 0.25rem">
        <div style="width: {begin:.2%}">Original</div><div>{title}</div>
    </div>
    <img alt="{alt}" src="data:image/png;base64,{data}" style="display: block; width: 100%">
</figure>
"""


def augmentation(name: str) -> None:
    """Ask how strongly the next training augments its images, beside what that does to images of a data set."""
    st.markdown(
        "Every time an image is trained on, it can be changed a little, at random: so it cannot be learned by heart."
    )
    controls, preview = st.columns([2, 3], gap="large")
    with controls:
        with show_errors():
            strengths = augmentation_sliders(asdict(session.config()), "augmentation")
            session.set_config(TrainConfig.from_mapping({**asdict(session.config()), **strengths}))
        _mixes(name, "augmentation")
    strengths = {kind: getattr(session.config(), kind) for kind in AUGMENTATIONS}
    with preview, st.container(width=_WIDTH), show_errors():
        augmentation_preview(name, strengths)
        on = any(strengths.values())
        note = "Used by the next training." if on else "The next training uses all images as they are."
        st.markdown(f":material/check_circle: {note}")


def augmentation_sliders(strengths: Mapping[str, float], key: str) -> dict[str, float]:
    """Ask for the strength of each kind of augmentation.

    Args:
        strengths: The strengths by the names of `AUGMENTATIONS` until the user moves a slider; others are ignored.
        key: Streamlit's key of a slider is this, an underscore and the name of its kind.

    Returns:
        The strengths by name; the browser may send any number, so they are yet to be checked.
    """
    kinds = [setting for setting in options(TrainConfig) if setting.name in AUGMENTATIONS]
    with st.grid(2, min_column_width=150, gap=("small", "medium")):
        return {kind.name: _slider(kind, float(strengths[kind.name]), f"{key}_{kind.name}") for kind in kinds}


def _slider(setting: Option, value: float, key: str) -> float:
    assert setting.min is not None and setting.max is not None
    share = setting.max <= 1
    moved = st.slider(
        setting.label,
        min_value=float(setting.min),
        max_value=float(setting.max),
        value=value,
        step=0.05 if share else 5.0,
        format="percent" if share else "%g°",
        help=setting.help,
        key=key,
    )
    return round(float(moved), 4)  # the browser adds up its steps


def _mixes(name: str, key: str) -> None:
    """Offer to set all sliders at once."""

    def mix(strengths: Mapping[str, float]) -> None:
        for kind in AUGMENTATIONS:
            st.session_state[f"{key}_{kind}"] = strengths.get(kind, 0.0)

    digits = DATASETS[name].class_names == DIGITS
    mild = {**MILD, "flip": 0.0} if digits else MILD
    about = "A little of everything" + (" but flips: most digits mirrored are none." if digits else ".")
    with st.container(horizontal=True):
        st.button("Mild mix", icon=":material/tune:", on_click=mix, args=(mild,), help=about)
        st.button("All off", icon=":material/restart_alt:", on_click=mix, args=({},))


def augmentation_preview(name: str, strengths: Mapping[str, float]) -> None:
    """Show training images of a data set beside random variants of each; `Shuffle` draws others.

    Args:
        name: Key of `DATASETS`; the data set must be here already.
        strengths: Of each kind, by the names of `AUGMENTATIONS`.

    Raises:
        DataError: A strength is out of its range.
    """
    turn = st.session_state.get("augmentation_turn", 0)
    on = any(strengths.values())
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown("What the network gets to see")
        if st.button("Shuffle", icon=":material/shuffle:", disabled=not on, help="Draws other random variants."):
            st.session_state["augmentation_turn"] = turn = turn + 1
    sheet, labels = _sheet(name, tuple(float(strengths[kind]) for kind in AUGMENTATIONS), turn)
    names = ", ".join(DATASETS[name].class_names[label] for label in labels)
    title = f"{VARIANTS} random variants" if on else "No change: all strengths are 0"
    st.html(
        _SHEET.format(
            begin=sheet.begin,
            title=title,
            alt=escape(f"{ROWS} training images ({names}), each followed by {VARIANTS} variants of it. {title}."),
            data=b64encode(sheet.png).decode("ascii"),
        )
    )
    st.caption(
        "Is each variant still of its class? If not, it teaches something wrong. Only training images are changed, "
        "never those of valid and test."
    )


@st.cache_data(show_spinner=False, max_entries=64)
def _sheet(name: str, strengths: tuple[float, ...], turn: int) -> tuple["VariantSheet", tuple[int, ...]]:
    """Return images of as many classes beside their variants, and their labels."""
    from core.data.augment import Augmentation, random_variants
    from core.figures.variants import variant_sheet

    train = services.dataset(name).train
    firsts = [int((train.labels == label).nonzero()[0, 0]) for label in train.labels.unique()[:ROWS]]
    images = train.images[firsts]
    augmentation = Augmentation(**dict(zip(AUGMENTATIONS, strengths, strict=True)))
    variants = random_variants(images, augmentation, VARIANTS, seed=turn)
    return variant_sheet(images.numpy(), variants.numpy()), tuple(train.labels[firsts].tolist())


SECTION = Section("augmentation", "Augmentation", augmentation)
