"""The network that would be trained next: its layers, what each one costs, and its code."""

import streamlit as st

from core.figures.network_blocks import spec_layers
from pages.sections.build.drawing import drawing
from pages.sections.build.header import code, head, totals
from pages.sections.build.layer_stack import stack, undo_button
from pages.sections.build.preview import ask_preview
from pages.shared.run import draft_history
from pages.shared.run.share_link import follow_link
from pages.shared.shell import navigation, session
from pages.shared.shell.layout import escape_markdown, page, show_errors
from pages.shared.widgets.network_view import download_drawing

page("build")
follow_link()
draft, desk = session.draft(), draft_history.desk()
head(draft, desk.revision)
for notice in filter(None, (session.draft_refusal(), desk.notice)):
    st.error(escape_markdown(notice), icon=":material/error:")
totals(draft.spec)
drawing(draft.spec)

strips = {}
with st.container(horizontal=True, vertical_alignment="center", key="tools"):
    undo_button()
    if draft.spec.layers:
        download_drawing(draft.spec.name, lambda: spec_layers(draft.spec), type="secondary")
    with show_errors():
        strips = ask_preview(draft)
    navigation.link("runs", "Open a network from a file", icon=":material/upload_file:", open_file="1", run=None)
stack(draft.spec, strips)
code(draft.spec)
