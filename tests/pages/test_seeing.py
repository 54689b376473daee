"""Seeing it learn: what the curves, the film strip and the panel of evidence show is what was recorded."""

import base64
import io
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from core.data.datasets import load_dataset
from core.figures.curves import smooth
from core.figures.film import map_tiles
from core.formatting import share
from core.inference.prediction import predict
from core.probe.activations import capture_activations
from core.runs.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from core.runs.records import Event, Evidence
from core.runs.series import Series
from core.runs.store import RunStore
from pages.sections.train.curves import SMOOTHING
from pages.sections.train.live_preview import RIGHT, WRONG


def seeing(run_id: str, **remembered: Any) -> AppTest:
    """Run the three on a page of their own."""

    def page(run_id: str) -> None:
        from core.figures.annotations import Mark
        from pages.sections.train.curves import curves
        from pages.sections.train.internals import evidence_panel
        from pages.sections.train.live_preview import film_strip
        from pages.shared.shell import services

        run = services.store().get(run_id)
        curves(run, [Mark(1, 2, "rises", "loss")])
        film_strip(run)
        evidence_panel(run)

    app = AppTest.from_function(page, args=(run_id,), default_timeout=60)
    for name, value in remembered.items():
        app.session_state[name] = value
    return ran(app)


def ran(changed: Any) -> AppTest:
    """Run a page, or that of a widget whose value was set."""
    app: AppTest = changed.run()
    assert not app.exception
    assert not app.error
    return app


def charts(app: AppTest) -> dict[str, Any]:
    """Return the charts by the start of their keys: the proto of each."""
    found = [element.proto for element in app.get("vega_lite_chart")]
    return {proto.alt: proto for proto in found}


def rows(proto: Any, name: str | None = None) -> list[dict[str, Any]]:
    """Return the rows of one of a chart's tables."""
    data = proto.data.data if name is None else {one.name: one.data.data for one in proto.datasets}.get(name)
    return pa.ipc.open_stream(data).read_all().to_pylist() if data else []


def films(app: AppTest) -> dict[str, dict[str, Any]]:
    data = [json.loads(element.proto.json) for element in app.get("bidi_component")]
    return {one["label"].split(",")[0]: one for one in data if "captions" in one}


def texts(app: AppTest) -> str:
    return " ".join(element.value for element in (*app.markdown, *app.caption, *app.subheader))


def loss_chart(app: AppTest) -> Any:
    return next(proto for alt, proto in charts(app).items() if alt.startswith("Loss"))


# Curves


def test_curves_hold_what_was_recorded_smoothed_and_raw(trained_run: str) -> None:
    metrics = RunStore().metrics(trained_run)
    shown = rows(loss_chart(seeing(trained_run)))
    train = [row for row in shown if row["split"] == "Training batches"]
    losses = [metric.train_loss for metric in metrics]
    np.testing.assert_allclose([row["value"] for row in train], losses, rtol=1e-4)
    np.testing.assert_allclose([row["smooth"] for row in train], smooth(losses, SMOOTHING), rtol=1e-4)
    assert [row["epoch"] for row in shown if row["split"] != "Training batches"] == [1, 2]


def test_the_best_epoch_events_findings_and_the_gap_are_drawn(trained_run: str) -> None:
    store = RunStore()
    store.worker.record(trained_run, (), events=[Event(5, "edit", "learning rate 0.01 → 0.1")])
    valid = {metric.epoch: metric.valid_loss for metric in store.metrics(trained_run) if metric.valid_loss is not None}
    proto = loss_chart(seeing(trained_run))
    best = min(valid, key=lambda epoch: valid[epoch])
    assert [row["label"] for row in rows(proto, "best")] == [f"best: epoch {best}"]
    (event,) = rows(proto, "events")
    assert (event["epoch"], event["text"]) == (0.5, "learning rate 0.01 → 0.1")
    assert [(row["epoch"], row["until"], row["label"]) for row in rows(proto, "marks")] == [(1, 2, "rises")]
    gap = rows(proto, "gap")
    np.testing.assert_allclose([gap[0]["valid"], gap[-1]["valid"]], list(valid.values()), rtol=1e-4)


