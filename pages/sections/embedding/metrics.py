"""What is measured of a map of the data: numbers, sentences, a curve, and the map in words."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core.figures.epochs import course_chart, course_rows
from core.formatting import percentage
from pages.sections.embedding.types import Chart
from pages.shared.display.tables import from_rows
from pages.shared.display.vega_charts import chart
from pages.shared.shell import session
from pages.shared.shell.layout import escape_markdown

if TYPE_CHECKING:
    from core.probe.embedding.data_map import DataMap


def measures(view: "Chart", maps: "list[DataMap]", at: int) -> None:
    """Say how far the map can be trusted and how well the layer tells the classes apart."""
    from core.probe.embedding.trust import NUM_NEIGHBORS

    data_map = maps[at]
    right = float((data_map.answers == _labels(view)).mean())
    trustworthiness_help = (
        f"Trustworthiness (Venna and Kaski 2001) over {NUM_NEIGHBORS} neighbours: 1 if those that are close on this "
        "map are close in the layer too, about 0.5 for marks strewn at random."
    )
    accuracy_help = (
        f"The share of images whose {NUM_NEIGHBORS} nearest others in the layer, not on the map, vote for their class: "
        "how far the layer has told the classes apart."
    )
    with st.container(horizontal=True, gap="medium"):
        st.metric("Neighbours kept", f"{data_map.trustworthiness:.3f}", width="content", help=trustworthiness_help)
        st.metric("Neighbours' vote", percentage(data_map.knn_accuracy), width="content", help=accuracy_help)
        st.metric("Network", percentage(right), width="content", help="The share of these images it names right.")
    st.caption(" ".join([_reading(view, data_map, right), _making(view, data_map)]))


def _reading(view: "Chart", data_map: "DataMap", right: float) -> str:
    layer = escape_markdown(view.layer if view.layer != "input" else "the pixels")
    if data_map.knn_accuracy > right + 0.02:
        return f"Neighbours in {layer} tell the classes apart better than the network's own answers do."
    if data_map.knn_accuracy >= right - 0.02:
        return f"Neighbours in {layer} tell the classes apart about as well as the network's own answers do."
    return f"Neighbours in {layer} do not tell the classes apart as well as the network's own answers do."


def _making(view: "Chart", data_map: "DataMap") -> str:
    layer = escape_markdown(view.layer if view.layer != "input" else "the pixels")
    if data_map.pooled:
        words = f"Of {layer} the means of its {data_map.numbers:,} maps are taken, since all its places are too many."
    else:
        words = f"Each image is {data_map.numbers:,} number{'s' * (data_map.numbers != 1)} in {layer}"
        words += ", reduced to 50 principal components to be laid out." if _reduced(view, data_map) else "."
    if data_map.explained_variance is not None:
        words += f" The two directions hold {data_map.explained_variance:.0%} of their variance."
    return words


def _reduced(view: "Chart", data_map: "DataMap") -> bool:
    return view.method != "pca" and data_map.numbers > 50


def _labels(view: "Chart") -> np.ndarray:
    labels: np.ndarray = view.network.dataset().test.labels[view.numbers].numpy()
    return labels


def course(view: "Chart", maps: "list[DataMap]", at: int) -> None:
    """Draw how far the layer told the classes apart after each epoch."""
    last = view.network.require_run()
    places = [float(last.step / max(1, last.steps_per_epoch)) if m.epoch is None else float(m.epoch) for m in maps]
    votes = [(place, each.knn_accuracy) for place, each in zip(places, maps, strict=True)]
    st.markdown("**Untangled: the neighbours' vote, epoch by epoch**")
    chart(
        course_chart(("Neighbours' vote",), epochs=max(places), theme=session.theme()),
        course_rows({"Neighbours' vote": votes}),
        key=f"embedding_course_{view.side}",
        alt="Share of images whose nearest others in the layer are of their class, over the epochs: "
        + ", ".join(f"{share:.0%}" for _, share in votes),
        now=[{"epoch": places[at]}],
    )
    st.caption(
        "Each map begins from the one before and is turned and mirrored to fit it; each is drawn in its own size."
        if view.method != "pca"
        else "Each shadow is turned and mirrored to fit the one before; each is drawn in its own size."
    )


def table(view: "Chart", data_map: "DataMap") -> None:
    """Say of each class how far it has been told apart, and from which other it has not."""
    names, labels = view.network.class_names, _labels(view)
    near = labels[data_map.neighbors.indices]
    rows = []
    for label in np.unique(labels):
        mine = labels == label
        votes = np.bincount(near[mine].ravel(), minlength=len(names)) / near[mine].size
        own, votes[label] = votes[label], 0
        other = int(votes.argmax())
        rows.append(
            {
                "Class": names[label],
                "Images": int(mine.sum()),
                "Named right": percentage(float((data_map.answers[mine] == label).mean())),
                "Neighbours of its class": percentage(float(own)),
                "Else mostly": f"{names[other]} ({votes[other]:.1%})" if votes[other] else "none",
            }
        )
    st.dataframe(from_rows(rows), hide_index=True)
