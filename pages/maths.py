"""Maths: forward and backward through a layer, a receptive field, a loss, an optimiser."""

from pages.sections.maths.custom_kernel import kernel_bench
from pages.sections.maths.layers import layer_bench
from pages.sections.maths.loss import loss_bench
from pages.sections.maths.optimizer_step import optimizer_bench
from pages.sections.maths.receptive_field import field_bench
from pages.shared.network.comparison import require_weights
from pages.shared.shell.controls import ask_one
from pages.shared.shell.layout import next_step, page, show_errors

BENCHES = {  # of the network that is chosen
    "layers": layer_bench,
    "fields": field_bench,
    "losses": loss_bench,
    "optimizers": optimizer_bench,
}
SECTIONS = {
    "layers": "A layer",
    "kernels": "A kernel by hand",
    "fields": "Receptive field",
    "losses": "Losses",
    "optimizers": "Optimisers",
}

page("maths")
with show_errors():
    section = ask_one("What to follow", SECTIONS, "maths_section")
    if section == "kernels":
        kernel_bench()
    else:
        BENCHES[section](require_weights(pair=False)[0])
next_step("Ask which pixels mattered", "explain")
