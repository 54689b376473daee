"""How good a network is, in numbers: of all images, and class by class."""

from collections.abc import Iterable, Sequence
from math import log
from typing import TYPE_CHECKING, Literal

import streamlit as st

from core.runs.scores import accuracy_text, caution
from pages.sections.evaluate.confusion_matrix import small_matrix
from pages.sections.evaluate.each_network import for_each, judging_section
from pages.shared.display.tables import from_columns
from pages.shared.evaluation.cross_validation import by_all_images
from pages.shared.evaluation.evaluate_split import SPLITS, EvaluatedSplit
from pages.shared.evaluation.image_gallery import image_row
from pages.shared.shell.layout import escape_markdown

if TYPE_CHECKING:
    from core.evaluation.metrics import Averages, ClassScores, Scores
    from core.explain.metrics.pointing_game import Rate

MEANS = {
    "Images": "How many images are of this class.",
    "Predicted": "How many images were taken for this class.",
    "Precision": "Of the images taken for this class, the share that really is of it.",
    "Recall": "Of the images of this class, the share that was recognised.",
    "F1": "The harmonic mean of precision and recall: high only if both are.",
}
SHARES = ["Precision", "Recall", "F1"]
NUM_MISTAKES = 3
AVERAGES = {"macro": "Macro", "micro": "Micro", "weighted": "Weighted"}


def overview_section(evaluated: EvaluatedSplit, side: int, alike: Sequence[EvaluatedSplit]) -> None:
    """Show how good a network is in one number, which classes it mixes up and three mistakes; the rest folded."""
    scores = evaluated.report.scores
    number, matrix = st.columns([2, 3], gap="large") if "other" not in st.query_params else (st.container(),) * 2
    with number:
        _accuracy(evaluated, side)
        _baseline(evaluated)
        _mistakes(evaluated, side)
    with matrix:
        st.markdown("**Which classes it mixes up**")
        small_matrix(evaluated, side, alike)
    with st.expander(
        "More measures: top 3, cross-entropy, Brier score, calibration error", icon=":material/monitoring:"
    ):
        _figures(evaluated)
    with st.expander("Precision, recall and F1 of each class, and their averages", icon=":material/table:"):
        _table(evaluated, side)
        st.markdown("**Averaged over the classes**")
        _averages(scores, side)


def _accuracy(evaluated: EvaluatedSplit, side: int) -> None:
    """Write the share of right answers with its interval; of few images their count."""
    accuracy, images = evaluated.report.scores.accuracy, len(evaluated.images)
    interval = f"{accuracy.low:.1%} to {accuracy.high:.1%}"
    _figure(
        "Accuracy",
        accuracy_text(accuracy.value, images),
        interval,
        "The share of images whose likeliest class is the true one. Below: Wilson's 95% interval, since other "
        "images of the same kind would give another share.",
        height="content",
    )
    if words := caution(images):
        st.caption(words)
    if evaluated.network.run is not None and not evaluated.network.change:
        by_all_images(evaluated.network.run, f"evaluate_{side}")


def _mistakes(evaluated: EvaluatedSplit, side: int) -> None:
    """Show the wrong answers that the network was surest of."""
    from core.evaluation.galleries import confidently_wrong

    wrong = confidently_wrong(evaluated.report.answers)
    if not len(wrong):
        st.caption(":material/check: It makes no mistake here.")
        return
    st.markdown("**Its surest mistakes**" if len(wrong) > 1 else "**Its one mistake**")
    image_row(evaluated, wrong[:NUM_MISTAKES], f"overview_wrong_{side}", side)
    st.caption("Above: what it says and how sure it is; below: the label. Click one to see why.")


