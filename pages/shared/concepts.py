"""Concepts: whether stripes, dots, checks or a colour speak for a class inside a network."""

from typing import TYPE_CHECKING

import streamlit as st

from core.data.concepts import CONCEPTS, concepts_for
from core.errors import RunError
from core.figures.samples import sample_strip
from pages.shared import results, state
from pages.shared.charts import chart
from pages.shared.concept_results import REPEATS, Question, drawn, report_of, sizes
from pages.shared.layout import show_errors
from pages.shared.predictions import class_name
from pages.shared.pretrained import Pretrained

if TYPE_CHECKING:
    from core.explain.concepts import ConceptReport, ConceptScore

EACH = 6  # pictures of a concept that are shown


@st.fragment
@show_errors()
def concept_section(weights: results.Weights, picture: results.Picture, target: int) -> None:
    """Ask whether concepts speak for a class at a layer.

    Args:
        weights: Whose network is asked.
        picture: What is varied where a network's own images are not here.
        target: The class.
    """
    st.subheader(f"Which concepts speak for “{class_name(weights.run, target)}”?", anchor=False)
    st.markdown(
        "A direction inside the network stands for a concept if it tells the concept's pictures from random ones. "
        "Does the score of the class rise along it?"
    )
    layer = _ask_layer(weights)
    _concepts(weights)
    found = report_of(Question(weights, picture, target, layer))
    if found is not None:
        _show(weights, found)


def _ask_layer(weights: results.Weights) -> str:
    names, first = _layers(weights)
    return st.selectbox(
        "Layer",
        names,
        index=names.index(first),
        key=f"concept_layer_{weights.run.id}",
        width=320,
        help="Where to look for the concept. Early layers know colours, later ones patterns; near the answer, "
        "directions tend to speak for a class in every picture or in none.",
    )


def _layers(weights: results.Weights) -> tuple[list[str], str]:
    """Return the layers that can be asked, in order, and the one to begin with."""
    from core.explain.layers import cam_layers, outputs_of

    model, run = results.model(weights), weights.run
    if isinstance(run, Pretrained):
        names = list(cam_layers(model))
    else:
        outputs = outputs_of(model, results.tensor(run, _plain_picture(run.spec.input_shape)))
        names = [name for name in outputs if name in run.spec.layer_names][:-1]
    if not names:
        raise RunError(
            "This network has no layer before its answer in which concepts could be found: add one in Build."
        )
    maps = [name for name in names if isinstance(run, Pretrained) or outputs[name].ndim == 4]
    return names, (maps or names)[-1]


def _plain_picture(shape: tuple[int, int, int]) -> results.Picture:
    return results.Picture("", shape, bytes(shape[0] * shape[1] * shape[2]))


def _concepts(weights: results.Weights) -> None:
    """Show what the concepts look like."""
    shape = weights.run.spec.input_shape
    names = concepts_for(shape[0])
    many = sizes(shape)
    with st.expander("What the concepts look like", icon=":material/palette:", key="concept_pictures"):
        with st.grid(4, min_column_width=200, gap="small"):
            for name in (*names, None):
                with st.container(gap="xxsmall", key=f"concept_{name}"):
                    title = CONCEPTS[name].title if name else "Random"
                    about = CONCEPTS[name].summary if name else "any pattern, any colours"
                    st.image(_strip(name, shape), width="stretch", alt=f"{EACH} pictures: {about}")
                    st.caption(f"**{title}**: {about}")
        st.caption(
            f"Drawn from a seed in the size that the network looks at: {many.concept} of each concept, {many.random} "
            "random ones. What a concept leaves open varies at random, so that nothing else tells them apart."
        )
    if shape[0] != 3:
        st.caption("This network sees no colours, so only patterns can be asked about.")


@st.cache_data(show_spinner=False, max_entries=64)
def _strip(name: str | None, shape: tuple[int, int, int]) -> bytes:
    return sample_strip(drawn(name, EACH, shape))


def _show(weights: results.Weights, found: "ConceptReport") -> None:
    from core.figures.concepts import concept_chart, concept_rows

    rows = concept_rows(found, {name: concept.title for name, concept in CONCEPTS.items()})
    chart(
        concept_chart(found, theme=state.theme()),
        rows,
        key="concept_scores",
        alt="Score of each concept with its 95 % interval, and the range of random directions",
    )
    asked = f"{found.examples} test images of the class"
    if isinstance(weights.run, Pretrained):
        asked = f"{found.examples} crops and mirror images of your picture, because ImageNet's are not here"
    st.caption(
        f"Score: of {asked}, the share whose score for “{class_name(weights.run, found.target)}” rises towards the "
        f"concept; mean of {REPEATS} directions learned with different random pictures, and its 95 % interval. Grey: "
        "what directions between random pictures and random pictures give, mean ± standard deviation."
    )
    for line in map(_words, found.concepts):
        st.markdown(f"- {line}")
    st.caption(
        "TCAV (Kim et al. 2018, arXiv:1711.11279): linear classifiers by scikit-learn, Welch's t-test against random "
        f"directions, two-sided, p times {len(found.concepts)} concepts (Bonferroni). It says that a direction moves "
        "the score, not that pictures of the class hold the concept."
    )


def _words(score: "ConceptScore") -> str:
    """Say in words what a concept has to do with the class."""
    title = f"**{CONCEPTS[score.concept].title}**"
    p = "p < 0.001" if score.p < 0.001 else f"p = {score.p:.2g}"
    told = f"{score.accuracy:.0%} of held-out pictures told from random ones"
    if not score.readable:
        return f"{title} cannot be read off this layer: only {told}, so its score means nothing."
    if not score.significant:
        return f"{title}: not significant ({p}); no more than random directions do. {told}."
    side = "speaks for" if score.score > 0.5 else "speaks against"
    return f"{title} {side} the class: {score.score:.0%} ({p}). {told}."