def test_the_view_is_asked_for_and_leaves_the_rest_of_the_chart_as_it_is(trained_run: str) -> None:
    app = seeing(trained_run, curve_view=True)
    before = loss_chart(app)
    app.toggle(key="curve_gap").set_value(False)
    app.slider(key="curve_smoothing").set_value(0.0)
    ran(app)
    after = loss_chart(app)
    assert after.spec == before.spec  # or the zoom would be lost
    assert not rows(after, "gap")
    assert all(row["value"] == row["smooth"] for row in rows(after))
    app.toggle(key="curve_log").set_value(True)
    assert '"type": "log"' in loss_chart(ran(app)).spec


def test_a_run_without_steps_has_no_curves_and_says_when_pictures_come(weightless_run: str) -> None:
    app = seeing(weightless_run)
    assert not charts(app)
    assert "The pictures come with the first weights." in texts(app)


# Film strip


def test_the_strip_shows_what_the_latest_weights_say_of_pinned_test_images(trained_run: str) -> None:
    store, dataset = RunStore(), load_dataset("digits")
    pictures = films(seeing(trained_run))["Pinned test images"]
    labels = dataset.test.labels.numpy()
    places = [int(np.flatnonzero(labels == label)[0]) for label in range(8)]
    probabilities = predict(store.load_model(trained_run), dataset.normalize(dataset.test.images[places]))
    for place, caption, likely in zip(places, pictures["captions"], probabilities, strict=True):
        best = [int(index) for index in likely.argsort(descending=True, stable=True)[:3]]
        true = int(labels[place])
        assert caption["title"] == dataset.class_names[true]
        assert caption["sign"] == (RIGHT if best[0] == true else WRONG)
        assert [bar["name"] for bar in caption["bars"]] == [dataset.class_names[label] for label in best]
        assert [bar["number"] for bar in caption["bars"]] == [share(float(likely[label])) for label in best]
        assert [bar["strong"] for bar in caption["bars"]] == [label == true for label in best]
    np.testing.assert_array_equal(tiles(pictures)[..., 0], dataset.test.images[places, 0].numpy())


def tiles(data: dict[str, Any]) -> np.ndarray:
    image = Image.open(io.BytesIO(base64.b64decode(data["png"]))).convert("RGB")
    height, width, columns = data["height"], data["width"], data["columns"]
    pixels = np.asarray(image).reshape(-1, height, columns, width, 3).swapaxes(1, 2)
    return pixels.reshape(-1, height, width, 3)[: data["count"]]


def test_maps_are_those_of_the_chosen_layer_for_the_first_image(trained_run: str) -> None:
    store, dataset = RunStore(), load_dataset("digits")
    first = int(np.flatnonzero(dataset.test.labels.numpy() == 0)[0])
    images = dataset.normalize(dataset.test.images[first : first + 1])
    app = seeing(trained_run)
    offered = app.selectbox(key=f"film_layer_{trained_run}")
    assert [option.split(" ")[0] for option in offered.options] == ["conv1", "relu1", "pool1", "residual1", "pool2"]
    app = ran(offered.set_value("pool1"))
    expected = capture_activations(store.load_model(trained_run), images, ["pool1"])["pool1"][0]
    shown = films(app)["The maps of pool1 for the first picture"]
    np.testing.assert_array_equal(tiles(shown), map_tiles(expected.numpy()).pixels)


def test_new_weights_change_the_strip_and_its_batch(trained_run: str) -> None:
    store = RunStore()
    app = seeing(trained_run)
    run = store.get(trained_run)
    assert f"Weights after batch {run.step}, in epoch 2." in texts(app)
    before = films(app)
    path = store.checkpoint(trained_run)
    kept = load_checkpoint(path)
    weights = {**kept.weights, "conv1.weight": -kept.weights["conv1.weight"]}
    save_checkpoint(path, Checkpoint(weights, kept.training, {**kept.meta, "step": "11"}))
    after = films(ran(app))
    assert "Weights after batch 11, in epoch 2." in texts(app)
    assert after["The filters of conv1"]["png"] != before["The filters of conv1"]["png"]
    assert after["Pinned test images"]["png"] == before["Pinned test images"]["png"]


def test_other_images_are_of_the_same_classes(trained_run: str) -> None:
    app = seeing(trained_run)
    before = films(app)["Pinned test images"]
    app = ran(app.button(key="film_other").click())
    after = films(app)["Pinned test images"]
    assert after["png"] != before["png"]
    assert [one["title"] for one in after["captions"]] == [one["title"] for one in before["captions"]]


def test_an_untrained_network_is_called_so(trained_run: str) -> None:
    store = RunStore()
    store.change(trained_run, status="running")
    store.checkpoint(trained_run).unlink()
    assert "Before training: the weights are random." in texts(seeing(trained_run))


