"""What is wrong with a training, in cards: the symptom, what was measured, and a button for the remedy."""

from collections.abc import Sequence

import streamlit as st

from core.data.catalog import DATASETS
from core.model.presets import PRESETS
from core.runs.records import Run
from core.train.config import TrainConfig
from core.train.diagnosis.diagnose import RULES
from core.train.diagnosis.finding import Finding, Severity
from core.train.diagnosis.watch import Observer
from pages.sections.train.parts import show_part
from pages.sections.train.recipes import recipe_outcome
from pages.shared.run import draft_history, settings_form
from pages.shared.shell import services, session
from pages.shared.shell.layout import announce_and_rerun, escape_markdown, show_errors

LOOKS = {
    Severity.LOST: ("Learns nothing", ":material/error:", "red"),
    Severity.HARM: ("Learns worse", ":material/warning:", "orange"),
    Severity.HINT: ("Worth knowing", ":material/info:", "blue"),
}


@st.cache_resource(show_spinner=False, max_entries=32)
def _observer(run_id: str) -> Observer:
    return Observer(services.history(run_id))


def findings_of(run: Run) -> tuple[Finding, ...]:
    """Return what is wrong with a run, judged anew only when it has gone on; shared by all who look at it.

    Raises:
        StorageError: The records cannot be read.
        ConfigError: The settings of the run are those of another version.
    """
    return _observer(run.id).findings(run) if run.step else ()


def outline(run: Run, findings: Sequence[Finding]) -> None:
    """Name the findings in one line, the gravest first; the cards with their remedies stand further down."""
    if not findings and run.step:
        st.caption(":material/check: Nothing unusual so far.", help=_looked_for())
    elif findings:
        with st.container(horizontal=True, gap="small"):
            for finding in findings:
                _, icon, colour = LOOKS[finding.severity]
                st.badge(escape_markdown(finding.title), icon=icon, color=colour)  # type: ignore[arg-type]


def diagnosis_panel(run: Run, findings: Sequence[Finding]) -> None:
    """Show the findings of a run, the gravest first; may be drawn in the fragment that follows it."""
    recipe_outcome(run, findings)
    for finding in findings:
        with st.container(border=True, key=f"finding_{finding.rule}"):
            _card(run, finding)


def _looked_for() -> str:
    return "Looked for: " + ", ".join(rule.title.lower() for rule in RULES.values()) + "."


def _card(run: Run, finding: Finding) -> None:
    label, icon, colour = LOOKS[finding.severity]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{escape_markdown(finding.title)}**", width="content", help=RULES[finding.rule].summary)
        st.badge(label, icon=icon, color=colour)  # type: ignore[arg-type]
    st.markdown(f"{escape_markdown(finding.evidence)}  \n**Remedy:** {escape_markdown(finding.remedy)}")
    if not (finding.changes or finding.spec) or run.dataset not in DATASETS:
        return
    pressed = st.button(
        "Set this for the next training",
        icon=":material/arrow_forward:",
        key=f"mend_{run.id}_{finding.rule}",
        disabled=run.status.active,
        help="Stop this training first." if run.status.active else "Fills it in; you start it.",
    )
    if pressed:
        with show_errors():
            _take_over(run, finding)
            show_part("next")
            announce_and_rerun("Set for the next training: press **Start training**.")


def _take_over(run: Run, finding: Finding) -> None:
    """Make the run with the remedy what is trained next."""
    config = TrainConfig.from_mapping({**run.settings, **finding.changes})
    spec = finding.spec or run.spec
    presets = (session.new_draft(run.dataset, name).spec for name in PRESETS)
    draft_history.load_draft(run.dataset, next((preset for preset in presets if preset.layers == spec.layers), spec))
    settings_form.take_over(config)
