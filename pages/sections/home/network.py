"""The network of this page, in pictures: one's own to go on with, or the one that the first training gives."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import streamlit as st

from core.data.catalog import DATASETS
from core.demo.making import demo_origin
from core.formatting import duration
from core.inference.network import Network
from core.progress import Progress
from core.report.portrait import ExplainedImage, Portrait, portrait
from core.report.shipped import Shipped
from core.runs.records import Run
from core.runs.scores import accuracy_text, valid_accuracy_text
from core.runs.training_data import dataset_title
from pages.sections.home import pictures
from pages.shared.display.doors import door
from pages.shared.network.current_network import library
from pages.shared.run.live_view import LOOKS
from pages.shared.run.waiting import has_worker, share_of, shared_time_left, waits_behind
from pages.shared.shell import navigation, services
from pages.shared.shell.background_jobs import Lane, background
from pages.shared.shell.layout import escape_markdown, show_errors
from pages.shared.widgets.auto_refresh import pulse

TICK_SECONDS = 1.0
Card = Callable[[str], AbstractContextManager[object]]
THREE = (  # page, what its card is called
    ("filters", "Its filters form"),
    ("feature_maps", "What its layers see"),
    ("explain", "Why it says so"),
)
_TITLE_STYLE = """<style>
.st-key-go_on_title p { font-size: 1.375rem !important; line-height: 1.3; }
.st-key-go_on_title a[data-testid="stPageLink-NavLink"] > span:has([data-testid="stIconMaterial"]) {
  height: 1.8rem !important;
}
</style>"""


def network_to_go_on_with(runs: Sequence[Run]) -> Run | None:
    """Return the newest of these runs, newest first, that has weights or soon will: one's own before the demo's."""
    usable = [run for run in runs if run.status.active or run.learned] or list(runs)
    own = [run for run in usable if not run.origin.startswith(demo_origin(""))]
    return next(iter(own or usable), None)


def go_on(run: Run) -> None:
    """Lead to a run: its state, its accuracy and its learning curve, kept up to date while it trains."""
    active = run.status.active

    @st.fragment
    def tick() -> None:
        with show_errors():
            latest = services.store().get(run.id)
            with door("go_on"):
                _go_on(latest)
            if latest.status.active is not active:
                st.rerun()
        if active:
            pulse(TICK_SECONDS, key="pulse_go_on")

    tick()


def _go_on(run: Run) -> None:
    label, icon, colour = LOOKS[run.status]
    words, picture = st.columns([3, 2], gap="medium", vertical_alignment="center")
    history = services.history(run.id)
    history.update(run)
    points = history.points(run.steps_per_epoch)
    train, valid = (tuple((each.epochs, each.accuracy) for each in points[split]) for split in ("train", "valid"))
    score = valid_accuracy_text(run)
    with words:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.badge(label, icon=icon, color=colour)  # type: ignore[arg-type]
        st.html(_TITLE_STYLE)
        with st.container(key="go_on_title"):
            navigation.link(
                "train", f"Go on with {escape_markdown(run.name)}", icon=":material/arrow_forward:", run=run.id
            )
        about = f"{run.spec.name} on {dataset_title(run)}"
        facts = [escape_markdown(about)] if about != run.name else []  # most runs are named so
        if run.epoch:
            facts.append(f"{'epoch' if facts else 'Epoch'} {run.epoch} of {run.config.get('epochs', run.epoch)}")
        if score:
            facts.append(f"**{score}** of the validation images right")
        if facts:
            st.markdown(" · ".join(facts))
        if run.status.active:
            st.progress(run.progress, text=_standing(run))
    with picture:
        if train or valid:
            pictures.curve(train, valid, f"Accuracy of {run.name} over {run.epoch} epochs; validation images: {score}")
        else:
            pictures.empty("Trained in another program" if run.foreign else "Its learning curve will be here")


def _standing(run: Run) -> str:
    """Say in a few words how far an active run is."""
    if not has_worker(run):
        return "Waits for a worker: none is running"
    if before := waits_behind(run):
        return f"Waits for {len(before)} other training{'s' * (len(before) > 1)}"
    if not run.step:
        return "Starting …"
    left = shared_time_left(run, share_of(run))
    return "" if left is None else f"About {duration(left)} left"


def inside(run: Run) -> None:
    """Show what a run's network has inside, each picture as the way to the page that shows all of it."""
    network = library().of_run(run)
    if not network.exists:
        return

    @st.fragment
    def tick() -> None:
        above = st.container()
        drawings = None
        with show_errors():
            drawings = _portrait(network)
        with above:
            three(drawings, lambda name: door(f"inside_{name}"), run)

    tick()


def _portrait(network: Network) -> Portrait | None:
    """Return the pictures of a network; None while they are drawn, which waits for the first page."""
    if not services.is_warm():
        pulse(TICK_SECONDS, key="pulse_warm")
        return None

    def draw(tell: Progress) -> Portrait:
        return portrait(network)

    return background(
        ("portrait", *network.cache_key),
        draw,
        words="Drawing its pictures",
        place="portrait",
        lane=Lane.SHORT,
        quiet=True,
    )


def three(drawings: Portrait | None, card: Card, run: Run | None = None) -> None:
    """Show filters as they form, maps and an explanation as three cards of one height.

    Args:
        drawings: The pictures; None while they are drawn.
        card: Frames one of them, named by the page that shows more.
        run: Whose they are, where the cards lead to its pages.
    """
    image = drawings.explained if drawings else None
    with st.grid(3, min_column_width=250):
        for name, title in THREE:
            if name == "explain" and image is not None:
                title = f"Why “{escape_markdown(image.answer)}”?"
            with card(name):
                if run is not None:
                    navigation.link(name, title, width="stretch", run=run.id, **_address(name, image))
                else:
                    st.markdown(f"**{title}**")
                if drawings is None:
                    pictures.empty("Drawing …")
                elif name == "filters":
                    _filters(drawings)
                elif image is None:
                    pictures.empty("Its images are not here")
                elif name == "feature_maps":
                    pictures.maps(image)
                    st.caption(f"One test image in {_listed(image.layers)}.")
                else:
                    pictures.explanation(image)
                    st.caption(
                        f"{escape_markdown(pictures.answer(image))} Red pixels speak for it, blue ones against it."
                    )


def _filters(drawings: Portrait) -> None:
    if drawings.filters is None:
        pictures.empty("It has no convolution")
        return
    pictures.forming(drawings.filters)
    colours = (
        "Each is drawn in the mix of colours it looks for."
        if drawings.filters.mixed
        else "Red weights are positive, blue ones negative."
    )
    st.caption(f"{escape_markdown(pictures.filters_of(drawings.filters))}. {colours}")


def _address(name: str, image: ExplainedImage | None) -> dict[str, str | None]:
    return {} if image is None or name == "filters" else {"picture": f"test:{image.index}"}


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def about(shipped: Shipped) -> str:
    """Say whose the pictures are that come with the app, and how good it is."""
    title = DATASETS[shipped.dataset].title
    return (
        f"The pictures are of the network that this button trains: after {shipped.epochs} epochs on {title} it got "
        f"{accuracy_text(shipped.accuracy, shipped.images)} of {shipped.images:,} validation images right."
    )
