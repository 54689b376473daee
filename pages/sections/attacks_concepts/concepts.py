"""Concepts: whether stripes, dots, checks or a colour speak for a class inside a network."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from core.data.synthetic.concepts import CONCEPTS, concepts_for, draw_concept
from core.figures.grids import sample_strip
from core.formatting import duration, p_value
from core.inference.network import Network
from pages.shared.display.class_bars import class_name
from pages.shared.display.vega_charts import chart
from pages.shared.network import current_network
from pages.shared.network.network_map import ask_layer
from pages.shared.picture import input_image
from pages.shared.shell import session
from pages.shared.shell.background_jobs import background, lane_of
from pages.shared.shell.layout import escape_markdown
from pages.shared.shell.section import Section

if TYPE_CHECKING:
    from core.explain.tcav import ConceptReport, ConceptScore

SECONDS_WITHOUT_PRESS = 5.0  # seconds: what takes longer waits for a press


def report_of(network: Network, picture: input_image.InputImage, target: int, layer: str) -> "ConceptReport | None":
    """Return the scores of all concepts; None while they are computed or nobody has asked for what takes long.

    Raises:
        ConvScopeError: The network or its images cannot be had, or cannot be asked this.
    """
    from core.explain import concept_test

    sizes = concept_test.sample_sizes(network.input_shape)
    examples = concept_test.class_examples(network, target, picture.tensor(), sizes.examples)
    images = sizes.total(network.input_shape[0])
    seconds = images * current_network.pass_seconds(network)
    return background(
        ("concepts", network.cache_key, layer, target, picture.digest if network.why_no_images else ""),
        lambda progress: concept_test.score_concepts(network, layer, target, examples, progress=progress),
        words="Testing the concepts",
        place="concepts",
        ask=f"Test the concepts: {images} pictures, about {duration(seconds)}"
        if seconds > SECONDS_WITHOUT_PRESS
        else "",
        lane=lane_of(seconds),
    )


NUM_STRIP_PICTURES = 6  # pictures of a concept that are shown


def concept_section(network: Network, picture: input_image.InputImage, target: int) -> None:
    """Ask whether concepts speak for a class at a layer.

    Args:
        network: Whose network is asked.
        picture: What is varied where a network's own images are not here.
        target: The class.
    """
    st.markdown(
        "A direction inside the network stands for a concept if it tells the concept's pictures from random ones. "
        "Does the score of the class rise along it? Click another class above to ask about that one."
    )
    layer = _ask_layer(network)
    _concepts(network)
    report = report_of(network, picture, target, layer)
    if report is not None:
        _show(network, report)


def _ask_layer(network: Network) -> str:
    from core.explain.concept_test import concept_layers

    names, first = concept_layers(network)
    key = f"concept_layer_{network.id}"
    if st.session_state.get(key) not in names:
        st.session_state[key] = first
    return ask_layer(
        network,
        "Layer",
        names,
        key,
        help="Where to look for the concept. Early layers know colours, later ones patterns; near the answer, "
        "directions tend to speak for a class in every picture or in none.",
    )


def _concepts(network: Network) -> None:
    """Show what the concepts look like."""
    from core.explain.concept_test import sample_sizes

    shape = network.input_shape
    names, counts = concepts_for(shape[0]), sample_sizes(shape)
    with st.expander("What the concepts look like", icon=":material/palette:", key="concept_pictures"):
        with st.grid(4, min_column_width=200, gap="small"):
            for name in (*names, None):
                with st.container(gap="xxsmall", key=f"concept_{name}"):
                    title = CONCEPTS[name].title if name else "Random"
                    about = CONCEPTS[name].summary if name else "any pattern, any colours"
                    st.image(_strip(name, shape), width="stretch", alt=f"{NUM_STRIP_PICTURES} pictures: {about}")
                    st.caption(f"**{title}**: {about}")
        st.caption(
            f"Drawn from a seed in the size that the network looks at: {counts.concept} of each concept, "
            f"{counts.random} random ones. What a concept leaves open varies at random, so that nothing else tells "
            "them apart."
        )
    if shape[0] != 3:
        st.caption("This network sees no colours, so only patterns can be asked about.")


@st.cache_data(show_spinner=False, max_entries=64)
def _strip(name: str | None, shape: tuple[int, int, int]) -> bytes:
    return sample_strip(draw_concept(name, NUM_STRIP_PICTURES, shape))


def _show(network: Network, report: "ConceptReport") -> None:
    """Show the scores as a chart and as a table, and say what they mean."""
    from core.explain.concept_test import REPEATS
    from core.figures.prediction_bars import concept_chart, concept_rows

    titles = {name: concept.title for name, concept in CONCEPTS.items()}
    st.markdown(_headline(report, titles))
    chart(
        concept_chart(report, theme=session.theme()),
        concept_rows(report, titles),
        key="concept_scores",
        alt="Score of each concept with its 95% interval, and that of random directions",
    )
    examples = f"{report.examples} test images of the class"
    if network.why_no_images:
        examples = (
            f"{report.examples} crops and mirror images of your picture, because the network's images are not here"
        )
    st.caption(
        f"Score: of {examples}, the share whose score for “{class_name(network, report.target)}” rises towards the "
        f"concept; mean of {REPEATS} directions, each learned with other random pictures, and its 95% interval. "
        "Dashed, with its interval in grey: directions between random pictures and other random pictures."
    )
    st.dataframe(
        pd.DataFrame([_row(each, titles) for each in report.concepts]),
        column_config={
            "Score": st.column_config.NumberColumn(format="%.0f%%", width=80),
            "Told apart": st.column_config.NumberColumn(
                format="%.0f%%", width=110, help="Share of held-out pictures told from random ones; 50% is guessing."
            ),
            "p": st.column_config.TextColumn(width=90, help="By chance alone; times the number of concepts."),
        },
        hide_index=True,
        key="concept_table",
        alt="Score, interval, significance and accuracy of each concept",
    )
    st.caption(
        "TCAV (Kim et al. 2018, arXiv:1711.11279): linear classifiers by scikit-learn, Welch's t-test against random "
        f"directions, two-sided, p times {len(report.concepts)} concepts (Bonferroni). It says that a direction moves "
        "the score, not that pictures of the class hold the concept."
    )


def _headline(report: "ConceptReport", titles: Mapping[str, str]) -> str:
    count = len(report.concepts)
    differ = [each for each in report.concepts if each.significant and each.readable]
    if not differ:
        return f"At **{escape_markdown(report.layer)}**, none of {count} concepts differs from chance."
    words = ", ".join(f"**{titles[each.concept]}** ({_side(each)})" for each in differ)
    verb = "differs" if len(differ) == 1 else "differ"
    return f"At **{escape_markdown(report.layer)}**, {len(differ)} of {count} concepts {verb} from chance: {words}."


def _side(score: "ConceptScore") -> str:
    return "for it" if score.score > 0.5 else "against it"


def _row(score: "ConceptScore", titles: Mapping[str, str]) -> dict[str, str | float]:
    """Return what a table says of a concept."""
    low, high = score.interval
    if not score.readable:
        verdict = "cannot be read off this layer"
    elif not score.significant:
        verdict = "not significant"
    else:
        verdict = f"speaks {_side(score)}"
    return {
        "Concept": titles[score.concept],
        "Score": 100 * score.score,
        "In words": verdict,
        "95% interval": f"{low:.0%} to {high:.0%}",
        "p": p_value(score.p),
        "Told apart": 100 * score.accuracy,
    }


SECTION = Section(
    "concepts",
    "Concepts",
    concept_section,
    heading=lambda network, _, target: f"Which concepts speak for “{class_name(network, target)}”?",
)
