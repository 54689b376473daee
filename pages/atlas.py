"""Map of the data: the test images as points, laid out by what a layer makes of them, at one epoch or through all."""

from pages.shared.atlas import atlas_section
from pages.shared.compare import require_weights
from pages.shared.layout import next_step, page, show_errors

page("atlas")
with show_errors():
    atlas_section(require_weights())
next_step("Ask which pixels mattered", "saliency")
