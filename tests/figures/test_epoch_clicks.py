"""The bands of epochs that can be clicked: without gaps, each around its epoch."""

from core.figures.curves import curve_chart
from core.figures.epoch_clicks import PICKED, band_rows, with_epoch_clicks


def test_bands_meet_halfway_between_kept_epochs():
    assert [(row["epoch"], row["from"], row["to"]) for row in band_rows([0, 1, 4], 1.0)] == [
        *[(0.0, -0.5, 0.5), (1.0, 0.5, 2.5), (4.0, 2.5, 4.5)]
    ]
    assert {row["shown"] for row in band_rows([0, 1, 4], 1.0)} == {1.0}
    assert band_rows([], 0.0) == []


def test_the_curves_keep_their_layers_and_their_zoom_and_the_bands_lie_below():
    chart = curve_chart("loss", epochs=4)
    clickable = with_epoch_clicks(chart, "light")
    assert len(clickable["layer"]) == len(chart["layer"]) + 2
    assert [param["name"] for param in clickable["layer"][0]["params"]] == [PICKED]
    (other,) = [layer for layer in clickable["layer"][1:] if "params" in layer]
    assert [param["name"] for param in other["params"]] == ["zoom"]
    assert "tooltip" in other["encoding"]  # a line with a selection would take the clicks beside it
