"""Training: the run of the address on one screen; beside it the next one, ways to break it, and the tutorial's own."""

from functools import partial

from core.classroom.questions import Question, how_good
from core.figures.annotations import Mark
from core.runs.records import Run
from pages.sections.train import parts, recipes, tutorial
from pages.sections.train.curves import curves, has_grown
from pages.sections.train.diagnosis import diagnosis_panel, findings_of, outline
from pages.sections.train.internals import evidence_panel, has_new_evidence
from pages.sections.train.live_preview import film_strip, has_new_weights
from pages.shared.network import current_network
from pages.shared.run.live_parts import LivePart
from pages.shared.run.live_view import watch, what_next
from pages.shared.run.start import launch_panel
from pages.shared.shell.layout import page, show_errors
from pages.shared.shell.section import Section
from pages.shared.shell.services import store
from pages.shared.tour.card import tour_stop


def how_good_now(run_id: str) -> Question:
    """Return the tour's question about a run as it stands now."""
    return how_good(store().get(run_id))


def marks_of(run: Run) -> list[Mark]:
    """Return what the diagnosis found, as stretches to be shaded."""
    return [Mark(finding.first, finding.last, finding.title, finding.measure) for finding in findings_of(run)]


def draw_curves(run: Run) -> None:
    """Draw the curves with what the diagnosis found on them."""
    curves(run, marks_of(run), lambda: outline(run, findings_of(run)))


CURVES = LivePart("curves", draw_curves, has_grown)
FILM = LivePart("film", film_strip, has_new_weights)
DIAGNOSIS = LivePart("diagnosis", lambda run: diagnosis_panel(run, findings_of(run)), has_grown)
INSIDE = LivePart("inside", lambda run: evidence_panel(run, marks_of(run)), has_new_evidence)


def watch_run(run: Run) -> None:
    """Show the run of the address, live, and under it the ways into the network."""
    if run.foreign:  # nothing of its training was recorded
        watch(run)
    elif not run.step:  # the first point comes first
        watch(run, CURVES, DIAGNOSIS)
    else:
        watch(run, CURVES, FILM, DIAGNOSIS, INSIDE)
    what_next(run)


WATCH = Section("watch", "This training", watch_run)
NEXT = Section("next", "Next training", launch_panel)

page("train")
run = None
with show_errors():
    run = current_network.asked_run()
if run is not None:
    parts.one_screen()
part = parts.choose_part((*([WATCH] if run else []), NEXT, recipes.SECTION, tutorial.SECTION), run)
with show_errors():
    if part is WATCH and run is not None:
        tour_stop("train", run.id, partial(how_good_now, run.id))
        part.show(run)
    else:
        part.show()