def _figures(evaluated: EvaluatedSplit) -> None:
    scores, calibration = evaluated.report.scores, evaluated.report.reliability
    with st.grid(3, min_column_width=140, gap="small"):
        for k, rate in scores.top.items():
            _rate(f"Top {k}", rate, f"The share of images whose true class is among the {k} likeliest.")
        _figure("Cross-entropy", f"{scores.cross_entropy:.3f}", "nats", _cross_entropy(len(evaluated.names)))
        _figure(
            "Brier score",
            f"{scores.brier:.3f}",
            f"MSE {scores.mse:.4f}",
            "The squared distance between the probabilities and the truth (1 for the true class, 0 for the others), "
            "summed over classes: 0 is perfect, 2 is certain and wrong. MSE is its mean over the classes.",
        )
        _figure(
            "Calibration error",
            f"{calibration.expected_error:.1%}",
            "expected (ECE)",
            "How far the confidence of answers is from the share that is right, on average: see Calibration & curves.",
        )


def _cross_entropy(classes: int) -> str:
    return (
        "The mean of −ln of the true class's probability: 0 is certain and right. Giving every class the same "
        f"probability costs ln {classes} = {log(classes):.2f}."
    )


def _rate(label: str, rate: "Rate", words: str) -> None:
    _figure(label, f"{rate.value:.1%}", f"{rate.low:.1%} to {rate.high:.1%}", words)


def _figure(label: str, value: str, below: str, words: str, height: Literal["content", "stretch"] = "stretch") -> None:
    st.metric(label, value, below, delta_color="off", delta_arrow="off", help=words, border=True, height=height)


def _baseline(evaluated: EvaluatedSplit) -> None:
    scores = evaluated.report.scores
    most = scores.classes[scores.commonest].images / scores.images
    st.caption(
        f"{round(scores.accuracy.value * scores.images):,} of {scores.images:,} {SPLITS[evaluated.split].lower()} are "
        f"right. Always answering “{escape_markdown(evaluated.names[scores.commonest])}” would be right for {most:.1%}."
    )


def _table(evaluated: EvaluatedSplit, side: int) -> None:
    classes = evaluated.report.scores.classes
    table = from_columns(
        {
            "Class": evaluated.names,
            "Images": [each.images for each in classes],
            "Predicted": [each.predicted for each in classes],
            **_per_cent(classes),
        }
    )
    shares = {name: st.column_config.NumberColumn(name, help=MEANS[name], format="%.1f%%") for name in SHARES}
    whole = {name: st.column_config.NumberColumn(name, help=MEANS[name]) for name in ("Images", "Predicted")}
    st.dataframe(
        table,
        hide_index=True,
        column_config=whole | shares,
        key=f"evaluation_classes_{side}",
        placeholder="–",
        alt="Images, predictions, precision, recall and F1 of each class",
    )
    never = [name for name, each in zip(evaluated.names, classes, strict=True) if not each.predicted]
    absent = [name for name, each in zip(evaluated.names, classes, strict=True) if not each.images]
    words = "Point at a heading for its meaning, click it to sort."
    words += _undefined("never predicted: precision has no value there", never)
    words += _undefined("without an image here: recall has no value there", absent)
    st.caption(words)


def _undefined(what: str, names: Sequence[str]) -> str:
    if not names:
        return ""
    listed = ", ".join(f"“{escape_markdown(name)}”" for name in names[:5]) + (
        "" if len(names) <= 5 else f" and {len(names) - 5} more"
    )
    return f" {listed}: {what} (–), and counts as 0 in the averages."


def _averages(scores: "Scores", side: int) -> None:
    rows = scores.averages
    table = from_columns({"Average": [AVERAGES[name] for name in rows], **_per_cent(rows.values())})
    shares = {name: st.column_config.NumberColumn(name, format="%.1f%%") for name in SHARES}
    st.dataframe(
        table,
        hide_index=True,
        column_config=shares,
        key=f"evaluation_averages_{side}",
        alt="Precision, recall and F1 averaged over the classes in three ways",
    )
    st.caption(
        "Macro: each class counts alike. Micro: each image counts alike, which with one label for each image is the "
        "accuracy. Weighted: each class counts by its images."
    )


def _per_cent(scores: "Iterable[ClassScores | Averages]") -> dict[str, list[float | None]]:
    rows = [(each.precision, each.recall, each.f1) for each in scores]
    columns = zip(SHARES, zip(*rows, strict=True), strict=True)
    return {name: [None if value is None else 100 * value for value in column] for name, column in columns}


SECTION = judging_section("overview", "Overview", for_each(overview_section))
