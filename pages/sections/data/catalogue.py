"""Choosing a data set: the list, what is known of one before its pixels are read, its download, and its use."""

from urllib.parse import urlsplit

import streamlit as st

from core.data.arrays import is_stored
from core.data.catalog import DATASETS, DatasetInfo
from core.data.download import DOWNLOADS
from core.demo.tutorial import is_the_tutorials
from core.formatting import dimensions
from core.model.shapes import problems
from core.progress import Progress
from pages.shared.run import draft_history
from pages.shared.shell import navigation, session
from pages.shared.shell.controls import told_apart
from pages.shared.shell.downloads import download_panel
from pages.shared.shell.layout import escape_markdown
from pages.shared.widgets.scroll_into_view import scroll_to

BROUGHT = "dataset_brought_in"  # the data set to show next
_ARRIVED = "dataset_arrived"  # the data set that came in last, until another one is chosen
CARD = "dataset_card"  # the container that says what it is


def choose_dataset() -> DatasetInfo:
    """List all data sets and return the one to look at, which the address names once another one was chosen."""
    if brought := st.session_state.pop(BROUGHT, ""):
        st.query_params["dataset"] = brought
        st.session_state["own"] = False  # the panel that it was brought in by
        draft_history.use_data(brought)
        st.session_state[_ARRIVED] = brought
    titles = told_apart({name: escape_markdown(info.title) for name, info in DATASETS.items()})
    requested = st.query_params.get("dataset", "")
    # Said anew each time: a browser knows the chosen one by its title only, and anybody may rename or delete one.
    st.session_state["dataset"] = requested if requested in titles else session.draft().dataset

    def follow() -> None:
        st.query_params["dataset"] = st.session_state["dataset"]
        st.session_state.pop(_ARRIVED, None)

    name = st.radio(
        "Data set",
        list(titles),
        format_func=titles.__getitem__,
        captions=[f"{size(info)} · {origin(info)}" for info in DATASETS.values()],
        key="dataset",
        on_change=follow,
    )
    if brought:
        scroll_to(CARD)
    return DATASETS[name]


def size(info: DatasetInfo) -> str:
    """Say how many images of which kind a data set holds."""
    channels, height, width = info.input_shape
    return f"{info.num_images:,} images · {height} × {width} {'colour' if channels == 3 else 'grey'}"


def origin(info: DatasetInfo) -> str:
    """Say how a data set gets here."""
    if info.own:
        return "your own"
    if info.download_mb is None:
        return "comes with the app"
    return "downloaded" if is_stored(info.name) else f"{info.download_mb:.0f} MB download"


def describe_dataset(info: DatasetInfo) -> None:
    """Show what the catalogue says of a data set."""
    if st.session_state.get(_ARRIVED) == info.name:
        st.success(f"{escape_markdown(info.title)} is here now, and in use.", icon=":material/check:")
    st.subheader(escape_markdown(info.title), anchor=False)
    st.markdown(info.summary)
    facts = {
        "Images": f"{info.num_images:,}",
        "Classes": str(len(info.class_names)),
        "Shape": dimensions(info.input_shape),
    }
    with st.container(horizontal=True, gap="medium"):
        for label, value in facts.items():
            about = "Channels × height × width." if label == "Shape" else None
            st.metric(label, value, help=about, width="content")
    st.caption(f"Source: {info.source}  \nLicence: {info.licence}")


def use(info: DatasetInfo) -> None:
    """Offer to train on a data set that is here, or say that the next training does."""
    draft = session.draft()
    if draft.dataset != info.name:
        st.button(
            "Use this data set",
            type="primary",
            icon=":material/check:",
            on_click=draft_history.switch_data,
            args=("dataset",),
        )
        if is_the_tutorials(info.name):
            _tutorial()
        return
    st.markdown(
        f":material/check_circle: **In use.** The next network, {escape_markdown(draft.spec.name)}, learns from it."
    )
    obstacle = next(iter(problems(draft.spec)), None)
    if obstacle is not None:
        st.warning(f"The network does not fit these images yet: mend it in Build. {escape_markdown(obstacle.sentence)}")
    with st.container(horizontal=True, gap="medium"):
        if obstacle is None:
            navigation.train_link()
        if is_the_tutorials(info.name):
            _tutorial()


def _tutorial() -> None:
    navigation.link("train", "The tutorial's training", run=None, part="tutorial")


def download(info: DatasetInfo) -> None:
    """Offer to fetch a data set and show how far that is."""
    host = escape_markdown(urlsplit(DOWNLOADS[info.name][0].urls[0]).hostname or "its makers")
    st.markdown(f"Not on this computer yet. It comes from {host}, once, and is kept afterwards.")

    def fetch(tell: Progress) -> None:
        from core.data.datasets import load_dataset

        load_dataset(info.name, progress=tell)

    download_panel(info.name, info.download_mb or 0.0, fetch)