def test_weights_that_cannot_be_read_are_one_sentence_and_the_rest_stays(damaged_run: str) -> None:
    def page(run_id: str) -> None:
        from pages.sections.train.curves import curves
        from pages.sections.train.live_preview import film_strip
        from pages.shared.shell import services

        run = services.store().get(run_id)
        film_strip(run)
        curves(run)

    app = AppTest.from_function(page, args=(damaged_run,), default_timeout=60).run()
    assert not app.exception
    assert "missing or damaged" in app.error[0].value
    assert len(app.get("vega_lite_chart")) == 2


# Inside the training


@pytest.fixture
def inside(trained_run: str) -> Callable[..., AppTest]:
    def open_panel(view: str, **remembered: Any) -> AppTest:
        return seeing(trained_run, **{f"inside_{trained_run}": True, "inside_view": view, **remembered})

    return open_panel


def test_nothing_is_read_while_the_panel_is_closed(trained_run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Series, "evidence", lambda *_: pytest.fail("read"))
    app = seeing(trained_run)
    assert app.expander[0].label == "Inside the training"
    drawn = [alt for alt in charts(app) if not alt.startswith("Confusion matrix")]
    assert drawn == [f"{measure} of training and validation by epoch" for measure in ("Loss", "Accuracy")]


def test_gradients_and_dead_units_are_lines_of_each_layer(inside: Callable[..., AppTest], trained_run: str) -> None:
    recorded = RunStore().series.evidence(trained_run, "gradient")
    shown = rows(charts(inside("gradients"))["Norm of the gradient of each layer by epoch"])
    assert {row["layer"] for row in shown} == {"conv1", "residual1", "dense1", "dense2", "whole network"}
    np.testing.assert_allclose([row["value"] for row in shown], [moment.value for moment in recorded], rtol=1e-4)
    app = inside("dead")
    shown = rows(charts(app)["Dead units of each layer by epoch"])
    assert {row["layer"] for row in shown} == {"relu1", "tanh1"}
    assert "stuck at its limit" in texts(app)


def test_the_learning_rate_is_the_recorded_one(inside: Callable[..., AppTest], trained_run: str) -> None:
    shown = rows(charts(inside("rate"))["The learning rate by epoch"])
    np.testing.assert_allclose([row["value"] for row in shown], [m.lr for m in RunStore().metrics(trained_run)])


@pytest.mark.parametrize("kind", ["weights", "activations"])
def test_histograms_are_those_of_the_chosen_layer(inside: Callable[..., AppTest], trained_run: str, kind: str) -> None:
    app = inside(kind)
    assert {f"The {kind} of conv1 as histograms by epoch"} < set(charts(app))
    app = ran(app.selectbox(key=f"inside_{kind}_{trained_run}").set_value("dense2"))
    shown = rows(charts(app)[f"The {kind} of dense2 as histograms by epoch"])
    recorded = [moment for moment in RunStore().series.evidence(trained_run, kind) if moment.layer == "dense2"]
    assert min(row["low"] for row in shown) == pytest.approx(min(moment.bins[0] for moment in recorded), rel=1e-3)
    totals: dict[float, float] = {}
    for row in shown:
        totals[row["epoch"]] = totals.get(row["epoch"], 0.0) + row["share"]
    assert list(totals.values()) == pytest.approx([1.0] * len(recorded), rel=1e-3)


def test_a_run_without_evidence_says_why(inside: Callable[..., AppTest], weightless_run: str, trained_run: str) -> None:
    queued = seeing(weightless_run, **{f"inside_{weightless_run}": True, "inside_view": "gradients"})
    assert "It is measured from the first batch on: nothing yet." in texts(queued)
    RunStore().worker.rewind(trained_run, -1)
    assert "made by an earlier version" in texts(inside("weights"))
    assert "no activation layer" in texts(inside("dead"))


def test_hostile_words_stay_words(trained_run: str) -> None:
    store = RunStore()
    store.worker.record(trained_run, (), events=[Event(3, "edit", "<b>**lr**</b>" + "x" * 5000)])
    store.worker.record(trained_run, (), evidence=[Evidence(99, "gradient", "<script>", 1.0)])
    app = seeing(trained_run, **{f"inside_{trained_run}": True, "inside_view": "gradients"})
    (event,) = rows(loss_chart(app), "events")
    assert len(event["text"]) <= 200
    assert not [element for element in app.get("html") if "<script>" in element.proto.body]
