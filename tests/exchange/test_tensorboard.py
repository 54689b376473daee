"""TensorBoard reads from the event file what the store holds."""

import struct

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from core.exchange.tensorboard import write_tensorboard
from core.runs.records import Evidence, Metric
from core.train.config import TrainConfig
from tests.exchange.conftest import SPEC


def single(value: float) -> float:
    return struct.unpack("<f", struct.pack("<f", value))[0]


def read(folder) -> EventAccumulator:
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0, "histograms": 0})
    events.Reload()
    return events


def test_the_curves_are_the_recorded_numbers(trained, store, tmp_path):
    run, metrics = store.get(trained), store.metrics(trained)
    path = write_tensorboard(store, run, tmp_path / "logs" / "run")
    assert path.parent == tmp_path / "logs" / "run"
    events = read(path.parent)
    for tag, field in (("loss/train", "train_loss"), ("accuracy/train", "train_accuracy"), ("lr", "lr")):
        found = [(event.step, event.value, event.wall_time) for event in events.Scalars(tag)]
        assert found == [(m.step, single(getattr(m, field)), run.created + m.seconds) for m in metrics]
    for tag, field in (("loss/valid", "valid_loss"), ("accuracy/valid", "valid_accuracy")):
        found = [(event.step, event.value) for event in events.Scalars(tag)]
        assert found == [(m.step, single(getattr(m, field))) for m in metrics if m.valid_loss is not None]
        assert len(found) == 2


def test_the_evidence_is_there_by_layer(trained, store, tmp_path):
    write_tensorboard(store, store.get(trained), tmp_path)
    events, evidence = read(tmp_path), store.series.evidence(trained)
    names = {"gradient": "gradient_norm", "dead": "dead_share", "weights": "weights_rms"}
    for kind, name in (names | {"activations": "activations_deviation"}).items():
        layers = {item.layer for item in evidence if item.kind == kind}
        assert layers
        assert layers == {
            tag.removeprefix(f"{name}/") for tag in events.Tags()["scalars"] if tag.startswith(f"{name}/")
        }
        for layer in layers:
            expected = [
                (item.step, single(item.value)) for item in store.series.evidence(trained, kind) if item.layer == layer
            ]
            assert [(event.step, event.value) for event in events.Scalars(f"{name}/{layer}")] == expected
    assert {tag.partition("/")[0] for tag in events.Tags()["histograms"]} == {"weights", "activations"}


def test_a_histogram_keeps_its_bins(store, tmp_path):
    run_id = store.create(SPEC, TrainConfig(), "digits")
    found = [
        Evidence(0, "weights", "conv1", 0.5, (-1.0, 2.0, 1.0, 0.0, 5.0)),
        Evidence(3, "weights", "conv1", 0.5, (1.0, 1.0, 7.0, 0.0, 0.0)),
    ]
    store.worker.record(run_id, [Metric(3, 1, 0.1, 2.0, 0.5, 0.5)], found)
    write_tensorboard(store, store.get(run_id), tmp_path)
    first, second = (event.histogram_value for event in read(tmp_path).Histograms("weights/conv1"))
    assert (first.min, first.max, first.num) == (-1.0, 2.0, 6.0)
    assert list(first.bucket_limit) == [-1.0, 0.0, 1.0, 2.0]
    assert list(first.bucket) == [0.0, 1.0, 0.0, 5.0]
    assert first.sum == pytest.approx(-0.5 + 5 * 1.5)
    assert first.sum_squares == pytest.approx(0.25 + 5 * 2.25)
    assert (second.min, second.max, list(second.bucket)) == (1.0, 1.0, [0.0, 7.0, 0.0, 0.0])


def test_a_run_without_steps_has_an_empty_file(store, tmp_path):
    run_id = store.create(SPEC, TrainConfig(), "digits")
    path = write_tensorboard(store, store.get(run_id), tmp_path)
    assert "tfevents" in path.name
    assert read(tmp_path).Tags()["scalars"] == []
    assert np.fromfile(path, np.uint8).size > 0
