"""The list of pages and the links between them."""

from copy import copy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, NoReturn

import streamlit as st

FOLDER = Path(__file__).resolve().parents[2]
DRAFT = "draft"  # the query parameter that holds the network and the settings of the next training
PART = "part"  # the query parameter that names a part of the page
TO_TRAIN = "Go to Train"  # on every link there that names no run: what starts one says so itself
TOUR = "tour"  # the query parameter that says at which page the guided tour is
KEPT = ("run", "epoch", "other", "other_epoch", DRAFT, TOUR)  # query parameters that every link carries on


@dataclass(frozen=True)
class PageInfo:
    """One page.

    Attributes:
        title: Its name on the screen.
        icon: A Material symbol (the font ships with Streamlit).
        section: Heading in the side menu; empty for none.
        lead: One sentence that says what the page is for.
        headline: What stands above the page instead of title and lead; empty for these two.
    """

    title: str
    icon: str
    section: str
    lead: str
    headline: str = ""


# In the order of the menu; the name is that of the file and of the address. The first is found at "/".
PAGES: dict[str, PageInfo] = {
    "home": PageInfo("Home", ":material/home:", "", "", "Watch a network learn, look inside it, ask it why."),
    "teach": PageInfo(
        "Teach",
        ":material/add_a_photo:",
        "Make",
        "Photographs of two things or more, one press, and a network tells them apart.",
    ),
    "data": PageInfo("Data", ":material/photo_library:", "Make", "Choose the pictures to learn from."),
    "build": PageInfo("Build", ":material/layers:", "Make", "Stack layers and see what each one does to the shape."),
    "train": PageInfo("Train", ":material/play_circle:", "Make", "Watch the network learn, batch by batch."),
    "runs": PageInfo("Runs", ":material/history:", "Make", "Every training so far, kept with its weights."),
    "compress": PageInfo(
        "Compress", ":material/compress:", "Make", "Make a trained network smaller, and see what it costs."
    ),
    "filters": PageInfo(
        "Filters",
        ":material/grid_view:",
        "Look inside",
        "The small patterns that a convolution has learned to look for.",
    ),
    "feature_maps": PageInfo(
        "Feature maps", ":material/visibility:", "Look inside", "What each layer makes of one image."
    ),
    "embedding": PageInfo(
        "Embedding",
        ":material/scatter_plot:",
        "Look inside",
        "The test images laid out by what a layer makes of them: watch the classes untangle.",
    ),
    "classical_vision": PageInfo(
        "Classical vision", ":material/architecture:", "Look inside", "Hand-made filters beside the learned ones."
    ),
    "maths": PageInfo(
        "Maths",
        ":material/function:",
        "Look inside",
        "Follow every sum forward and backward, checked against autograd.",
    ),
    "evaluate": PageInfo(
        "Evaluate",
        ":material/fact_check:",
        "Ask",
        "How often it is right on images it has not learned from, where it errs, and whether another is better.",
    ),
    "explain": PageInfo(
        "Explain", ":material/lightbulb:", "Ask", "Which pixels speak for a class, and which against it."
    ),
    "attacks_concepts": PageInfo(
        "Attacks and concepts",
        ":material/travel_explore:",
        "Ask",
        "What turns the answer, which training images taught it, and which concepts it uses.",
    ),
    "classify": PageInfo("Classify", ":material/image_search:", "Ask", "Give the network a picture of your own."),
}

FORMER = {  # addresses of earlier versions, which still open their page
    "saliency": "explain",
    "atlas": "embedding",
    "classical": "classical_vision",
    "beyond": "attacks_concepts",
}


def path(name: str) -> Path:
    """Return the file of a page of `PAGES`."""
    return FOLDER / f"{name}.py"


@cache
def _page(name: str) -> st.Page:
    """Return a page of `PAGES` to link to, whose file is looked up once; to be called where a script runs."""
    info = PAGES[name]
    # No icon here: Streamlit would ask fonts.gstatic.com for a favicon made of it.
    return st.Page(path(name), title=info.title, url_path=name, default=name == next(iter(PAGES)))


def pages() -> dict[str, st.Page]:
    """Return the pages of `PAGES` for one run of the script, which runs one of them."""
    return {name: copy(_page(name)) for name in PAGES}


def link(
    name: str,
    label: str | None = None,
    *,
    icon: str | None = None,
    width: Literal["content", "stretch"] = "content",
    **query: str | None,
) -> None:
    """Draw a link to a page of `PAGES` that stays with this page's run; `query` adds, replaces or (None) drops.

    The label is Markdown: pass what a user wrote through `layout.escape_markdown`.
    """
    info = PAGES[name]
    st.page_link(
        _page(name),
        label=label or info.title,
        icon=icon or info.icon,
        width=width,
        query_params=_address(query),
    )


def train_link() -> None:
    """Draw the link to where the next training is started."""
    link("train", TO_TRAIN, icon=":material/arrow_forward:", run=None)


def go(name: str, **query: str | None) -> NoReturn:
    """Leave for a page of `PAGES`, staying with this page's run; `query` adds, replaces or (None) drops."""
    st.switch_page(path(name), query_params=_address(query))


def _address(query: dict[str, str | None]) -> dict[str, str]:
    parameters: dict[str, str | None] = {key: value for key, value in st.query_params.to_dict().items() if key in KEPT}
    if query.get("run", parameters.get("run")) != parameters.get("run"):
        parameters["epoch"] = None  # it was the other run's
    return {key: value for key, value in (parameters | query).items() if value is not None}
