"""Asking for the settings of a training, group by group, from their own descriptions."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any

import streamlit as st

from core.data.catalog import DATASETS
from core.model.spec import ModelSpec
from core.options import Option, matters, options
from core.train.config import AUGMENTATIONS, TrainConfig
from core.train.pixel_values import has_backbone, with_pixel_values
from core.train.suggestion import is_frozen, suggested
from pages.shared.shell import navigation, session
from pages.shared.shell.controls import ask

BASICS = "Basics"


def ask_settings() -> TrainConfig:
    """Ask for all settings of the next training, and remember them; raises `ConfigError` if one is out of range."""
    stored = session.config()
    values, spec = dict(vars(stored)), session.draft().spec
    groups = groupby(options(TrainConfig), key=lambda setting: setting.group)
    for group, settings in groups:
        if group == BASICS:
            _ask_group(tuple(settings), values, spec)
            _changes(stored)
        else:
            folded = st.expander(group, key=f"group_{group}", on_change="rerun")
            if folded.open:  # what is folded away need not be drawn
                with folded:
                    if group == "Augmentation":
                        navigation.link("data", "See what it does to real images", icon=":material/visibility:")
                    _ask_group(tuple(settings), values, spec)
    config = TrainConfig(**values)
    session.set_config(config)
    return with_pixel_values(spec, config)


def _ask_group(settings: tuple[Option, ...], values: dict[str, Any], spec: ModelSpec) -> None:
    """Ask for some settings and put the answers into `values`; what has no effect beside the others is greyed."""
    given = vars(with_pixel_values(spec, TrainConfig(**values)))
    with st.grid(2, min_column_width=150):
        for setting in settings:
            if setting.name == "inputs" and has_backbone(spec):  # which takes but one kind
                ask(setting, given["inputs"], "config_inputs_of_backbone", disabled=True)
                continue
            idle = not matters(setting, values)
            values[setting.name] = ask(setting, values[setting.name], f"config_{setting.name}", disabled=idle)


def _changes(config: TrainConfig) -> None:
    """Say which settings differ from the defaults, wherever they are folded away, and offer the defaults."""
    changed = differing(vars(config))
    draft = session.draft()
    images = DATASETS[draft.dataset].split_sizes[0]
    if config == suggested(images, draft.spec) != TrainConfig():
        words = "each image a little shifted and turned every time"
        if is_frozen(draft.spec):
            words = "each image always the same, so that it passes through the frozen blocks only once"
        st.caption(f"Set for few images, {images:,} to learn from: small batches, many epochs, {words}.")
    elif changed:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption("Changed below: " + ", ".join(changed) + ".", width="content")
            st.button("Use the defaults", type="tertiary", on_click=reset)
    st.caption("⚡ can be changed while it trains; everything else applies at the next start.")


def differing(values: Mapping[str, Any]) -> list[str]:
    """Name the settings outside the basics that are not at their default."""
    return [
        setting.label.lower()
        for setting in options(TrainConfig)
        if setting.group != BASICS and values.get(setting.name, setting.default) != setting.default
    ]


def reset() -> None:
    """Go back to the settings that everybody begins with for these images."""
    take_over(suggestion_for(session.draft()))


def suggestion_for(draft: session.Draft) -> TrainConfig:
    """Return the settings to begin with for a network and its data set."""
    return suggested(DATASETS[draft.dataset].split_sizes[0], draft.spec)


def take_over(config: TrainConfig) -> None:
    """Make these the settings of the next training, in the widgets too."""
    session.set_config(config)
    for setting in options(TrainConfig):
        st.session_state.pop(f"config_{setting.name}", None)
    for kind in AUGMENTATIONS:  # the sliders on Data, which may be on the screen: there they have to move
        st.session_state[f"augmentation_{kind}"] = float(getattr(config, kind))
