"""The frame around every page, the side menu in it, and the way from an address to its page.

The frame stands before the page's script begins, so before anything that this imports: neither this module nor what it
imports may be slow to load.
"""

from contextlib import ExitStack
from contextvars import ContextVar

import streamlit as st

from pages.shared.shell import navigation
from pages.shared.widgets.history_entries import one_entry_an_act

_loading: ContextVar[ExitStack | None] = ContextVar("loading", default=None)  # what says so, inside of the frame
_loaded = set[str]()  # the pages that this process has imported all of

# The mark: a kernel of 3×3, strong on its diagonal.
_SQUARES = "".join(
    f'<rect x="{2 + 10 * column}" y="{2 + 10 * row}" width="8" height="8" rx="2" opacity="{opacity}"/>'
    for row in range(3)
    for column in range(3)
    for opacity in (1 - 0.4 * abs(row - column),)
)
_SVG = '<svg xmlns="http://www.w3.org/2000/svg" fill="#0d9488" viewBox="0 0 {} 32">{}</svg>'
_NAME = '<text x="42" y="24" font-family="sans-serif" font-size="23" font-weight="600">ConvScope</text>'
# Streamlit fades and pulses whatever is drawn anew: without a graphics card a third of the work of showing a page.
STILL = """@media (prefers-reduced-motion: reduce) {
*, ::before, ::after { animation: none !important; transition: none !important; }
}"""
# For pages that draw themselves again and again unasked, where fading says nothing but costs many pictures a second.
STEADY = """<style>
[data-testid="stMain"] :is([data-testid="stElementContainer"], [data-testid="stProgress"] *) {
  opacity: 1 !important; transition: none !important;
}
</style>"""
# Streamlit's own 0.6 is 4.3 to 1 on white.
# Small print and chosen options in colours that are read easily: the accent on its own tint is too pale in the dark.
_STYLE = f"""<style>
[data-testid="stCaptionContainer"] {{ opacity: 0.72; }}
[data-testid="stMain"] a[data-testid="stPageLink-NavLink"] span {{ white-space: normal; }}
/* Streamlit's own ring is half transparent, 2 to 1 on the page, and on a list only a thin border. */
[data-testid="stApp"] :is(button, summary):focus-visible,
[data-testid="stSelectbox"] [role="group"]:has(input:focus-visible),
[data-testid="stNumberInputContainer"]:has(input:focus-visible),
[data-testid="stTextInputRootElement"]:has(input:focus-visible),
[data-testid="stCheckbox"] label:has(input:focus-visible),
[data-testid="stSlider"] div:has(> div > input:focus-visible) {{
  outline: 2px solid light-dark(#0b7a75, #3dbdb1); outline-offset: 1px; box-shadow: none;
}}
[data-testid="stElementToolbar"]:has(:focus-visible) {{ opacity: 1; }}
/* Why the browser refused a file is said to a pointer alone, which a phone has not. */
[data-testid="stFileChip"][aria-invalid="true"] [data-testid="stFileChipName"] + div {{ white-space: normal; }}
[data-testid="stFileChip"][aria-invalid="true"] [data-testid="stFileChipName"] + div::after {{
  content: " · not taken: too large, of another kind, or too much together";
}}
a[data-testid="stPageLink-NavLink"]:focus-visible {{
  outline: 2px solid light-dark(#0b7a75, #3dbdb1); outline-offset: -2px;
}}
[data-testid="stButtonGroup"] button[data-selected="true"] * {{ color: light-dark(#0b7a75, #3dbdb1); }}
[data-testid="stSelectbox"] input {{ text-overflow: ellipsis; }}
/* The tools of a table stand above its right end, where a narrow screen has the end of a sentence. */
@media (max-width: 640px) {{
  [data-testid="stElementContainer"]:has([data-testid="stDataFrame"]) {{ margin-top: 1.5rem; }}
}}
{STILL}
</style>"""
# Menus lie outside of what the theme is said of, and would take the light one's colours.
# Names in a list are read whole: on lines of their own, in a list of more than 25, whose rows have one height, on two.
_MENUS = """<style>
[data-testid="stPopoverBody"] {{ color-scheme: {}; }}
[data-testid="stSelectboxVirtualDropdown"] [role="option"] > div {{ white-space: normal; overflow-wrap: anywhere; }}
[data-testid="stSelectboxVirtualDropdown"] [role="listbox"] > [role="option"] {{ height: auto; min-height: 2.5rem; }}
[data-testid="stSelectboxVirtualDropdown"] [role="listbox"] > [role="option"] > div {{
  height: auto; padding-block: 0.375rem;
}}
[data-testid="stSelectboxVirtualDropdown"] [role="presentation"] [role="option"] > div {{
  font-size: 0.8125rem; line-height: 1.15;
}}
</style>"""
MARK = _SVG.format(32, _SQUARES)
WORDMARK = _SVG.format(176, _SQUARES + _NAME)


def show() -> None:
    """Run the page that the address asks for inside the frame."""
    name, chosen = _navigate()
    _run(name, chosen)


def ensure(name: str) -> None:
    """Make sure that the frame is around this page, which has loaded what it imports.

    A page that is a program of its own (in a test, say) gets the frame here.
    """
    loading = _loading.get()
    if loading is None:
        _navigate()
        _draw(name)
    else:
        loading.close()
        _loaded.add(name)


def _navigate() -> tuple[str, st.Page]:
    pages = navigation.pages()
    former = {old: st.Page(_moved, title=old, url_path=old) for old in navigation.FORMER}
    # The menu is our own, because Streamlit's drops the run from the address.
    chosen = st.navigation([*pages.values(), *former.values()], position="hidden")
    for old, page in former.items():
        if page is chosen:
            st.switch_page(navigation.path(navigation.FORMER[old]), query_params=dict(st.query_params))
    return next((name, page) for name, page in pages.items() if page is chosen)


def _moved() -> None:
    """Stand for a page that has another address now; `_navigate` leads there."""


def _run(name: str, page: st.Page) -> None:
    _draw(name)
    with st.sidebar:
        one_entry_an_act()
        st.html(_STYLE + _MENUS.format(st.context.theme.type or "light"))
    with ExitStack() as loading:
        if name not in _loaded:
            loading.enter_context(st.spinner("Loading the page …"))  # said once it takes half a second
        token = _loading.set(loading)
        loading.callback(_loading.reset, token)
        page.run()
    from pages.shared.shell import services  # what it stands on is not needed for the frame

    services.warm()


def _draw(name: str) -> None:
    """Draw what every page has; all of it is on the screen while the page still loads what it needs."""
    st.set_page_config(
        page_title=f"{navigation.PAGES[name].title} · ConvScope",
        page_icon=MARK,
        layout="wide",
        menu_items={"Get help": None, "Report a bug": None, "About": "ConvScope: watch a CNN learn."},
    )
    st.logo(WORDMARK, size="large", icon_image=MARK)
    section = ""
    with st.sidebar:
        for other, info in navigation.PAGES.items():
            if info.section != section:
                section = info.section
                st.caption(section)
            navigation.link(other, width="stretch")
    info = navigation.PAGES[name]
    st.title(info.headline or info.title, anchor=False)
    if not info.headline:
        st.markdown(info.lead)
