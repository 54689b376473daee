"""Accuracy at every share that could be pruned: where the cliff is."""

from typing import TYPE_CHECKING

import streamlit as st

from core.compression.ways import PRUNINGS
from core.data.catalog import DATASETS
from core.formatting import duration
from core.progress import Progress
from pages.sections.compress.controls import SPLITS, CompressionRequest
from pages.sections.compress.measure import split_of
from pages.shared.display.vega_charts import chart
from pages.shared.network import current_network
from pages.shared.shell import session
from pages.shared.shell.background_jobs import background, lane_of
from pages.shared.shell.section import Section

if TYPE_CHECKING:
    from core.explain.metrics.pointing_game import Rate

SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)


def sweep_panel(request: CompressionRequest) -> None:
    """Offer to prune ever more, and draw what is left of the accuracy."""
    pruning = request.plan.pruning
    assert pruning is not None  # else it does not apply
    rates = _swept(request, pruning.kind)
    if rates is None:
        st.caption(f"{PRUNINGS[pruning.kind].title}, at {len(SHARES)} shares, without any training afterwards.")
        return
    from core.figures.compression import sweep_chart, sweep_rows

    rows = sweep_rows(SHARES, rates)
    nearest = min(rows, key=lambda row: abs(row["share"] - pruning.amount))
    chance = 1 / request.network.num_classes
    chart(
        sweep_chart(chance, theme=session.theme()),
        rows,
        key="compress_sweep",
        alt=f"Accuracy over the share pruned ({PRUNINGS[pruning.kind].title.lower()}), with 95% intervals",
        now=[nearest],
    )
    st.caption(
        f"{PRUNINGS[pruning.kind].title} of the whole network each time, judged by the "
        f"{SPLITS[request.split].lower()} images of {DATASETS[request.network.dataset_name].title}, "
        "with 95% intervals, in floats and without any training afterwards. The circle is nearest to the share chosen."
    )


def _swept(request: CompressionRequest, kind: str) -> "tuple[Rate, ...] | None":
    (data, split), model = split_of(request), request.network.model

    def work(tell: Progress) -> "tuple[Rate, ...]":
        from core.compression.plan import sweep

        return sweep(model, kind, SHARES, data.normalize(split.images), split.labels, progress=tell)

    seconds = 1 + len(SHARES) * len(split) * current_network.pass_seconds(request.network)
    return background(
        ("compress_sweep", *request.network.cache_key, kind, request.split),
        work,
        words="Pruning ever more",
        place="compress_sweep",
        ask=f"Try {len(SHARES)} shares, about {duration(seconds)}",
        lane=lane_of(seconds),
    )


SECTION = Section(
    "sweep",
    "How far can it go?",
    sweep_panel,
    why_not=lambda request: "" if request.plan.pruning else "Nothing is pruned.",
)
