"""What a section of Evaluate shows: the same of one network, or of two side by side, once they are judged."""

from collections.abc import Callable, Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.inference.network import Network
from pages.shared.evaluation.evaluate_split import NOTHING_HERE, EvaluatedSplit, judged
from pages.shared.evaluation.image_gallery import follow_image
from pages.shared.network.comparison import side_by_side
from pages.shared.network.missing_images import missing_images
from pages.shared.shell import navigation
from pages.shared.shell.layout import escape_markdown, show_errors
from pages.shared.shell.section import Section

Networks = tuple[Network, ...]


def judging_section(key: str, title: str, show: Callable[[Networks, str], None]) -> Section:
    """Return a section that shows how good networks, one or two, are on a split; it needs the images of the first."""

    def draw(networks: Networks, split: str) -> None:
        show(networks, split)
        follow_image(networks)

    return Section(key, title, draw, why_not=_why_not, instead=_instead)


def for_each(
    show: Callable[[EvaluatedSplit, int, Sequence[EvaluatedSplit]], None], ask: Callable[[], None] | None = None
) -> Callable[[Networks, str], None]:
    """Return what judges networks on a split and shows something of each, which is asked for once for both.

    All are judged before any is drawn: what is alike has one scale.
    """

    def draw(networks: Networks, split: str) -> None:
        if ask is not None:
            ask()
        places, judgements = dict[int, DeltaGenerator](), dict[int, EvaluatedSplit]()

        def judge(side: int) -> None:
            if networks[side].pretrained is None and missing_images(networks[side], f"{side}_"):
                return
            evaluated = judged(networks[side], split, str(side))
            if evaluated is not None:
                places[side], judgements[side] = st.container(), evaluated

        side_by_side(networks, judge)
        for side, evaluated in judgements.items():
            alike = [
                other for other in judgements.values() if other.network.dataset_name == evaluated.network.dataset_name
            ]
            with places[side], show_errors():
                show(evaluated, side, alike)

    return draw


def _why_not(networks: Networks, _: str) -> str:
    return NOTHING_HERE if networks[0].pretrained is not None else networks[0].why_no_images


def _instead(reason: str, networks: Networks, _: str) -> None:
    if networks[0].pretrained is None:
        missing_images(networks[0])
        return
    st.info(escape_markdown(reason), icon=":material/block:")
    with st.container(horizontal=True, gap="medium"):
        navigation.train_link()
        navigation.link("classify", "Give this one a picture of your own")
