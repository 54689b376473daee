"""What a page says where it needs the images of a run and they are not here, and the way to them."""

from collections.abc import Callable

import streamlit as st

from core.data.catalog import DATASETS
from core.errors import ConvScopeError
from core.exchange.dataset import bring_in_images, offered_images
from core.inference.network import Network
from core.runs.records import Run
from core.runs.training_data import dataset_title
from pages.shared.shell import navigation, services
from pages.shared.shell.layout import announce_and_rerun, escape_markdown


def missing_images(network: Network, place: str = "", *, consequence: str = "", offer_picture: bool = True) -> bool:
    """Say what is missing and offer what brings it here; nothing is drawn, and False returned, where nothing is.

    Args:
        network: Whose images are needed; a pretrained network has none here.
        place: Part of Streamlit's keys; one for each call on a page about the same network.
        consequence: What there cannot be without them, a sentence: then all of it is a note in small print, of a part
            of the page that others do without.
        offer_picture: Whether to lead to the page that takes a picture of one's own: not from that page itself.
    """
    reason, run = network.why_no_images, network.run
    if not reason:
        return False
    say = _note(consequence) if consequence else st.markdown
    with st.container(border=not consequence, gap="xsmall", key=f"missing_images_{place}{network.id}"):
        if run is not None and offered_images(services.store(), run):
            say(f"The images of **{escape_markdown(dataset_title(run))}** are not brought in yet.")
            offer_images(run, place, primary=not consequence)
        else:
            say(escape_markdown(reason))
            _ways(network.dataset_name, pretrained=run is None, offer_picture=offer_picture)
    return True


def _note(consequence: str) -> Callable[[str], object]:
    return lambda words: st.caption(f":material/info: {consequence} {words}")


def _ways(dataset: str, *, pretrained: bool, offer_picture: bool) -> None:
    with st.container(horizontal=True, gap="medium"):
        if pretrained or (dataset in DATASETS and not DATASETS[dataset].download_mb):
            navigation.train_link()
            if offer_picture:
                navigation.link("classify", "Give this one a picture of your own")
        elif dataset in DATASETS:
            navigation.link("data", f"Download {escape_markdown(DATASETS[dataset].title)}", dataset=dataset)
        else:
            navigation.link("data", "Bring images in on the page Data")


def offer_images(run: Run, place: str = "", *, primary: bool = False) -> None:
    """Offer to make a data set of the images that came with a run; nothing where there are none to bring in."""
    count = offered_images(services.store(), run)
    if not count:
        return
    with st.container(horizontal=True, vertical_alignment="center", key=f"images_offered_{place}{run.id}"):
        pressed = st.button(
            f"Bring in its {count:,} images",
            type="primary" if primary else "secondary",
            icon=":material/photo_library:",
            key=f"images_{place}{run.id}",
        )
        st.caption(f"They came with the run and become the data set “{escape_markdown(dataset_title(run))}”.")
    if pressed:
        try:
            services.dataset.clear(bring_in_images(services.store(), run))
        except ConvScopeError as error:
            st.error(escape_markdown(str(error)), icon=":material/error:")
            return
        announce_and_rerun(f"The images of {escape_markdown(dataset_title(run))} are here now.")
