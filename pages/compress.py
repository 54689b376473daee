"""Compress: a trained network made smaller, and what that costs in accuracy, classes and explanations."""

from pages.sections.compress import sweep
from pages.sections.compress.controls import ask_plan
from pages.sections.compress.report import compressed_section
from pages.shared.network.comparison import require_weights
from pages.shared.network.missing_images import missing_images
from pages.shared.shell.layout import next_step, page, show_errors
from pages.shared.shell.section import draw_sections

page("compress")
with show_errors():
    (network,) = require_weights(pair=False)
    if not missing_images(network):
        request = ask_plan(network)
        compressed_section(request)
        draw_sections((sweep.SECTION,), request)
next_step("See which pixels a network looks at", "explain")
