"""Asking how a network is to be made smaller, and by which images that is judged."""

from dataclasses import dataclass

import streamlit as st

from core.compression.ways import PRUNINGS, CompressionPlan, Pruning
from core.glossary import GLOSSARY
from core.inference.network import Network
from pages.shared.shell.controls import ask_one

NONE = "none"
KINDS = {**{name: way.title for name, way in PRUNINGS.items()}, NONE: "Nothing"}
SPLITS = {"valid": "Validation", "test": "Test"}
ORDER = "Choose by the validation images; look at the test images last, or they no longer tell how it does on new ones."
INT8 = (
    "Weights as whole numbers from −128 to 127 with one scale for each filter, activations in 7 or 8 bits as torch has "
    "it for this processor, by its own static quantisation: a quarter of the bytes. What goes through each layer on "
    "256 validation images sets the ranges. Batch norms are folded into the convolutions first; layers that torch has "
    "no whole-number form for compute in floats between them."
)


@dataclass(frozen=True)
class CompressionRequest:
    """What is asked on this page: of which weights, how they are made smaller, and which split judges it."""

    network: Network
    plan: CompressionPlan
    split: str

    @property
    def key(self) -> tuple[object, ...]:
        """What the answer depends on."""
        pruning = self.plan.pruning
        chosen = (pruning.kind, pruning.amount) if pruning else (NONE, 0.0)
        return (*self.network.cache_key, *chosen, self.plan.int8, self.split)


def ask_plan(network: Network) -> CompressionRequest:
    """Ask for everything."""
    with st.container(border=True, key="compress_plan"):
        pruning_column, split_column = st.columns([3, 2], gap="large")
        with pruning_column:
            kind = ask_one("What goes", KINDS, "compress_kind", help=GLOSSARY["pruning"])
            amount = _amount() if kind != NONE else 0
            st.caption(PRUNINGS[kind].summary if kind != NONE else "No weight is pruned.")
        with split_column:
            split = ask_one("Judged by", SPLITS, "compress_split")
            int8 = st.toggle(
                "Whole numbers (int8)", key="compress_int8", persist_state="session", help=GLOSSARY["int8"]
            )
            st.caption(INT8 if int8 else ORDER)
    pruning = Pruning(kind, amount / 100) if kind != NONE else None
    return CompressionRequest(network, CompressionPlan(pruning, int8=int8), split)


def _amount() -> int:
    chosen: int = st.slider("Share that goes", 0, 99, 60, format="%d%%", key="compress_amount", persist_state="session")
    return min(99, max(0, int(chosen)))
