"""Small changes that should not matter: does the network keep its answer, and its explanation?"""

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core.explain.methods.registry import METHODS
from core.explain.strength import faint_sentence, giving_way, in_place_of, shared_full_colour
from core.figures.overlays import faded, overlay
from core.formatting import formatted, share
from core.inference.network import Network
from core.progress import Progress
from pages.sections.classify.reliability import known_reader
from pages.shared.display.class_bars import class_name
from pages.shared.display.image_cards import Card, cards
from pages.shared.picture import input_image
from pages.shared.picture.pixels import shown
from pages.shared.shell.background_jobs import background
from pages.shared.shell.controls import ask_one
from pages.shared.shell.layout import escape_markdown
from pages.shared.shell.section import Section

if TYPE_CHECKING:
    from core.reliability.robustness import PerturbedImage, Stability

QUICK = ("grad_cam", "integrated_gradients", "input_x_gradient")
SIDE = 112


def stability_section(weights: Network, picture: input_image.InputImage, target: int) -> None:
    """Change a picture a little in several ways and show what becomes of the answer and of one explanation."""
    from core.explain.compatibility import incompatibility
    from core.reliability.perturbations import PERTURBATIONS

    model = weights.model
    fit = {
        name: METHODS[name].title for name in QUICK if incompatibility(model, name, METHODS[name].resolve({})) is None
    }
    method = ask_one("Explanation to follow", fit, f"stability_method_{len(fit)}")
    _ = weights.statistics  # what is wrong with it is said here

    def work(tell: Progress) -> "tuple[str, Stability, str]":
        from core.explain.attribution import attribute
        from core.reliability.robustness import stability

        def follow(name: str) -> "Stability":
            explain = partial(attribute, method=name)
            return stability(model, picture.tensor(), weights.normalize, target, explain, progress=tell)

        return giving_way(method, follow(method), follow, lambda found: found.strengths)

    result = background(
        ("stability", *weights.cache_key, picture.digest, target, method),
        work,
        words="Asking about changed pictures",
        place="stability",
        ask=f"Try {len(PERTURBATIONS)} small changes",
    )
    if result is None:
        st.caption("Mirrored, shifted, darkened, compressed: what the eye hardly minds should not turn the answer.")
        return
    shown_by, found, reason = result
    if reason:
        st.caption(escape_markdown(in_place_of(shown_by, reason)))
    _summary(weights, found)
    _variants(weights, found, picture, shown_by)


def _summary(weights: Network, found: "Stability") -> None:
    answer, target = (class_name(weights, index) for index in (int(found.original.logits.argmax()), found.target))
    chances = [_chance(weights, variant, found.target) for variant in found.variants.values()]
    first = share(_chance(weights, found.original, found.target))
    words = (
        f"**{found.num_unchanged} of {len(found.variants)}** changed pictures are still “{answer}”. “{target}” gets "
        f"{share(min(chances))} to {share(max(chances))}, after {first} for the picture as it is. "
    )
    ranks = found.ranks
    if ranks:
        words += (
            f"The maps agree with the first one by **{_sign(np.median(ranks))}** in the middle "
            f"({_sign(min(ranks))} to {_sign(max(ranks))})."
        )
    else:
        words += "The map is the same everywhere, so there is nothing to compare."
    st.markdown(words)


def _variants(weights: Network, found: "Stability", picture: input_image.InputImage, method: str) -> None:
    about, shelf = METHODS[method], [found.original, *found.variants.values()]
    pictures = [shown(variant.pixels) for variant in shelf]
    zoom = max(1, -(-SIDE // max(picture.shape[1:])))
    drawn = overlay(
        np.concatenate([faded(each, about.signed) for each in pictures], axis=1),
        np.concatenate([variant.map for variant in shelf], axis=1),
        signed=about.signed,
        positive=about.positive,
        negative=about.negative,
        zoom=zoom,
        scope="these",
        full_colour=shared_full_colour(found.strengths),
    )
    maps = np.split(drawn.pixels, len(shelf), axis=1)
    pairs = zip(shelf, pictures, maps, strict=True)
    cards([_card(weights, found, variant, (_large(own, zoom), over)) for variant, own, over in pairs])
    name = class_name(weights, found.target)
    words = " ".join(filter(None, (drawn.text, faint_sentence(found.strengths))))
    st.caption(
        f"Above each picture as the network received it, below {about.title} of “{name}”. "
        f"{escape_markdown(words)} ✓ where the answer stays; the "
        "percentage of the class; the rank correlation of its map with the first one (1: the same order of pixels), "
        "after it was mirrored or shifted back. Mirrored letters and digits may really be something else."
    )


def _card(
    weights: Network, found: "Stability", variant: "PerturbedImage", pictures: "tuple[np.ndarray, np.ndarray]"
) -> Card:
    names, said = weights.class_names, int(variant.logits.argmax())
    mark = "✓" if said == found.original.logits.argmax() else f"✗ {names[said]},"
    note = f"{mark} {share(_chance(weights, variant, found.target))}"
    if variant is not found.original:
        note += " · no map" if variant.rank is None else f" · map {_sign(variant.rank)}"
    words = f"{variant.title}: it says {names[said]}. Above the picture, below the map of {names[found.target]}."
    return Card(variant.title, note, words, pictures)


def _large(pixels: np.ndarray, zoom: int) -> np.ndarray:
    return pixels.repeat(zoom, axis=0).repeat(zoom, axis=1)


def _chance(weights: Network, variant: "PerturbedImage", target: int) -> float:
    """Return the probability of a class, calibrated where that is known."""
    from scipy.special import softmax

    found, logits = known_reader(weights), variant.logits.astype(float)
    return float((softmax(logits) if found is None else found.temperature.calibrated(logits))[target])


def _sign(value: float) -> str:
    return formatted(value, ".2f")


SECTION = Section("stability", "Does the answer hold still?", stability_section)
