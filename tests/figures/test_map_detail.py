"""An enlarged map shows the grid's colours, its numbers, and rows from the top down."""

import numpy as np
import pytest

from core.figures.map_detail import around, enlarged_map
from core.figures.palette import luminance
from core.figures.scales import ColorScale


def test_cells_are_square_sharp_and_counted_from_the_top() -> None:
    values = np.arange(12.0).reshape(3, 4)
    figure = enlarged_map(values, ColorScale("sequential", 0, 20), title="Brightness")
    heatmap = figure.data[0]
    assert np.array_equal(np.array(heatmap.z), values)
    assert (heatmap.zmin, heatmap.zmax) == (0, 20)
    assert heatmap.zsmooth is False
    assert heatmap.colorbar.title.text == "Brightness"
    assert figure.layout.yaxis.range == (2.5, -0.5)
    assert figure.layout.yaxis.scaleanchor == "x"
    assert "row %{y}, column %{x}" in heatmap.hovertemplate
    assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == "rgba(0,0,0,0)"


def test_the_scale_is_the_grid_s() -> None:
    scale = ColorScale("diverging", -2, 2)
    heatmap = enlarged_map([[0.0, 1.0]], scale).data[0]
    assert (heatmap.zmin, heatmap.zmax) == (-2, 2)
    assert [tuple(stop) for stop in heatmap.colorscale] == scale.plotly()


def test_numbers_stand_in_their_cells_up_to_16_by_16() -> None:
    values = np.array([[0.0, -1.234], [0.0567, 1.5]])
    numbers = enlarged_map(values, ColorScale.of(values)).data[1]
    assert list(zip(numbers.y, numbers.x, numbers.text, strict=True)) == [
        (0, 0, "0.00"), (0, 1, "−1.23"), (1, 0, "0.06"), (1, 1, "1.50"),
    ]  # fmt: skip
    assert len(enlarged_map(np.ones((16, 16)), ColorScale("sequential", 0, 1)).data) == 2
    assert len(enlarged_map(np.ones((3, 17)), ColorScale("sequential", 0, 1)).data) == 1


@pytest.mark.parametrize("kind", ["sequential", "diverging"])
def test_numbers_have_contrast_on_every_colour(kind: str) -> None:
    scale = ColorScale(kind, -1 if kind == "diverging" else 0, 1)  # type: ignore[arg-type]
    values = np.linspace(scale.low, 1, 256).reshape(16, 16)
    numbers = enlarged_map(values, scale).data[1]
    grounds = luminance(scale.rgb(values.ravel()))
    inks = np.array([0.0 if colour == "#000000" else 1.0 for colour in numbers.textfont.color])
    contrast = (np.maximum(grounds, inks) + 0.05) / (np.minimum(grounds, inks) + 0.05)
    assert contrast.min() >= 4.5


@pytest.mark.parametrize(
    ("high", "value", "text"),
    [
        (250.0, -3.4, "−3"),
        (1e-5, 1.234e-6, "1.2e−6"),
        (2e6, 1.5e6, "1.5e6"),
        (30.0, -0.01, "0.0"),
        (0.02, 0.0123, "0.0123"),
    ],
)
def test_numbers_are_as_fine_as_the_scale_needs(high: float, value: float, text: str) -> None:
    assert enlarged_map([[value]], ColorScale("diverging", -high, high)).data[1].text[0] == text


def test_values_that_are_not_finite() -> None:
    values = np.array([[np.nan, np.inf], [-np.inf, 1.0]])
    heatmap, numbers = enlarged_map(values, ColorScale.of(values, signed=True)).data
    assert list(numbers.text) == ["∞", "−∞", "1.00"]
    assert np.isnan(heatmap.z[0][0])
    assert (heatmap.z[0][1], heatmap.z[1][0]) == (1, -1)
    assert heatmap.hoverongaps is False


def test_a_dead_map_has_the_colour_of_zero_and_no_colour_bar() -> None:
    heatmap, numbers = enlarged_map(np.zeros((2, 2)), ColorScale.of(np.zeros((2, 2)))).data
    assert heatmap.zmin == 0 < heatmap.zmax
    assert heatmap.showscale is False
    assert set(numbers.text) == {"0"}
    with pytest.raises(ValueError, match="a map must have shape"):
        enlarged_map(np.zeros(3), ColorScale("sequential", 0, 1))


def test_a_part_keeps_its_place_and_a_box_frames_whole_cells() -> None:
    figure = enlarged_map([[1.0, 2.0], [3.0, 4.0]], ColorScale("sequential", 0, 4), origin=(5, 7), box=(5, 8, 7, 9))
    heatmap, numbers = figure.data
    assert (heatmap.y0, heatmap.x0) == (5, 7)
    assert list(zip(numbers.y, numbers.x, numbers.text, strict=True))[1:3] == [(5, 8, "2.00"), (6, 7, "3.00")]
    assert (figure.layout.yaxis.range, figure.layout.xaxis.range) == ((6.5, 4.5), (6.5, 8.5))
    assert {(line.y0, line.x0, line.y1, line.x1) for line in figure.layout.shapes} == {(4.5, 7.5, 6.5, 8.5)}
    assert len({line.line.color for line in figure.layout.shapes}) == 2


@pytest.mark.parametrize(
    ("shape", "row", "col", "box"),
    [
        ((28, 28), 10, 20, (6, 16, 15, 25)),
        ((28, 28), 0, 27, (0, 19, 9, 28)),
        ((5, 20), 4, 1, (0, 0, 5, 9)),
    ],
)
def test_the_part_around_a_place_lies_on_the_map(
    shape: tuple[int, int], row: int, col: int, box: tuple[int, int, int, int]
) -> None:
    assert around(shape, row, col) == box
