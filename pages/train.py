"""Training, live: the run of the address and what happens inside it; under it the next one, and ways to break it."""

from core.figures.annotations import Mark
from core.runs.records import Run
from pages.sections.train import recipes
from pages.sections.train.curves import curves
from pages.sections.train.diagnosis import diagnosis_panel, findings_of
from pages.sections.train.internals import evidence_panel
from pages.sections.train.live_preview import film_strip
from pages.shared.network import current_network
from pages.shared.run.live_view import watch, what_next
from pages.shared.run.start import launch_panel
from pages.shared.shell.layout import page, show_errors
from pages.shared.shell.section import draw_sections


def follow(run: Run) -> None:
    """Draw what a run looks like from inside, and what that says of it."""
    findings = findings_of(run)
    marks = [Mark(finding.first, finding.last, finding.title, finding.measure) for finding in findings]
    curves(run, marks)
    diagnosis_panel(run, findings)
    if run.step:  # the first point comes first
        film_strip(run)
    evidence_panel(run, marks)
    what_next(run)


page("train")
run = None
with show_errors():
    run = current_network.asked_run()
    if run is not None:
        watch(run, follow)
launch_panel(again=run is not None)
draw_sections((recipes.SECTION,))
