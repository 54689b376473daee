"""Data sets: what is in them, and which one the next network learns from."""

import streamlit as st

from core.data.arrays import is_stored
from pages.sections.data.augmentation import augmentation
from pages.sections.data.catalogue import CARD, choose_dataset, describe_dataset, download, use
from pages.sections.data.import_images import own_images
from pages.sections.data.manage import manage_panel
from pages.sections.data.samples import balance, normalising, samples
from pages.shared.shell import services, session
from pages.shared.shell.layout import next_step, page, show_errors

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

with st.expander(
    "Bring your own images", icon=":material/add_photo_alternate:", key="own", on_change="rerun"
) as folded:
    if folded.open:
        own_images()

if here:
    with show_errors():
        services.dataset(info.name)
        st.subheader("What is in it", anchor=False)
        samples(info.name)
        bars, numbers = st.columns(2, gap="large")
        with bars:
            st.subheader("Images of each class", anchor=False)
            balance(info.name)
        with numbers:
            st.subheader("Normalising", anchor=False)
            normalising(info.name)
        st.subheader("Augmentation", anchor=False)
        augmentation(info.name)

in_use = session.draft().dataset == info.name
next_step("Build a network for these images" if in_use else "Build a network for the data set in use", "build")
