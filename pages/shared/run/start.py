"""Starting a training: the network, its settings, how long it will take, and the button."""

import streamlit as st

from core.data.arrays import is_stored
from core.data.catalog import DATASETS
from core.errors import ConfigError, StorageError
from core.formatting import duration
from core.model.shapes import fewest_images, problems, summarize
from core.progress import Progress
from core.runs.records import Status
from core.train.config import AUGMENTATIONS, TrainConfig, check_batch_size
from core.train.suggestion import is_frozen
from pages.shared.run.settings_form import ask_settings
from pages.shared.shell import navigation, services, session
from pages.shared.shell.background_jobs import Lane, background
from pages.shared.shell.layout import escape_markdown, show_errors
from pages.shared.shell.session import Draft

START = "Start training"  # on every button that starts one
SLOWING = (  # the settings that change how long an epoch takes
    *("batch_size", "train_images", "optimizer", "loss", "clip_norm", "l1", "precision", "device"),
    *AUGMENTATIONS,
)


def epoch_time(draft: Draft, config: TrainConfig) -> float | None:
    """Return how many seconds an epoch of a draft takes on this machine; None while, in small print, it is measured."""
    epochs = config.epochs if is_frozen(draft.spec) else 1  # among which what is computed once is shared out
    alike = TrainConfig(**{name: getattr(config, name) for name in SLOWING} | {"epochs": epochs})

    def measure(tell: Progress) -> float:
        from core.train.estimate import time_epoch_apart

        return time_epoch_apart(draft.spec, draft.dataset, alike)

    return background(
        ("epoch_time", draft.spec.to_json(), draft.dataset, alike.to_json()),
        measure,
        words="Timing a few batches",
        place="timing",
        lane=Lane.MEASUREMENT,
        quiet=True,
    )


def start(
    draft: session.Draft, config: TrainConfig, name: str | None = None, *, note: str = "", origin: str = ""
) -> str:
    """Create and queue a run of fresh weights; return its id. The rest as in `RunStore.create`."""
    run_id = services.store().create(draft.spec, config, draft.dataset, name, note=note, origin=origin)
    services.engine().submit(run_id)
    return run_id


@st.fragment
def launch_panel() -> None:
    """Ask for the settings of the next training and start it."""
    draft = session.draft()
    with st.container(border=True, key="launch"):
        about, settings = st.columns([2, 3], gap="medium")
        with about:
            if session.draft_refusal():
                st.error(escape_markdown(session.draft_refusal()), icon=":material/link_off:")
            obstacle = _describe(draft)
        with settings, show_errors():
            config = ask_settings()
        with about, show_errors():
            if not obstacle:
                obstacle = _refuse(draft, config)
            pressed = st.button(
                START,
                type="primary",
                icon=":material/play_arrow:",
                disabled=obstacle,
                help="Begins from fresh weights; trainings that run already go on.",
            )
            if pressed:
                st.query_params.pop(navigation.PART, None)
                st.query_params["run"] = start(draft, config)
                st.rerun()
            if not obstacle:
                _say_what_augmentation_costs(draft, config)
                _estimate(draft, config)


def _say_what_augmentation_costs(draft: Draft, config: TrainConfig) -> None:
    """Say why augmentation makes the training of a network that is frozen in front slow."""
    if is_frozen(draft.spec) and config.augmentation.active:
        st.caption(
            "With augmentation every image passes through the frozen blocks again in every epoch; without it, once."
        )


def _refuse(draft: session.Draft, config: TrainConfig) -> bool:
    """Say whether this network cannot be trained with these settings, and why."""
    try:
        check_batch_size(config.batch_size, fewest_images(draft.spec))
    except ConfigError as error:
        st.error(escape_markdown(str(error)), icon=":material/error:")
        return True
    return False


def _describe(draft: session.Draft) -> bool:
    """Show what will be trained, and say whether something keeps it from starting."""
    layers = summarize(draft.spec)
    weights = sum(layer.num_params for layer in layers)
    info = DATASETS[draft.dataset]
    frozen = sum(layer.frozen for layer in layers)
    sizes = f"{len(layers)} layers · {weights:,} parameters" + (f", {frozen:,} more are frozen" if frozen else "")
    st.markdown(f"**{escape_markdown(draft.spec.name)}** · {sizes}  \non **{escape_markdown(info.title)}**")
    with st.container(horizontal=True):
        navigation.link("build", "Change the network")
        navigation.link("data", "Change the data")
    for problem in problems(draft.spec):
        st.error(f"This network cannot work yet. {escape_markdown(problem.sentence)}")
        return True
    if info.download_mb and not is_stored(draft.dataset):
        st.info(f"{escape_markdown(info.title)} has to be downloaded first, on the data page.")
        return True
    return False


def _estimate(draft: session.Draft, config: TrainConfig) -> None:
    """Say how long the training will take, measured while the page stays usable."""
    try:
        busy = services.store().list(1, status=(Status.RUNNING, Status.QUEUED))
    except StorageError:
        if not st.query_params.get("run"):
            raise
        return  # said where that run is shown
    if busy:
        st.caption("How long it takes is measured when nothing else trains.")
        return

    @st.fragment
    def tick() -> None:
        epoch = epoch_time(draft, config)
        if epoch is not None:
            whole = duration(min(epoch * config.epochs, config.max_seconds or float("inf")))
            each = f"About {duration(epoch)}" if duration(epoch) != duration(0) else "Less than a second"
            st.caption(f"{each} an epoch here, {whole} in all; 12 batches were timed.")

    tick()
