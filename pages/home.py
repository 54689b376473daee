"""The app at a glance: a network to go on with or to train first, what is inside it, and the way to every step."""

import streamlit as st

from core.demo.making import standing
from pages.sections.home import beginning, network, trainings
from pages.sections.home.demo import demo_panel
from pages.shared.display.doors import card_style, page_door
from pages.shared.run.incident import show_incident
from pages.shared.shell import navigation, services
from pages.shared.shell.layout import page, show_errors
from pages.shared.tour.card import tour_way_in

LOOP = ("data", "build", "train", "feature_maps", "explain", "classify")

page("home")
card_style()
runs = demo = None
with show_errors():
    runs = services.store().list(trainings.LOOKED_AT)  # what is wrong with the data directory is said once, here
    show_incident()
    demo = standing(services.store())
chosen = network.network_to_go_on_with(runs or ())
if chosen is None:
    beginning.newcomer()
else:
    network.go_on(chosen)
    network.inside(chosen)
    tour_way_in(chosen)

st.subheader("Or begin with something else" if chosen else "Or begin here", anchor=False)
offered = demo is not None and (demo.active or demo.missing)
count = 3 + bool(chosen) + bool(offered)
with st.grid(4 if count == 4 else 3, min_column_width=190 if count == 4 else 250):
    if chosen is not None:
        beginning.again()
    beginning.photograph()
    beginning.own_pictures()
    beginning.tutorial()
    if demo is not None and offered:
        demo_panel(demo)
beginning.foreign_network()

st.subheader("One loop, six steps", anchor=False)
with st.grid(3, min_column_width=250):
    for number, name in enumerate(LOOP, start=1):
        page_door(name, "loop", f"{number} · {navigation.PAGES[name].title}")

if runs:
    trainings.latest(runs)
