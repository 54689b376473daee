"""Compress: a trained network made smaller, and what that costs in accuracy, classes and explanations."""

from pages.shared.compare import require_weights
from pages.shared.compress_controls import ask_plan
from pages.shared.compress_report import compressed_section
from pages.shared.compress_sweep import sweep_panel
from pages.shared.layout import next_step, page, show_errors
from pages.shared.missing_images import missing_images

page("compress")
with show_errors():
    (weights,) = require_weights(pair=False)
    if not missing_images(weights):
        asked = ask_plan(weights)
        compressed_section(asked)
        sweep_panel(asked)
next_step("See which pixels a network looks at", "saliency")
