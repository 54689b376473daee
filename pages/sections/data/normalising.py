"""What normalising does to the pixels of a data set."""

import pandas as pd
import streamlit as st

from core.formatting import formatted
from pages.shared.shell import services
from pages.shared.shell.section import Section

CHANNELS = {1: ("Grey",), 3: ("Red", "Green", "Blue")}


def normalising(name: str) -> None:
    """Show what every image goes through before the network sees it."""
    dataset = services.dataset(name)
    st.markdown(
        "A pixel is 0 to 255. Before the network sees it, it is divided by 255; then the mean of its channel is "
        "subtracted, and the result divided by the spread, so that values lie around 0."
    )
    rows = [
        {
            "Channel": channel,
            "Mean": f"{mean:.4f}",
            "Spread": f"{std:.4f}",
            "Black becomes": formatted(-mean / std, "+.2f"),
            "White becomes": f"{(1 - mean) / std:+.2f}",
        }
        for channel, mean, std in zip(CHANNELS[dataset.input_shape[0]], dataset.mean, dataset.std, strict=True)
    ]
    st.table(pd.DataFrame(rows).set_index("Channel"))
    st.caption("Spread is the standard deviation. Both are measured on the training images only.")


SECTION = Section("normalising", "Normalising", normalising)
