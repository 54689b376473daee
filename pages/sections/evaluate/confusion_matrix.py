"""The confusion matrix: click a cell to see its images."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.evaluation.confusion import busiest, cell, mistakes
from core.figures.confusions import MEASURES, confusion_chart, confusion_rows, most_mistaken
from pages.sections.evaluate.each_network import for_each, judging_section
from pages.shared.display.tables import from_rows
from pages.shared.evaluation.evaluate_split import EvaluatedSplit
from pages.shared.evaluation.image_gallery import image_row
from pages.shared.shell import session
from pages.shared.shell.controls import ask_one
from pages.shared.shell.layout import escape_markdown

if TYPE_CHECKING:
    import numpy as np

MAX_CLASSES = 25  # classes that have room on the screen
PAIRS, FEW = 5, 12


def ask_measure() -> None:
    """Ask whether cells are counts or shares."""
    ask_one("Numbers", MEASURES, "confusion_measure")


def confusion_section(evaluated: EvaluatedSplit, side: int, alike: Sequence[EvaluatedSplit]) -> None:
    """Show which classes are taken for which, and the images of one cell.

    Args:
        evaluated: What came of asking a network.
        side: Which one, 0 or 1.
        alike: The networks on the page that know the same classes, this one among them: the first one asks for the cell
            that all of them show, and one scale colours all.
    """
    counts, names, asks = evaluated.report.counts, evaluated.names, alike[0] is evaluated
    measure = st.session_state.get("confusion_measure") or next(iter(MEASURES))
    alone = st.columns([11, 10], gap="medium") if _wide() else (st.container(), st.container())
    true, predicted = _cell_keys(evaluated)
    if asks or true not in st.session_state:
        _begin(counts, true, predicted)
    with alone[0]:
        _matrix(evaluated, measure, (st.session_state[true], st.session_state[predicted]), side, alike)
    with alone[1]:
        _pairs(counts, names, true, predicted, side)
        if asks:
            _ask_cell(names, true, predicted)
        _cell(evaluated, (st.session_state[true], st.session_state[predicted]), side)


def _wide() -> bool:
    """Say whether one network has the page for itself."""
    return "other" not in st.query_params


def _cell_keys(evaluated: EvaluatedSplit) -> tuple[str, str]:
    """Return the keys of the two controls that name the cell; other classes have other controls."""
    about = evaluated.network.dataset_name
    return f"cell_true_{about}", f"cell_predicted_{about}"


def _begin(counts: "np.ndarray", true: str, predicted: str) -> None:
    """Begin with the mistake that is made most often, or with a right answer where there is none."""
    limits = range(len(counts))
    if st.session_state.get(true) in limits and st.session_state.get(predicted) in limits:
        st.session_state[true], st.session_state[predicted] = st.session_state[true], st.session_state[predicted]
        return
    wrong = mistakes(counts)
    st.session_state[true], st.session_state[predicted] = wrong[0][:2] if wrong else (0, 0)


def _matrix(
    evaluated: EvaluatedSplit, measure: str, chosen: tuple[int, int], side: int, alike: Sequence[EvaluatedSplit]
) -> None:
    names, counts = evaluated.names, evaluated.report.counts
    most = max(most_mistaken(each.report.counts, measure) for each in alike)
    shown = busiest(counts, MAX_CLASSES).tolist()
    key = f"confusion_{evaluated.network.dataset_name}_{side}"
    true, predicted = _cell_keys(evaluated)

    def on_cell_click() -> None:
        place = clicked(st.session_state[key], len(names))
        if place is not None:
            st.session_state[true], st.session_state[predicted] = place

    st.vega_lite_chart(
        from_rows(confusion_rows(counts, names, measure, chosen, shown, most)),
        confusion_chart([names[index] for index in shown], theme=session.theme()),
        key=key,
        on_select=on_cell_click,
        selection_mode="cell",
        alt="Confusion matrix: true classes down, predicted classes across. The two lists beside it choose a cell too.",
    )
    if alike[0] is evaluated:
        _caption(measure, len(shown), len(names), several=len(alike) > 1)


def small_matrix(evaluated: EvaluatedSplit, side: int, alike: Sequence[EvaluatedSplit]) -> None:
    """Draw the counts alone, without a choice of cell."""
    names, counts = evaluated.names, evaluated.report.counts
    shown = busiest(counts, MAX_CLASSES).tolist()
    most = max(most_mistaken(each.report.counts, "counts") for each in alike)
    st.vega_lite_chart(
        from_rows(confusion_rows(counts, names, "counts", None, shown, most)),
        confusion_chart([names[index] for index in shown], theme=session.theme()),
        key=f"small_confusion_{evaluated.network.dataset_name}_{side}",
        alt="Confusion matrix: true classes down, predicted classes across",
    )
    st.caption(
        "True class on the left, answer below; the stronger the colour, the more often. Confusion has its images."
    )


def _caption(measure: str, shown: int, there: int, *, several: bool) -> None:
    what = "how many images" if measure == "counts" else "what share of a true class's images"
    against = "of both networks" if several else "of all"
    words = (
        f"Each cell says {what} of the class on the left were taken for the class below. The stronger the colour, the "
        f"more often that mistake was made, against the most frequent one {against}; right answers, "
        "on the diagonal, have no colour. Empty: never. **Click a cell to see its images.**"
    )
    if shown < there:
        words += f" Of {there} classes, the {shown} with the most mistakes."
    st.caption(words)


def clicked(value: object, classes: int) -> tuple[int, int] | None:
    """Return the cell that the browser says was clicked, or None: a second click on it takes the choice back."""
    selection = value.get("selection") if isinstance(value, Mapping) else None
    cells = selection.get("cell") if isinstance(selection, Mapping) else None
    if not isinstance(cells, list) or not cells or not isinstance(cells[0], Mapping):
        return None
    row, column = cells[0].get("row"), cells[0].get("column")
    if type(row) is not int or type(column) is not int:
        return None
    return (row, column) if row in range(classes) and column in range(classes) else None


def _pairs(counts: "np.ndarray", names: Sequence[str], true: str, predicted: str, side: int) -> None:
    """Offer the mistakes that are made most often."""
    wrong = mistakes(counts)
    if not wrong:
        st.success("No image is taken for another class.", icon=":material/check:")
        return

    def on_pair_click(row: int, column: int) -> None:
        st.session_state[true], st.session_state[predicted] = row, column

    st.markdown("**Mixed up most often**")
    with st.container(horizontal=True, gap="xsmall", key=f"mixed_up_{side}"):
        for row, column, count in wrong[:PAIRS]:
            here = (st.session_state[true], st.session_state[predicted]) == (row, column)
            st.button(
                f"{escape_markdown(names[row])} → {escape_markdown(names[column])} :small[({count})]",
                key=f"mixed_{side}_{row}_{column}",
                type="primary" if here else "secondary",
                on_click=on_pair_click,
                args=(row, column),
            )


def _ask_cell(names: Sequence[str], true: str, predicted: str) -> None:
    with st.grid(2, min_column_width=140, gap="small"):
        for label, key in (("True class", true), ("Taken for", predicted)):
            st.selectbox(label, range(len(names)), format_func=names.__getitem__, key=key, persist_state="session")


def _cell(evaluated: EvaluatedSplit, chosen: tuple[int, int], side: int) -> None:
    names, (row, column) = evaluated.names, chosen
    images = cell(evaluated.report.answers, row, column)
    of = int(evaluated.report.counts[row].sum())
    if not len(images):
        one = escape_markdown(names[row])
        st.info(
            f"No image of “{one}” was taken for “{escape_markdown(names[column])}”: choose another cell."
            if of
            else f"There is no image of “{one}” among these: choose another class."
        )
        return
    st.markdown(
        f"**{len(images):,} of {of:,}** images of “{escape_markdown(names[row])}” were taken for "
        f"“{escape_markdown(names[column])}”"
    )
    st.caption("The most confident first. Click one to see why.")
    image_row(evaluated, images, f"cell_images_{side}", side, at_once=FEW)


SECTION = judging_section("confusion", "Confusion", for_each(confusion_section, ask_measure))
