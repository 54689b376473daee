"""Filters: the kernels of every convolution, at any epoch."""

from pages.sections.filters.filter_grid import filter_grid
from pages.shared.network.comparison import require_weights
from pages.shared.shell.layout import next_step, page, show_errors

page("filters")
with show_errors():
    filter_grid(require_weights())
next_step("See what these filters make of an image", "feature_maps")
