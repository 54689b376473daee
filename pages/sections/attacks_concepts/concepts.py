"""Concepts: whether stripes, dots, checks or a colour speak for a class inside a network."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from core.data.synthetic.concepts import CONCEPTS, concepts_for, draw_concept
from core.errors import RunError
from core.figures.grids import sample_strip
from core.formatting import duration, p_value
from core.inference.network import Network
from core.progress import Progress
from pages.shared.display.class_bars import class_name
from pages.shared.display.vega_charts import chart
from pages.shared.network import current_network
from pages.shared.picture import input_image
from pages.shared.shell import session
from pages.shared.shell.background_jobs import background, lane_of
from pages.shared.shell.layout import escape_markdown
from pages.shared.shell.section import Section

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from core.explain.tcav import ConceptReport, ConceptScore

REPEATS = 20
NUM_EXAMPLES = 60
LARGE_PICTURE_PIXELS = 64 * 64  # pixels: larger pictures take long, so that fewer are drawn
SECONDS_WITHOUT_PRESS = 5.0  # seconds: what takes longer waits for a press


@dataclass(frozen=True)
class Sizes:
    """How many pictures are drawn of a concept and at random, and how many examples are asked."""

    concept: int
    random: int
    examples: int


@dataclass(frozen=True)
class Question:
    """Which network is asked, at which layer, about which class."""

    network: Network
    picture: input_image.InputImage
    target: int
    layer: str


def sizes(shape: tuple[int, int, int]) -> Sizes:
    """Return how many pictures of a shape are looked at."""
    return Sizes(36, 108, 24) if shape[1] * shape[2] > LARGE_PICTURE_PIXELS else Sizes(90, 300, NUM_EXAMPLES)


def drawn(name: str | None, count: int, shape: tuple[int, int, int]) -> "np.ndarray":
    """Return pictures of a concept, or random ones, uint8 (N, C, H, W)."""
    return draw_concept(name, count, shape)


def report_of(question: Question) -> "ConceptReport | None":
    """Return the scores of all concepts; None while they are computed or nobody has asked for what takes long.

    Raises:
        ConvScopeError: The network or its images cannot be had, or cannot be asked this.
    """
    network, shape = question.network, question.network.input_shape
    model, sample_sizes = network.model, sizes(shape)
    examples = _examples(question, sample_sizes.examples)
    names = concepts_for(shape[0])

    def work(tell: Progress) -> "ConceptReport":
        import torch

        from core.explain.tcav import concept_scores

        return concept_scores(
            model,
            question.layer,
            question.target,
            examples,
            {name: torch.from_numpy(drawn(name, sample_sizes.concept, shape)) for name in names},
            torch.from_numpy(drawn(None, sample_sizes.random, shape)),
            network.normalize,
            repeats=REPEATS,
            progress=tell,
        )

    about = question.picture.digest if network.why_no_images else ""
    pictures = len(names) * sample_sizes.concept + sample_sizes.random + sample_sizes.examples
    seconds = pictures * current_network.pass_seconds(network)
    return background(
        ("concepts", network.mark, question.layer, question.target, about),
        work,
        words="Testing the concepts",
        place="concepts",
        ask=f"Test the concepts: {pictures} pictures, about {duration(seconds)}"
        if seconds > SECONDS_WITHOUT_PRESS
        else "",
        lane=lane_of(seconds),
    )


def _examples(question: Question, count: int) -> "Tensor":
    """Return pictures of the class: test images, or where there are none, variations of the picture."""
    network = question.network
    if network.why_no_images:
        return _variations(question.picture, count)
    test = network.dataset().test
    examples = test.images[test.labels == question.target][:count]
    if not len(examples):
        raise RunError("There is no test image of this class to ask: choose another class.")
    return examples


def _variations(picture: input_image.InputImage, count: int) -> "Tensor":
    import torch

    from core.data.augment import Augmentation, augment

    images = picture.tensor()[None].expand(count, *picture.shape) / 255
    varied = augment(images, Augmentation(flip=0.5, crop=0.5), torch.Generator().manual_seed(0))
    return (varied * 255).round().clamp(0, 255).to(torch.uint8)


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
    report = report_of(Question(network, picture, target, layer))
    if report is not None:
        _show(network, report)


def _ask_layer(network: Network) -> str:
    names, first = _layers(network)
    return st.selectbox(
        "Layer",
        names,
        index=names.index(first),
        key=f"concept_layer_{network.id}",
        width=320,
        help="Where to look for the concept. Early layers know colours, later ones patterns; near the answer, "
        "directions tend to speak for a class in every picture or in none.",
    )


def _layers(network: Network) -> tuple[list[str], str]:
    """Return the layers that can be asked, in order, and the one to begin with."""
    from core.explain.cam_layers import cam_layers, layer_shapes

    model, spec = network.model, network.spec
    shapes = layer_shapes(model, network.input_shape)
    names = list(cam_layers(model)) if spec is None else [name for name in shapes if name in spec.layer_names][:-1]
    maps = [name for name in names if len(shapes[name]) == 3]
    return names, (maps or names)[-1]


def _concepts(network: Network) -> None:
    """Show what the concepts look like."""
    shape = network.input_shape
    names = concepts_for(shape[0])
    counts = sizes(shape)
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
            f"{counts.random} "
            "random ones. What a concept leaves open varies at random, so that nothing else tells them apart."
        )
    if shape[0] != 3:
        st.caption("This network sees no colours, so only patterns can be asked about.")


@st.cache_data(show_spinner=False, max_entries=64)
def _strip(name: str | None, shape: tuple[int, int, int]) -> bytes:
    return sample_strip(drawn(name, NUM_STRIP_PICTURES, shape))


def _show(network: Network, report: "ConceptReport") -> None:
    """Show the scores as a chart and as a table, and say what they mean."""
    from core.figures.prediction_bars import concept_chart, concept_rows

    titles = {name: concept.title for name, concept in CONCEPTS.items()}
    st.markdown(_headline(report, titles))
    chart(
        concept_chart(report, theme=session.theme()),
        concept_rows(report, titles),
        key="concept_scores",
        alt="Score of each concept with its 95 % interval, and that of random directions",
    )
    examples = f"{report.examples} test images of the class"
    if network.why_no_images:
        examples = (
            f"{report.examples} crops and mirror images of your picture, because the network's images are not here"
        )
    st.caption(
        f"Score: of {examples}, the share whose score for “{class_name(network, report.target)}” rises towards the "
        f"concept; mean of {REPEATS} directions, each learned with other random pictures, and its 95 % interval. "
        "Dashed, with its interval in grey: directions between random pictures and other random pictures."
    )
    st.dataframe(
        pd.DataFrame([_row(each, titles) for each in report.concepts]),
        column_config={
            "Score": st.column_config.NumberColumn(format="%.0f %%", width=80),
            "Told apart": st.column_config.NumberColumn(
                format="%.0f %%", width=110, help="Share of held-out pictures told from random ones; 50 % is guessing."
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
        "95 % interval": f"{low:.0%} to {high:.0%}",
        "p": p_value(score.p),
        "Told apart": 100 * score.accuracy,
    }


SECTION = Section(
    "concepts",
    "Concepts",
    concept_section,
    heading=lambda network, _, target: f"Which concepts speak for “{class_name(network, target)}”?",
)
