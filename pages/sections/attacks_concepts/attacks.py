"""Attack: a change too small to see that turns the answer, and what becomes of the explanation."""

from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from PIL import Image

from core.errors import ConvScopeError
from core.explain.methods.registry import METHODS
from core.figures.scales import ColorScale
from core.formatting import number, share
from core.glossary import GLOSSARY
from core.inference.network import Network
from pages.sections.attacks_concepts.attack_inference import (
    NUM_RANDOM_CHANGES,
    as_picture,
    attacked,
    explained,
    growing,
)
from pages.shared.display.before_after import answers, before_after
from pages.shared.display.class_bars import class_name
from pages.shared.display.map_grid import color_bar
from pages.shared.display.vega_charts import chart
from pages.shared.network import inference
from pages.shared.network.comparison import collect_results, unwrap
from pages.shared.picture import input_image
from pages.shared.picture.pixels import enlarged, shown
from pages.shared.shell import session
from pages.shared.shell.controls import ask_one, settings_menu
from pages.shared.shell.layout import escape_markdown, show_errors
from pages.shared.shell.section import Section

if TYPE_CHECKING:
    from core.explain.attacks import Attack, AttackResult
    from core.explain.attribution import Attribution

ATTACK_METHODS = {"fgsm": "FGSM: one step", "pgd": "PGD: several steps"}
NORMS = {"linf": "Each value (L∞)", "l2": "The whole picture (L2)"}
DEFAULT_STRENGTHS = {"linf": 8, "l2": 256}
MAX_STRENGTHS = {"linf": 64, "l2": 2048}
STRENGTH_STEPS = {"linf": 1, "l2": 16}
ANY_CLASS = -1  # instead of a class


def ask_attack(network: Network, picture: input_image.InputImage, answer: int) -> "Attack":
    """Ask how to attack a picture of which the network says `answer`."""
    from core.explain.attacks import Attack

    with settings_menu("attack_controls", _MENU):
        with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
            method = ask_one("Method", ATTACK_METHODS, "attack_by")
            towards = _ask_towards(network, answer)
            norm, steps = "linf", 10
            if method == "pgd":
                norm = ask_one("Strength is measured by", NORMS, "attack_norm", help=GLOSSARY["norm"])
                steps = st.number_input(
                    "Steps", 1, 100, 10, key="attack_steps", width=110, persist_state="session", help=_STEPS
                )
        strength = _ask_strength(norm)
        st.caption(_ABOUT[method])
    return Attack(method, strength, norm, int(steps), towards)  # type: ignore[arg-type]


_MENU = "How the picture is attacked, how strongly, and towards which class."


def _summary(network: Network, attack: "Attack") -> str:
    """Return how a picture is attacked, in a line of Markdown."""
    steps = f", {attack.steps} steps" if attack.method == "pgd" else ""
    unit = "levels long (L2)" if attack.norm == "l2" else "of 255 levels a value (L∞)"
    towards = "any other class" if attack.towards is None else f"“{class_name(network, attack.towards)}”"
    return f"{attack.method.upper()}{steps} · {attack.strength} {unit} · to {towards}"


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
    st.session_state.setdefault(key, DEFAULT_STRENGTHS[norm])
    return int(
        st.slider(
            label,
            STRENGTH_STEPS[norm],
            MAX_STRENGTHS[norm],
            step=STRENGTH_STEPS[norm],
            key=key,
            help=about,
            persist_state="session",
        )
    )


def _ask_towards(network: Network, answer: int) -> int | None:
    names = network.class_names
    chosen = st.selectbox(
        "Turn the answer to",
        [ANY_CLASS, *(index for index in range(len(names)) if index != answer)],
        format_func=lambda index: "Any other class" if index == ANY_CLASS else names[index],
        key=f"attack_towards_{network.id}_{answer}",
        width=220,
    )
    return None if chosen in (ANY_CLASS, None) else int(chosen)


EXPLAIN = ("grad_cam", "saliency", "input_x_gradient", "integrated_gradients", "guided_backprop")
_STYLE = """<style>
[class*="st-key-attacked_"] img, [class*="st-key-before_after_"] img { image-rendering: pixelated; }
[class*="st-key-attacked_"] [data-testid="stElementToolbar"] { display: none; }
</style>"""


def attack_section(network: Network, picture: input_image.InputImage, target: int) -> None:
    """Let a picture be attacked, and show the change, the answers and the explanations before and after.

    Args:
        network: Whose network is attacked.
        picture: The picture.
        target: The class to explain.
    """
    st.html(_STYLE)
    st.markdown(
        "Every pixel is moved a little in the direction that misleads the network most. People hardly see the "
        "difference; networks do."
    )
    answer = int(inference.probabilities(network, picture).argmax())
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        attack_config = ask_attack(network, picture, answer)
        about = f"{_ABOUT[attack_config.method]} {GLOSSARY['norm']}"
        st.caption(_summary(network, attack_config), width="stretch", help=about)
    comparison = attacked(network, picture, attack_config)
    if comparison is None:
        return
    result, num_turned = comparison
    _verdict(network, result, num_turned)
    _pictures(picture, result)
    with st.grid(2, min_column_width=320, gap="large"):
        with st.container():
            st.markdown("**Its answer**")
            answers(network, picture, result.before.numpy(), result.after.numpy())
        with st.container(), show_errors():
            _explanations(network, picture, result, target)
    _smallest(network, picture, attack_config)


