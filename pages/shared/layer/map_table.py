"""A layer's maps of one picture as a table: minimum, maximum, mean, zeros and histogram of each."""

import numpy as np
import pandas as pd
import streamlit as st

from core.formatting import number, percentage
from core.probe.map_statistics import map_statistics
from pages.shared.layer.unit_detail import Made


def map_table(layer_output: Made, side: int) -> None:
    """Show the numbers of each map of a layer once its panel is open."""
    panel = st.expander(
        "Numbers of each map", icon=":material/table_chart:", key=f"map_numbers_{side}", on_change="rerun"
    )
    if not panel.open:
        return
    with panel:
        maps = layer_output.values
        statistics = map_statistics(maps)
        finite = maps[np.isfinite(maps)]
        if finite.size:
            st.caption(
                f"All {len(maps)} maps together: {number(float(finite.min()))} to {number(float(finite.max()))}, mean "
                f"{number(float(finite.mean()))}, {percentage(float((maps == 0).mean()))} zeros. The histograms go "
                "from the smallest to the largest of these numbers."
            )
        table = pd.DataFrame(
            {
                "Map": range(len(maps)),
                "Min": statistics.minimum,
                "Max": statistics.maximum,
                "Mean": statistics.mean,
                "Zeros": statistics.zero_share,
                "Histogram": statistics.counts.tolist(),
            }
        )
        form = {
            **{name: st.column_config.NumberColumn(name, format="%.3g") for name in ("Min", "Max", "Mean")},
            "Zeros": st.column_config.NumberColumn("Zeros", format="percent"),
            "Histogram": st.column_config.BarChartColumn("Histogram", y_min=0),
        }
        st.dataframe(
            table,
            hide_index=True,
            column_config=form,
            placeholder="–",
            alt=f"Minimum, maximum, mean, share of zeros and histogram of each map of {layer_output.name}",
        )
