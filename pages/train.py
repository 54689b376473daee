"""Training, live: the run of the address, and under it the next one."""

from pages.shared import state
from pages.shared.curves import curves
from pages.shared.launch import launch_panel
from pages.shared.layout import page, show_errors
from pages.shared.live import watch, what_next

page("train")
run = None
with show_errors():
    run = state.asked_run()
    if run is not None:
        watch(run, curves, what_next)
launch_panel(again=run is not None)
