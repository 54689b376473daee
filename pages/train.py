"""Training, live: the run of the address and what happens inside it; under it the next one, and ways to break it."""

from core.figures.marks import Mark
from core.runs.records import Run
from pages.shared import networks
from pages.shared.curves import curves
from pages.shared.diagnosis import diagnosis_panel, findings_of
from pages.shared.evidence import evidence_panel
from pages.shared.film_strip import film_strip
from pages.shared.launch import launch_panel
from pages.shared.layout import page, show_errors
from pages.shared.live import watch, what_next
from pages.shared.recipes import recipe_gallery


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
    run = networks.asked_run()
    if run is not None:
        watch(run, follow)
launch_panel(again=run is not None)
recipe_gallery()
