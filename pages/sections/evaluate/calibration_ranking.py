"""Whether a network is right as often as it is sure, and how well it ranks the images of each class."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from core.evaluation.ranking import mean_of
from core.figures.calibration import confidence_chart, reliability_chart, reliability_rows
from core.figures.ranking_curves import CURVES, ranking_chart, ranking_rows
from core.glossary import GLOSSARY
from core.runs.scores import accuracy_text
from pages.sections.evaluate.each_network import for_each, judging_section
from pages.shared.evaluation.evaluate_split import EvaluatedSplit
from pages.shared.shell import session
from pages.shared.shell.layout import escape_markdown

if TYPE_CHECKING:
    from core.evaluation.calibration import Reliability

NARROWEST = 320


def curves_section(evaluated: EvaluatedSplit, side: int, alike: Sequence[EvaluatedSplit]) -> None:
    """Show the calibration of a network, and its curves of one class against the rest."""
    _calibration(evaluated.report.reliability, side)
    _rankings(evaluated, side)


def _calibration(measured: "Reliability", side: int) -> None:
    st.subheader("Is it right as often as it is sure?", anchor=False, help=GLOSSARY["calibration"])
    gap, widest = measured.confidence - measured.accuracy, max(measured.bins, key=lambda each: abs(each.gap))
    images = sum(each.images for each in measured.bins)
    verdict = "too sure of itself" if gap > 0 else "less sure than it could be"
    if abs(gap) < 0.005:
        verdict = "about as sure as it should be"
    right = accuracy_text(measured.accuracy, images)
    st.markdown(
        f"Its answers are **{measured.confidence:.1%}** sure on average, and **{right}** are right: "
        f"it is {verdict}. Expected calibration error **{measured.expected_error:.1%}**, largest gap "
        f"{measured.largest_error:.1%}, among {widest.images:,} image{'s' * (widest.images != 1)}."
    )
    rows = reliability_rows(measured)
    with st.grid(2, min_column_width=NARROWEST, gap="medium"):
        with st.container():
            st.markdown("**Reliability diagram**")
            st.vega_lite_chart(
                pd.DataFrame(rows),
                reliability_chart(theme=session.theme()),
                key=f"reliability_{side}",
                alt="Share of right answers by confidence; on the dashed line both are equal",
            )
        with st.container():
            st.markdown("**How many answers are so sure**")
            st.vega_lite_chart(
                pd.DataFrame(rows),
                confidence_chart(theme=session.theme(), height=260),
                key=f"confidences_{side}",
                alt="Number of images by confidence of the answer",
            )
    st.caption(
        "A bar is the share of right answers among those of about that confidence, with its 95% interval at their mean "
        "confidence. Bars below the dashed line: too sure; above: not sure enough. The expected calibration error is "
        "the mean distance from the line, each bin weighted by its images (Guo et al. 2017, arXiv:1706.04599)."
    )


def _rankings(evaluated: EvaluatedSplit, side: int) -> None:
    ranked, names = evaluated.report.rankings, evaluated.names
    st.subheader("How well does it tell one class from the rest?", anchor=False, help=GLOSSARY["ranking"])
    weakest = min(
        (index for index, each in enumerate(ranked) if each.average_precision is not None),
        key=lambda index: ranked[index].average_precision or 0.0,
    )
    key = f"ranking_class_{evaluated.network.dataset_name}_{side}"
    if st.session_state.get(key) not in range(len(names)):
        st.session_state[key] = weakest
    chosen = st.selectbox(
        "Class against the rest",
        range(len(names)),
        format_func=names.__getitem__,
        key=key,
        width=260,
        help="At first the one with the lowest average precision.",
    )
    each = ranked[chosen]
    auc, average = mean_of(tuple(one.auc for one in ranked)), mean_of(tuple(one.average_precision for one in ranked))
    numbers = {
        "roc": ("AUC", each.auc, auc),
        "precision_recall": ("Average precision", each.average_precision, average),
    }
    with st.grid(2, min_column_width=NARROWEST, gap="medium"):
        for curve, (title, value, mean) in numbers.items():
            with st.container():
                one, all_ = _number(value), _number(mean)
                st.markdown(
                    f"**{CURVES[curve]}** · {title} {one} :small[(mean of all classes {all_})]", help=GLOSSARY[curve]
                )
                if value is None:
                    st.info(_why(each.images, names[chosen]), icon=":material/block:")
                    continue
                st.vega_lite_chart(
                    pd.DataFrame(ranking_rows(ranked, names, curve, chosen)),
                    ranking_chart(curve, base=each.images / len(evaluated.images), theme=session.theme()),
                    key=f"ranking_{curve}_{side}",
                    alt=f"{CURVES[curve]} of {names[chosen]} against the rest; {title} {one}",
                )
    st.caption(
        "All images are put in order by the probability of the class; the lines say what happens as the bar for "
        "“yes” is lowered. Strong: the chosen class; faint: the others; dashed: guessing. AUC: how likely a random "
        "image of the class comes before a random other one."
    )
    _areas(evaluated, side)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _why(images: int, name: str) -> str:
    if images:
        return f"All images here are of “{escape_markdown(name)}”, so there is nothing to tell it from."
    return f"There is no image of “{escape_markdown(name)}” here, so the curve has no value: choose another class."


def _areas(evaluated: EvaluatedSplit, side: int) -> None:
    ranked = evaluated.report.rankings
    panel = st.expander("All classes as a table", key=f"ranking_table_{side}", on_change="rerun")
    if not panel.open:
        return
    with panel:
        table = pd.DataFrame(
            {
                "Class": evaluated.names,
                "Images": [each.images for each in ranked],
                "AUC": pd.Series([each.auc for each in ranked], dtype=float),
                "Average precision": pd.Series([each.average_precision for each in ranked], dtype=float),
            }
        )
        form = {name: st.column_config.NumberColumn(name, format="%.3f") for name in ("AUC", "Average precision")}
        st.dataframe(
            table, hide_index=True, column_config=form, placeholder="–", alt="AUC and average precision by class"
        )


SECTION = judging_section("curves", "Calibration & curves", for_each(curves_section))
