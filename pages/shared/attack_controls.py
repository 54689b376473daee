"""What is asked for an attack: the method, how strong it may be, and where to."""

from typing import TYPE_CHECKING

import streamlit as st

from core.inference.network import Network
from pages.shared import subjects
from pages.shared.controls import ask_one

if TYPE_CHECKING:
    from core.explain.attacks import Attack

METHODS = {"fgsm": "FGSM: one step", "pgd": "PGD: several steps"}
NORMS = {"linf": "Each value (L∞)", "l2": "The whole picture (L2)"}
FIRST = {"linf": 8, "l2": 256}
MOST = {"linf": 64, "l2": 2048}
STEP = {"linf": 1, "l2": 16}
ANY = -1  # instead of a class


def ask_attack(network: Network, picture: subjects.Picture, answer: int) -> "Attack":
    """Ask how to attack a picture of which the network says `answer`."""
    from core.explain.attacks import Attack

    with st.container(border=True, key="attack_controls"):
        with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
            method = ask_one("Method", METHODS, "attack_by")
            towards = _ask_towards(network, answer)
            norm, steps = "linf", 10
            if method == "pgd":
                norm = ask_one("Strength is measured by", NORMS, "attack_norm")
                steps = st.number_input(
                    "Steps", 1, 100, 10, key="attack_steps", width=110, persist_state="session", help=_STEPS
                )
        strength = _ask_strength(norm)
        st.caption(_ABOUT[method])
    return Attack(method, strength, norm, int(steps), towards)  # type: ignore[arg-type]


def set_strength(norm: str, strength: int) -> None:
    """Turn the slider; for callbacks."""
    st.session_state[f"attack_strength_{norm}"] = strength


_STEPS = "Each is 2.5 · strength / steps long; after each the picture is brought back to within the strength."
_ABOUT = {
    "fgsm": "Each value moves by the whole strength, up or down by the sign of the gradient "
    "(Goodfellow et al. 2014, arXiv:1412.6572).",
    "pgd": "Several smaller steps, each along the gradient where the last one led; stronger than one large step "
    "(Madry et al. 2017, arXiv:1706.06083).",
}


def _ask_strength(norm: str) -> int:
    whole = norm == "l2"
    label = "Strength: length of the whole change, in levels of 255" if whole else "Strength, in levels of 255"
    about = (
        "The square root of the sum of all squared changes."
        if whole
        else "A value goes from 0 to 255; none is changed by more than this."
    )
    key = f"attack_strength_{norm}"
    st.session_state.setdefault(key, FIRST[norm])
    return int(st.slider(label, STEP[norm], MOST[norm], step=STEP[norm], key=key, help=about, persist_state="session"))


def _ask_towards(network: Network, answer: int) -> int | None:
    names = network.class_names
    chosen = st.selectbox(
        "Turn the answer to",
        [ANY, *(index for index in range(len(names)) if index != answer)],
        format_func=lambda index: "Any other class" if index == ANY else names[index],
        key=f"attack_towards_{network.id}_{answer}",
        width=220,
    )
    return None if chosen in (ANY, None) else int(chosen)
