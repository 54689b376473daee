"""What can be done with a smaller network: train it further as a run of its own, or take its file away."""

from dataclasses import replace

import streamlit as st

from core.errors import ConfigError
from core.exchange.layout import stem
from core.runs.names import fitting_name
from core.train.config import TrainConfig
from pages.sections.compress.controls import CompressionRequest
from pages.sections.compress.measure import smaller
from pages.shared.shell import navigation, services
from pages.shared.shell.layout import show_errors
from pages.shared.shell.section import Section

MAX_EPOCHS, LR_FACTOR = 10, 0.1  # the factor gives the learning rate that is proposed


def take_away(request: CompressionRequest) -> None:
    """Offer to fine-tune the smaller network and to download it."""
    tune, load = st.columns(2, gap="large")
    with tune, show_errors():
        _tune(request)
    with load, show_errors():
        _download(request)


def _tune(request: CompressionRequest) -> None:
    pruning, network = request.plan.pruning, request.network
    with st.container(border=True, height="stretch", key="compress_tune"):
        st.markdown("**Fine-tune**")
        if pruning is None or not pruning.amount:
            st.caption("Prune something first: there is nothing to make good again.")
            return
        st.caption(
            "Trains the pruned network further, as a new run. What was pruned stays zero or gone; the rest has the "
            "chance to make up for it." + (" In floats: int8 comes after the training." if request.plan.int8 else "")
        )
        before = TrainConfig.from_mapping(network.config)
        with st.container(horizontal=True):
            epochs = st.number_input("Epochs", 1, MAX_EPOCHS, 1, key="compress_epochs", width=110)
            lr = st.number_input(
                "Learning rate",
                1e-7,
                100.0,
                before.lr * LR_FACTOR,
                format="%g",
                step=before.lr * LR_FACTOR / 2,
                key=f"compress_rate_{network.id}",
                width=150,
                help="A tenth of what the network was trained with is a gentle start.",
            )
        if st.button("Fine-tune the pruned network", type="primary", icon=":material/model_training:"):
            navigation.go("train", run=_start(request, before, int(epochs), float(lr)), epoch=None)


def _start(request: CompressionRequest, before: TrainConfig, epochs: int, lr: float) -> str:
    """Record and queue the run; return its id."""
    from core.train.initialization import InitialWeights, first_checkpoint

    run, compressed = request.network.require_run(), smaller(request)
    origin = f"{request.network.moment} weights of run {run.id} ({run.name}), {request.plan.pruning}"
    if not 1 <= epochs <= MAX_EPOCHS:
        raise ConfigError(f"Fine-tuning takes 1 to {MAX_EPOCHS} epochs.")
    config = replace(before, epochs=epochs, lr=lr, first_filters="random", patience=0, target_accuracy=0.0)
    first = first_checkpoint(compressed.floats.state_dict(), InitialWeights(origin, compressed.masks), config)
    run_id = services.store().create(
        compressed.spec,
        config,
        run.dataset,
        fitting_name(run.name, f", {request.plan.pruning.amount:.0%} pruned"),  # type: ignore[union-attr]
        first=first,
        info=run.dataset_info,
        note=f"Begins with the {origin}. What was pruned stays so while it trains.",
    )
    services.engine().submit(run_id)
    return run_id


def _download(request: CompressionRequest) -> None:
    compressed = smaller(request)
    with st.container(border=True, height="stretch", key="compress_file"):
        st.markdown("**Take it away**")
        st.caption("The smaller network as a safetensors file; its stack is in the metadata.")

        def make() -> bytes:
            from core.compression.saving import to_file

            return to_file(compressed.spec, compressed.model)

        st.download_button(
            "Download",
            make,
            file_name=f"{stem(request.network.name)}-compressed.safetensors",
            mime="application/octet-stream",
            icon=":material/download:",
            key="compress_download",
            on_click="ignore",
        )
        st.code(
            "from core.compression import from_file\n\nspec, model = from_file(open(PATH, 'rb').read())",
            language="python",
        )


SECTION = Section("fine_tune", "Go on with it", take_away)
