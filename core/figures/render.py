"""Learning curves rendered to PNG and SVG from the Vega-Lite descriptions of the pages."""

from collections.abc import Mapping, Sequence
from typing import Any

from core.errors import StorageError
from core.extras import extra
from core.figures.annotations import Rows, best_rows, event_rows
from core.figures.curves import curve_chart, curve_rows, gap_rows
from core.figures.palette import THEMES
from core.runs.history import Best, Point
from core.runs.records import Event, Run
from core.runs.scores import test_accuracy_text

SCALE = 2.0  # pixels of the picture for each of the page's: sharp on paper and on dense screens
SMOOTHING = 0.6
WIDTH, HEIGHT = 480, 320  # of each chart
MEASURES = ("loss", "accuracy")


def curves_png(
    run: Run, points: Mapping[str, Sequence[Point]], best: Best | None = None, events: Sequence[Event] = ()
) -> bytes:
    """Return loss and accuracy of a run side by side as a PNG picture, under the run's name, in the light theme.

    Nothing is fetched from anywhere: the renderer (vl-convert, https://github.com/vega/vl-convert) carries Vega in it.

    Args:
        run: The run.
        points: Its curves, from `History.points`.
        best: Its best epoch, to be ringed.
        events: What was changed while it trained, to be marked.

    Raises:
        StorageError: There is nothing to draw yet.
        MissingPackageError: vl-convert-python is not installed.
    """
    with extra("vl_convert"):
        import vl_convert

    drawing = _sheet(_charts(run, points, best, events), _title(run))
    picture: bytes = vl_convert.vegalite_to_png(drawing, scale=SCALE, allowed_base_urls=[])
    return picture


def curves_svg(
    run: Run, points: Mapping[str, Sequence[Point]], best: Best | None = None, events: Sequence[Event] = ()
) -> str:
    """Return the same picture as SVG, without the run's name: for a page that has it as a heading; see `curves_png`."""
    with extra("vl_convert"):
        import vl_convert

    picture: str = vl_convert.vegalite_to_svg(_sheet(_charts(run, points, best, events)), allowed_base_urls=[])
    return picture


def _charts(
    run: Run, points: Mapping[str, Sequence[Point]], best: Best | None, events: Sequence[Event]
) -> list[dict[str, Any]]:
    if not any(points.values()):
        raise StorageError("No step of this run is recorded yet: wait until it has trained a moment.")
    epochs = run.total_steps / run.steps_per_epoch if run.steps_per_epoch else float(run.config.get("epochs", 1))
    charts = []
    for measure in MEASURES:
        curve = curve_rows(points, measure, SMOOTHING)
        named = {
            "gap": gap_rows(points, measure, SMOOTHING),
            "best": best_rows(best, measure, run.steps_per_epoch, epochs, curve),
            "events": event_rows(events, run.steps_per_epoch, epochs),
        }
        chart = curve_chart(measure, epochs=epochs, loss=run.config.get("loss", "cross_entropy"), height=HEIGHT)
        charts.append(_filled(chart, curve, named))
    return charts


def _filled(chart: dict[str, Any], rows: Rows, named: Mapping[str, Rows]) -> dict[str, Any]:
    """Return a chart with its rows inside and without zoom or tooltips."""
    layers = []
    for layer in chart["layer"]:
        static = {key: value for key, value in layer.items() if key != "params"}
        if "data" in static:
            static["data"] = {"values": named.get(static["data"]["name"])}
        if "data" not in static or static["data"]["values"]:
            layers.append(static)
    rest = {key: value for key, value in chart.items() if key not in ("config", "layer")}
    return rest | {"data": {"values": rows}, "width": WIDTH, "layer": layers}


def _title(run: Run) -> dict[str, Any]:
    colours = THEMES["light"]
    best = "" if run.test_accuracy is None else f", {test_accuracy_text(run)} of the test images right"
    return {
        "text": run.name,
        "subtitle": f"{run.spec.name} on {run.dataset}{best}",
        "fontSize": 18,
        "subtitleFontSize": 13,
        "color": colours.text,
        "subtitleColor": colours.muted,
        "anchor": "start",
        "offset": 18,
        "limit": 2 * WIDTH,
    }


def _sheet(charts: list[dict[str, Any]], title: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {
        **({"title": title} if title else {}),
        "hconcat": charts,
        "spacing": 36,
        "padding": 20 if title else 4,
        "background": "white",
        "config": {
            "font": "sans-serif",
            "axis": {"gridColor": THEMES["light"].line, "labelFontSize": 12, "titleFontSize": 12},
            "legend": {"labelFontSize": 12},
            "view": {"stroke": None},
        },
    }
