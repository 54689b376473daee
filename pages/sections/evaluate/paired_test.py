"""Two networks on the same images: which ones only one of them gets, and whether that can be luck."""

from typing import TYPE_CHECKING

import streamlit as st

from core.errors import RunError
from core.formatting import p_value
from core.inference.network import Network
from pages.sections.evaluate.each_network import judging_section
from pages.shared.evaluation.evaluate_split import NOTHING_HERE, SPLITS, EvaluatedSplit, judged
from pages.shared.evaluation.image_gallery import image_row
from pages.shared.network.missing_images import missing_images
from pages.shared.shell.controls import ask_one

if TYPE_CHECKING:
    from core.evaluation.comparison import Comparison

GROUPS = {
    "only_first": "Only A is right",
    "only_other": "Only B is right",
    "neither": "Both are wrong",
    "both": "Both are right",
}


def contest_section(networks: tuple[Network, ...], split: str) -> None:
    """Show which images one of two networks gets and the other does not.

    Raises:
        ConvScopeError: One of them cannot be judged, or they were made for different images.
    """
    if len(networks) < 2:
        st.info(
            "Put a second network, or another epoch of this one, beside it by Compare, above: then the images that "
            "only one of the two gets are shown here.",
            icon=":material/compare_arrows:",
        )
        return
    first, other = networks
    if other.pretrained is not None:
        raise RunError(NOTHING_HERE)
    if first.dataset_name != other.dataset_name:
        raise RunError(
            "The two networks were trained on different data sets, so there is no image that both can be judged on: "
            "choose another network B."
        )
    if missing_images(other, "1_"):
        return
    splits = judged(first, split, "0"), judged(other, split, "1")
    if splits[0] is not None and splits[1] is not None:
        _show(splits[0], splits[1])


def _show(first: EvaluatedSplit, other: EvaluatedSplit) -> None:
    from core.evaluation.comparison import compare, significance_verdict

    compared = compare(first.report.answers, other.report.answers)
    _figures(first, other, compared)
    st.markdown(significance_verdict(compared.test))
    titles = {name: f"{title} · {len(getattr(compared, name)):,}" for name, title in GROUPS.items()}
    group = ask_one("Images", titles, "contest_group")
    images = getattr(compared, group)
    if not len(images):
        st.info("There is no such image.", icon=":material/check:")
        return
    right_network = other if group == "only_first" else first
    sure = right_network.report.answers.confidence[images]
    images = images[(-sure).argsort(kind="stable")]
    who = "B, which is wrong," if right_network is other else "A"
    st.caption(f"Those first of which {who} is surest. Click an image to see why, in both networks.")
    image_row(first, images, f"contest_{group}", 0, other=other)


def _figures(first: EvaluatedSplit, other: EvaluatedSplit, compared: "Comparison") -> None:
    test = compared.test
    with st.grid(4, min_column_width=150, gap="small"):
        for letter, found in (("A", first), ("B", other)):
            rate = found.report.scores.accuracy
            below = f"{rate.low:.1%} to {rate.high:.1%}"
            st.metric(
                f"Accuracy of {letter}",
                f"{rate.value:.1%}",
                below,
                delta_color="off",
                delta_arrow="off",
                border=True,
                height="stretch",
                help=f"On the same {len(found.images):,} {SPLITS[found.split].lower()}; below, Wilson's 95% interval.",
            )
        apart = test.only_first + test.only_other
        st.metric(
            "Only one is right",
            f"{apart:,}",
            f"A {test.only_first:,} · B {test.only_other:,}",
            delta_color="off",
            delta_arrow="off",
            border=True,
            height="stretch",
            help="Images that one of them gets and the other does not.",
        )
        st.metric(
            "McNemar's p",
            p_value(test.p_value),
            "exact" if test.exact else f"χ² {test.statistic:.2f}",
            delta_color="off",
            delta_arrow="off",
            border=True,
            height="stretch",
            help="If both were equally good, each image that only one gets could as well have gone to the other. This "
            "is how often chance alone makes the split so uneven, or more. Exact (binomial) for fewer than 25 such "
            "images, else chi-squared with a correction for continuity (McNemar 1947, doi:10.1007/BF02295996).",
        )


SECTION = judging_section("contest", "Compare two", contest_section)
