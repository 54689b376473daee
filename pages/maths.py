"""Number by number: forward and backward through a layer, a receptive field, a loss, an optimiser."""

from pages.shared.compare import require_weights
from pages.shared.controls import ask_one
from pages.shared.field_bench import field_bench
from pages.shared.layout import next_step, page, show_errors
from pages.shared.loss_bench import loss_bench
from pages.shared.maths_kernels import kernel_bench
from pages.shared.maths_layers import layer_bench
from pages.shared.optimizer_bench import optimizer_bench

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
next_step("Ask which pixels mattered", "saliency")
