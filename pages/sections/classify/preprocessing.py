"""The way of a picture from its file to a network, and what to bear in mind where it ends."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from core.data.exif import UPRIGHT, as_in_file
from core.data.fitting import PreprocessingStep
from core.figures.scales import ColorScale
from core.formatting import formatted
from core.inference.network import Network
from pages.shared.picture.input_image import InputImage
from pages.shared.picture.samples import SAMPLES
from pages.shared.picture.upload import open_choice
from pages.shared.shell import session

if TYPE_CHECKING:
    from PIL.Image import Image

HEIGHT = 84  # screen pixels


def show_stages(network: Network, received: InputImage, stages: Sequence[PreprocessingStep]) -> None:
    """Show what was done to the chosen picture before the network received it; nothing for a test image."""
    choice = session.choice()
    if choice is None or choice.kind == "test":
        return
    st.markdown("**From the picture to the network**")
    st.html("""<style>
        [class*="st-key-stage_small"] img { image-rendering: pixelated; }
        [class*="st-key-stage_"] [data-testid="stElementToolbar"] { display: none; }
        </style>""")
    with st.container(horizontal=True, gap="small"):
        for number, (title, image) in enumerate(_all_stages(network, choice, received, stages), start=1):
            width, height = choice.lie.size if number == 1 and any(choice.lie.size) else image.size
            shown = _shown(image)
            small = "small" if image.height < HEIGHT else "large"
            with st.container(key=f"stage_{small}_{number}", width=max(shown.width, HEIGHT + 16), gap="xxsmall"):
                st.image(shown, width=shown.width, alt=f"{title}, {width} × {height} pixels")
                size = f" {width}\u00a0×\u00a0{height}" if number == 1 else ""
                st.caption(f"{number} · {title}{size}")


def _all_stages(
    network: Network, choice: session.PictureSelection, received: InputImage, stages: Sequence[PreprocessingStep]
) -> "list[tuple[str, Image]]":
    """Return the titles and pictures of all stages, from how it lies in its file to the values that go in."""
    if len(stages) > 1 and stages[-1].image.convert("RGB") == stages[-2].image.convert("RGB"):
        stages = stages[:-1]  # the last step has its picture already
    shown = [(stage.title, stage.image) for stage in stages]
    if choice.lie.orientation != UPRIGHT:
        first = shown[0][1]
        shown[:1] = [("Your picture, as it lies in its file", as_in_file(first, choice.lie.orientation))]
        shown.insert(1, ("Turned upright (EXIF)", first))
    if choice.stretch and choice.stretched:
        place = len(shown) - len(stages) + 1
        shown.insert(place, ("16-bit values stretched", shown[place - 1][1]))
        shown[place - 1] = (shown[place - 1][0], open_choice(replace(choice, stretch=False)))
    if choice.kind == "drawing":
        shown[0] = ("Your drawing", shown[0][1])
    return [*shown, _normalised(network, received)]


def _normalised(network: Network, received: InputImage) -> "tuple[str, Image]":
    """Return the numbers that go in, the mean over the channels at each pixel, in colours around zero."""
    from PIL import Image

    values = network.normalize(received.tensor()).numpy()
    low, high = (formatted(value, ".1f") for value in (values.min(), values.max()))
    rgb = ColorScale.of(values.mean(axis=0), signed=True).rgb(values.mean(axis=0))
    return f"Normalised: {low} (blue) to {high} (red), what it sees", Image.fromarray(rgb)


def _shown(image: "Image") -> "Image":
    """Return the picture at the height of the row: small ones with visible pixels, large ones smoothly."""
    from PIL.Image import Resampling

    small = image.height < HEIGHT
    size = (max(1, min(2 * HEIGHT, round(image.width * HEIGHT / image.height))), HEIGHT)
    return image.resize(size, Resampling.NEAREST if small else Resampling.LANCZOS)


def closed_set_warning(network: Network) -> None:
    """Say what an answer about a picture from elsewhere is worth: the network knows its classes and nothing else."""
    choice, names = session.choice(), network.class_names
    if choice is None or choice.kind == "test":
        return
    sample = SAMPLES[choice.name] if choice.kind == "sample" else None
    subject = sample.subject if sample else ""
    if sample and not {subject, *sample.also} & set(names):
        st.info(
            f"None of its {len(names):,} classes is “{subject}”. The network has no way to say so: it must "
            "choose one of its classes whatever it sees.",
            icon=":material/info:",
        )
        return
    st.caption(
        f"The network must choose one of its {len(names):,} classes whatever it sees. A high percentage means that "
        "the other classes fit even less, not that the picture shows this one."
    )
