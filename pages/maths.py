"""Maths: forward and backward through a layer, a receptive field, a loss, an optimiser."""

from pages.sections.maths import custom_kernel, layers, loss, optimizer_step, receptive_field
from pages.shared.network.comparison import require_weights
from pages.shared.shell.layout import next_step, page, show_errors
from pages.shared.shell.section import choose_section

SECTIONS = (layers.SECTION, custom_kernel.SECTION, receptive_field.SECTION, loss.SECTION, optimizer_step.SECTION)

page("maths")
with show_errors():
    section = choose_section("What to follow", SECTIONS, "maths_section")
    section.draw(*(require_weights(pair=False) if section.of_network else ()))
next_step("Ask which pixels mattered", "explain")
