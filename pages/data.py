"""Data sets: what is in them, and which one the next network learns from."""

import streamlit as st

from core.data.arrays import is_stored
from pages.sections.data import augmentation, balance, normalising, samples
from pages.sections.data.catalogue import CARD, choose_dataset, describe_dataset, download, use
from pages.sections.data.import_images import own_images
from pages.sections.data.manage import manage_panel
from pages.sections.data.sources import ASKED, WAYS
from pages.shared.shell import navigation, services, session
from pages.shared.shell.layout import next_step, page, show_errors
from pages.shared.shell.section import draw_sections
from pages.shared.widgets.scroll_into_view import scroll_to

page("data")
listed, shown = st.columns(2, gap="medium")
with listed:
    info = choose_dataset()
with shown, st.container(border=True, key=CARD), show_errors():
    describe_dataset(info)
    here = info.download_mb is None or is_stored(info.name)
    if here:
        use(info)
        if info.own:
            manage_panel(info)
    else:
        download(info)

if (way := st.query_params.pop(ASKED, "")) in WAYS:
    st.session_state["own"], st.session_state["own_way"] = True, way
    scroll_to("own_card")
with st.container(border=True, key="own_card", gap="small"):
    st.markdown(
        "**Your own pictures.** Two kinds or more, as loose files or a zip, become a data set, here and on every page."
    )
    with st.expander(
        "Bring your own images", icon=":material/add_photo_alternate:", key="own", on_change="rerun"
    ) as folded:
        if folded.open:
            own_images()
    navigation.link("teach", "Or collect them class by class, with the camera and phones", run=None)

if here:
    with show_errors():
        services.dataset(info.name)
        draw_sections((samples.SECTION,), info.name)
        for place, section in zip(st.columns(2, gap="large"), (balance.SECTION, normalising.SECTION), strict=True):
            with place:
                draw_sections((section,), info.name)
        draw_sections((augmentation.SECTION,), info.name)

in_use = session.draft().dataset == info.name
next_step("Build a network for these images" if in_use else "Build a network for the data set in use", "build")
