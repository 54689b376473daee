"""The list of pages, the side menu, and the way from an address to its page."""

from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NoReturn

import streamlit as st

FOLDER = Path(__file__).resolve().parents[1]
KEPT = ("run",)  # query parameters that every link carries on
_framed: ContextVar[bool] = ContextVar("framed", default=False)

# The mark: a kernel of 3×3, strong on its diagonal.
_SQUARES = "".join(
    f'<rect x="{2 + 10 * column}" y="{2 + 10 * row}" width="8" height="8" rx="2" opacity="{opacity}"/>'
    for row in range(3)
    for column in range(3)
    for opacity in (1 - 0.4 * abs(row - column),)
)
_SVG = '<svg xmlns="http://www.w3.org/2000/svg" fill="#0d9488" viewBox="0 0 {} 32">{}</svg>'
_NAME = '<text x="42" y="24" font-family="sans-serif" font-size="23" font-weight="600">ConvScope</text>'
MARK = _SVG.format(32, _SQUARES)
WORDMARK = _SVG.format(176, _SQUARES + _NAME)


@dataclass(frozen=True)
class PageInfo:
    """One page.

    Attributes:
        title: Its name on the screen.
        icon: A Material symbol (the font ships with Streamlit).
        section: Heading in the side menu; empty for none.
        lead: One sentence that says what the page is for.
    """

    title: str
    icon: str
    section: str
    lead: str


# In the order of the menu; the name is that of the file and of the address. The first is found at "/".
PAGES: dict[str, PageInfo] = {
    "home": PageInfo("Home", ":material/home:", "", "Watch a network learn, look inside it, ask it why."),
    "data": PageInfo("Data", ":material/photo_library:", "Make", "Choose the pictures to learn from."),
    "build": PageInfo("Build", ":material/layers:", "Make", "Stack layers and see what each one does to the shape."),
    "train": PageInfo("Train", ":material/play_circle:", "Make", "Watch the network learn, batch by batch."),
    "runs": PageInfo("Runs", ":material/history:", "Make", "Every training so far, kept with its weights."),
    "filters": PageInfo(
        "Filters",
        ":material/grid_view:",
        "Look inside",
        "The small patterns that a convolution has learned to look for.",
    ),
    "feature_maps": PageInfo(
        "Feature maps", ":material/visibility:", "Look inside", "What each layer makes of one image."
    ),
    "saliency": PageInfo(
        "Explain", ":material/lightbulb:", "Ask", "Which pixels speak for a class, and which against it."
    ),
    "classify": PageInfo("Classify", ":material/image_search:", "Ask", "Give the network a picture of your own."),
}


def path(name: str) -> Path:
    """Return the file of a page of `PAGES`."""
    return FOLDER / f"{name}.py"


def link(
    name: str,
    label: str | None = None,
    *,
    icon: str | None = None,
    width: Literal["content", "stretch"] = "content",
    **query: str,
) -> None:
    """Draw a link to a page of `PAGES` that stays with this page's run; `query` adds or replaces parameters.

    The label is Markdown: pass what a user wrote through `layout.plain`.
    """
    info = PAGES[name]
    st.page_link(
        path(name),
        label=label or info.title,
        icon=icon or info.icon,
        width=width,
        query_params=_address(query),
    )


def go(name: str, **query: str) -> NoReturn:
    """Leave for a page of `PAGES`, staying with this page's run; `query` adds or replaces parameters."""
    st.switch_page(path(name), query_params=_address(query))


def _address(query: dict[str, str]) -> dict[str, str]:
    return {key: st.query_params[key] for key in KEPT if key in st.query_params} | query


def show() -> None:
    """Run the page that the address asks for inside the frame."""
    name, chosen = _navigate()
    _run(name, chosen)


def frame(name: str) -> None:
    """Make sure that the frame is around this page, which may have been started without `app.py`.

    Streamlit runs a file of `pages/` on its own when a direct link is the first visit after a start. The frame
    is then drawn here and the page run again inside it, exactly as `app.py` would. A page that is a program of
    its own (in a test, say) gets the frame and goes on.
    """
    if _framed.get():
        return
    asked, chosen = _navigate()
    if asked == name:
        _run(name, chosen)
        st.stop()
    _draw(name)


def _navigate() -> tuple[str, st.Page]:
    first = next(iter(PAGES))
    pages = {
        # No icon here: Streamlit would ask fonts.gstatic.com for a favicon made of it.
        name: st.Page(path(name), title=info.title, url_path=name, default=name == first)
        for name, info in PAGES.items()
    }
    # The menu is our own, because Streamlit's drops the run from the address.
    chosen = st.navigation(list(pages.values()), position="hidden")
    return next((name, page) for name, page in pages.items() if page is chosen)


def _run(name: str, page: st.Page) -> None:
    _draw(name)
    token = _framed.set(True)
    try:
        page.run()
    finally:
        _framed.reset(token)


def _draw(name: str) -> None:
    st.set_page_config(
        page_title=f"{PAGES[name].title} · ConvScope",
        page_icon=MARK,
        layout="wide",
        menu_items={"Get help": None, "Report a bug": None, "About": "ConvScope: watch a CNN learn."},
    )
    st.logo(WORDMARK, size="large", icon_image=MARK)
    section = ""
    with st.sidebar:
        for other, info in PAGES.items():
            if info.section != section:
                section = info.section
                st.caption(section)
            link(other, width="stretch")
