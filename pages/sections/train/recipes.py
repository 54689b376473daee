"""Breaking a training on purpose: guess what happens, start it, and see whether the diagnosis names it."""

from collections.abc import Sequence

import streamlit as st

from core.data.arrays import is_stored
from core.data.catalog import DATASETS
from core.runs.names import fitting_name
from core.runs.records import Run
from core.train.diagnosis.diagnose import RULES
from core.train.diagnosis.finding import Finding
from core.train.recipes import ORIGIN, RECIPES, guess_of, recipe_note, sound
from pages.shared.run.start import START, start
from pages.shared.shell import navigation, session
from pages.shared.shell.layout import escape_markdown, show_errors
from pages.shared.shell.section import Section
from pages.shared.tour.guess import ask_guess, show_guess


def recipe_gallery() -> None:
    """Show all recipes, each with its question; one that is answered can be started. An answer draws only this anew."""
    draft = _bench()
    st.markdown(
        f"Guess first, then watch. Each starts from **{escape_markdown(draft.spec.name)}** on "
        f"**{escape_markdown(DATASETS[draft.dataset].title)}** with the usual settings, and one fault."
    )
    with st.grid(3, min_column_width=230):
        for key in RECIPES:
            with st.container(border=True, height="stretch", key=f"recipe_{key}"):
                _card(key, draft)


def _bench() -> session.Draft:
    """Return what the recipes start from: what would be trained next, if it can be had at once and breaks easily."""
    draft = session.draft()
    if DATASETS[draft.dataset].download_mb and not is_stored(draft.dataset):
        draft = session.draft_for(draft, session.FIRST_DATASET)
    return session.Draft(draft.dataset, sound(draft.spec))


def _card(key: str, draft: session.Draft) -> None:
    recipe = RECIPES[key]
    st.markdown(f"**{recipe.title}**  \n{recipe.summary}")
    guess = ask_guess(recipe.question, recipe.choices, f"guess_{key}")
    hint = "Answer first." if guess is None else "Begins from fresh weights; trainings that run already go on."
    with show_errors():
        pressed = st.button(START, key=f"start_{key}", icon=":material/play_arrow:", disabled=guess is None, help=hint)
        if pressed and guess is not None:
            navigation.go("train", run=_begin(key, guess, draft))


def _begin(key: str, guess: int, draft: session.Draft) -> str:
    info, recipe = DATASETS[draft.dataset], RECIPES[key]
    spec, config = recipe.make(draft.spec, session.config(), info.split_sizes[0])
    name = fitting_name(f"{recipe.title} · {info.title}")
    return start(
        session.Draft(draft.dataset, spec), config, name, note=recipe_note(key, guess), origin=f"{ORIGIN}{key}:{guess}"
    )


def recipe_outcome(run: Run, findings: Sequence[Finding]) -> None:
    """Of a run that breaks on purpose, say what was guessed, what was right, and whether the diagnosis named it."""
    answered = guess_of(run)
    if answered is None:
        return
    key, guess = answered
    recipe = RECIPES[key]
    if run.status.active:
        show_guess(recipe.question, recipe.choices, guess, None, "")
        return
    if not recipe.expects:
        named = not findings
        words = "The diagnosis found nothing, as it should." if named else "The diagnosis found something all the same."
    else:
        named = any(finding.rule == recipe.expects for finding in findings)
        words = f"The diagnosis named it: {RULES[recipe.expects].title.lower()}."
        if not named:
            words = "The diagnosis did not name it: here the network coped, or it was stopped too early to tell."
    show_guess(recipe.question, recipe.choices, guess, recipe.right if named else None, words)


SECTION = Section("recipes", "Break it on purpose", recipe_gallery)