def _pictures(picture: input_image.InputImage, result: "AttackResult") -> None:
    """Show the picture, what was added and what came of it."""
    change = result.change.numpy().astype(np.float64)
    mean = change.mean(axis=0)
    reach = max(1.0, float(np.abs(mean).max()))
    scale = ColorScale("diverging", -reach, reach)
    with st.grid(3, min_column_width=200):
        with st.container(border=True, height="stretch", key="attacked_before", gap="xsmall"):
            st.markdown("**The picture**")
            st.image(enlarged(picture.array()), width="stretch", alt="The picture before the attack")
            st.caption(escape_markdown(picture.title))
        with st.container(border=True, height="stretch", key="attacked_change", gap="xsmall"):
            st.markdown(f"**The change, {number(255 / reach)} × amplified**")
            words = _change_words(change, reach)
            st.image(enlarged(scale.rgb(mean)), width="stretch", alt=f"The change of each pixel. {words}")
            color_bar(scale, words)
        with st.container(border=True, height="stretch", key="attacked_after", gap="xsmall"):
            st.markdown("**The attacked picture**")
            pixels = shown(result.pixels.numpy())
            st.image(enlarged(pixels), width="stretch", alt="The picture after the attack")
            st.caption("Rounded to whole levels, as a file holds it: what is predicted is this very picture.")
            st.download_button(
                "Save it", _png(pixels), "attacked.png", "image/png", icon=":material/download:", on_click="ignore"
            )


def _change_words(change: np.ndarray, reach: float) -> str:
    average = ", mean of the channels" if len(change) > 1 else ""
    moved = float((change != 0).any(axis=0).mean())
    return (
        f"Red: made brighter; blue: made darker{average}; full colour is {number(reach)} of 255 levels. "
        f"{moved:.0%} of the pixels changed, no value by more than {int(np.abs(change).max())} levels; "
        f"the whole change is {number(float(np.sqrt((change**2).sum())))} levels long (L2)."
    )


def _verdict(network: Network, result: "AttackResult", num_turned: int) -> None:
    """Say whether it worked, and what chance would have done."""
    was, now = (class_name(network, int(each.argmax())) for each in (result.before, result.after))
    turn = "turn" if num_turned > 1 else "turns"
    chance = f"Of {NUM_RANDOM_CHANGES} random changes of the same size, {num_turned or 'none'} {turn} it."
    if result.successful:
        st.success(f"The answer turns from “{was}” to “{now}”. {chance}", icon=":material/bolt:")
    elif was != now:
        towards = class_name(network, result.attack.towards or 0)
        st.info(f"The answer turns to “{now}”, but not yet to “{towards}”. {chance}", icon=":material/trending_up:")
    else:
        advice = "raise the strength" + ", or let PGD take several steps" * (result.attack.method == "fgsm")
        st.info(
            f"The answer is still “{was}”: {advice}. {chance}",
            icon=":material/shield:",
        )


def _explanations(network: Network, picture: input_image.InputImage, result: "AttackResult", target: int) -> None:
    """Explain one class of the picture before and after, by one method."""
    from core.explain.compatibility import incompatibility
    from core.explain.strength import in_place_of, maps_that_say_something

    now = int(result.after.argmax())
    classes = {str(target): f"“{class_name(network, target)}”"} | {str(now): f"“{class_name(network, now)}”"}
    st.markdown("**What speaks for a class, before and after**")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = int(ask_one("Class", classes, f"attack_class_{target}_{now}")) if len(classes) > 1 else target
        method = METHODS[
            st.selectbox(
                "Explain by",
                EXPLAIN,
                format_func=lambda name: METHODS[name].title,
                key="attack_method",
                width=220,
                persist_state="session",
            )
        ]
    reason = incompatibility(network.model, method.name)
    if reason:
        st.info(escape_markdown(reason), icon=":material/block:")
        return
    pair = (picture, as_picture(picture, result))
    maps = explained(network, pair, chosen, method)
    if maps is None:
        return

    def explain(name: str) -> "list[Attribution | ConvScopeError]":
        return collect_results(pair, lambda each: inference.attribution(network, each, chosen, name))

    name, results, reason = maps_that_say_something(method.name, maps, explain)
    if reason:
        st.caption(escape_markdown(in_place_of(name, reason)))
    before_after(METHODS[name], [each.array() for each in pair], [unwrap(each) for each in results])


def _smallest(network: Network, picture: input_image.InputImage, attack_config: "Attack") -> None:
    """Find how little is enough, on a press."""
    from core.figures.flips import flip_chart, flip_rows

    st.markdown("**How little is enough?**")
    outcomes = growing(network, picture, attack_config)
    if outcomes is None:
        return
    last = outcomes[-1]
    sure = share(float(last.after.max()))
    if last.successful:
        st.markdown(
            f"The smallest of the strengths tried that turns the answer is **{last.attack.strength}**: "
            f"“{class_name(network, int(last.after.argmax()))}”, {sure} sure."
        )
        st.button(
            f"Use strength {last.attack.strength}",
            icon=":material/tune:",
            key="use_strength",
            on_click=set_strength,
            args=(attack_config.norm, last.attack.strength),
        )
    else:
        st.markdown(f"None of the strengths up to **{last.attack.strength}** turns the answer.")
    rows = flip_rows(outcomes, network.class_names)
    with st.container(width=640):
        chart(
            flip_chart(rows, theme=session.theme()),
            rows,
            key="flips",
            alt="Probability of the answer and of the class that replaces it, by the strength of the attack",
        )
    st.caption(
        f"Tried: {', '.join(str(each.attack.strength) for each in outcomes)}. Strength 0 is the picture as it is."
    )


def _png(pixels: np.ndarray) -> bytes:
    file = BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(file, "PNG")
    return file.getvalue()


SECTION = Section("attack", "Attack", attack_section, heading=lambda *_: "A small change that turns the answer")
