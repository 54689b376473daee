"""What is computed by some weights is kept under their stamp, whenever a worker writes new ones."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.errors import RunError, StorageError
from core.inference import stamped
from core.inference.prediction import predict
from core.inference.sources import RunNetwork
from core.runs.checkpoint import load_checkpoint, save_checkpoint
from core.runs.store import RunStore
from pages.shared.network import inference
from pages.shared.network.current_network import library
from pages.shared.picture.input_image import InputImage
from pages.shared.shell import services

PICTURE = InputImage("", (1, 8, 8), bytes(range(0, 256, 4)))


@pytest.fixture
def path(trained_run: str) -> Path:
    return services.store().checkpoint(trained_run)


def write_other_weights(path: Path) -> None:
    """Do what a worker does every few seconds."""
    checkpoint = load_checkpoint(path)
    weights = {
        name: tensor + 0.1 if tensor.is_floating_point() else tensor for name, tensor in checkpoint.weights.items()
    }
    save_checkpoint(path, replace(checkpoint, weights=weights))


def direct(run_id: str) -> np.ndarray:
    """Return the probabilities by the weights that are on the disk now."""
    image = library().get(run_id).normalize(PICTURE.tensor())
    return predict(RunStore().load_model(run_id), image[None])[0].numpy()


def during_the_first_reading(monkeypatch: pytest.MonkeyPatch, do) -> None:
    """Do something at the moment between the making of a key and the reading of the weights."""
    load, calls = RunStore.load_model, []

    def load_model(self: RunStore, run_id: str, epoch: int | None = None):
        calls.append(run_id)
        if len(calls) == 1:
            do()
        return load(self, run_id, epoch)

    monkeypatch.setattr(RunStore, "load_model", load_model)


def test_a_result_of_new_weights_is_not_kept_under_the_mark_of_the_old(
    trained_run: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = direct(trained_run)
    old = path.with_suffix(".old")
    os.link(path, old)
    during_the_first_reading(monkeypatch, lambda: write_other_weights(path))
    got = inference.probabilities(library().get(trained_run), PICTURE)
    assert np.allclose(got, direct(trained_run))
    assert not np.allclose(got, before, atol=1e-3)
    old.replace(path)  # the very file of before, with its old time
    assert np.allclose(inference.probabilities(library().get(trained_run), PICTURE), before)


def test_one_object_gives_mark_and_network_whatever_is_written_meanwhile(trained_run: str, path: Path) -> None:
    before = direct(trained_run)
    weights = library().get(trained_run)
    mark = weights.cache_key
    write_other_weights(path)
    assert weights.cache_key == mark
    assert np.allclose(inference.probabilities(weights, PICTURE), before)
    later = library().get(trained_run)
    assert later.cache_key != mark
    assert np.allclose(inference.probabilities(later, PICTURE), direct(trained_run))
    assert not np.allclose(direct(trained_run), before, atol=1e-3)


def test_two_files_written_at_the_same_moment_have_two_stamps(path: Path) -> None:
    status, stamp = path.stat(), stamped.stamp_of(path)
    write_other_weights(path)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert stamped.stamp_of(path) != stamp


def test_weights_that_change_at_every_reading_end_in_a_sentence(
    trained_run: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = RunStore.load_model

    def load_model(self: RunStore, run_id: str, epoch: int | None = None):
        write_other_weights(path)
        return load(self, run_id, epoch)

    monkeypatch.setattr(RunStore, "load_model", load_model)
    with pytest.raises(StorageError, match="look again in a moment"):
        stamped.load_stamped(services.store(), trained_run)


def test_the_step_is_that_of_the_weights(trained_run: str, path: Path) -> None:
    run = services.store().get(trained_run)
    assert library().get(trained_run).stamped.step == run.step
    checkpoint = load_checkpoint(path)
    save_checkpoint(path, replace(checkpoint, meta={**checkpoint.meta, "step": "7"}))
    assert library().get(trained_run).stamped.step == 7


def test_pinned_weights_refuse_to_be_others(trained_run: str, path: Path) -> None:
    before = direct(trained_run)
    pinned = library().get(trained_run).pinned()
    assert pinned.cache_key == library().get(trained_run).cache_key
    assert np.allclose(inference.probabilities(pinned, PICTURE), before)
    late = library().get(trained_run).pinned()
    write_other_weights(path)
    with pytest.raises(RunError, match="look again in a moment"):
        _ = late.model
    copy = library().get(trained_run).pinned().own_copy()
    assert copy is not library().get(trained_run).model


def test_images_that_come_later_are_used_from_then_on(trained_run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    network = library().get(trained_run)
    with monkeypatch.context() as patch:
        patch.setattr(RunNetwork, "why_no_images", "They have to be downloaded first.")
        assert network.background is None
    assert network.background.shape == (32, 1, 8, 8)
