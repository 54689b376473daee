"""Teach: own photographs in a box for each class, one press, and a network that tells them apart."""

import streamlit as st

from pages.sections.teach import state
from pages.sections.teach.class_boxes import class_boxes
from pages.sections.teach.training import train_card
from pages.shared.shell import navigation
from pages.shared.shell.frame import STEADY
from pages.shared.shell.layout import page, show_errors

page("teach")
st.html(STEADY)  # it is drawn anew with each picture that comes
with show_errors():
    state.reopen()
with show_errors():
    collection = state.collection()
    class_boxes(collection)
    train_card(collection)
with st.container(horizontal=True, gap="medium"):
    navigation.link("data", "Bring a zip instead", icon=":material/folder_zip:", run=None, own_images="zip")
