"""Filters: the kernels of every convolution, at any epoch."""

from functools import partial

from core.classroom.tour import filter_question
from pages.sections.filters.filter_grid import filter_grid
from pages.shared.network.comparison import require_weights
from pages.shared.shell.layout import next_step, page, show_errors
from pages.shared.tour.card import tour_stop

page("filters")
with show_errors():
    networks = require_weights()
    tour_stop("filters", networks[0].id, partial(filter_question, networks[0]))
    filter_grid(networks)
next_step("See what these filters make of an image", "feature_maps")
