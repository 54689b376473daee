"""What each chosen method says of a class, of more classes, or of one against another, as maps over the picture."""

from collections.abc import Sequence

import streamlit as st

from core.inference.network import Network
from pages.sections.explain.export import take_away
from pages.sections.explain.layer_map import layer_map
from pages.shared.explanation.controls import chosen_classes, chosen_look, chosen_methods
from pages.shared.explanation.maps import STYLE, comparable, map_cards, map_columns, map_title
from pages.shared.picture import input_image
from pages.shared.shell.section import Section


def maps_section(networks: Sequence[Network], picture: input_image.InputImage, target: int) -> None:
    """Show what the chosen methods say.

    Args:
        networks: Whose network is asked, or the two that are compared; a second one that cannot be is left out.
        picture: What it looks at.
        target: Index of the class to explain.
    """
    st.html(STYLE)
    networks, answers = comparable(networks, picture)
    map_title(networks, answers, target)
    names = chosen_methods()
    if not names:
        st.info("Choose a method under Settings to see which pixels mattered.", icon=":material/checklist:")
        return
    more, versus = chosen_classes(networks[0], target)
    look = chosen_look()
    shown = map_cards(map_columns(networks, target, more, versus), picture, names, look)
    layer_map(networks[0])
    if shown:
        take_away(shown, picture, look)


SECTION = Section("maps", "Maps", maps_section)
