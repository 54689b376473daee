"""The picture of the curves is made without a network, in the colours of the page, and reads large."""

import io
import socket
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.errors import StorageError
from core.figures.palette import THEMES
from core.figures.render import curves_png
from core.model.presets import preset
from core.runs.history import Best, Point
from core.runs.records import Event, Run
from core.runs.store import RunStore
from core.train.config import TrainConfig

POINTS = {
    "train": tuple(Point(step, step / 10, 2 / step, step / 40) for step in range(1, 31)),
    "valid": tuple(Point(10 * epoch, epoch, 1.5 / epoch, epoch / 4) for epoch in range(1, 4)),
}


@pytest.fixture
def run() -> Run:
    store = RunStore()
    made = store.get(store.create(preset("tutorial", (1, 8, 8), 10), TrainConfig(epochs=4), "digits", "A <b>name</b>"))
    store.close()
    return replace(made, steps_per_epoch=10, total_steps=40)


def pixels(picture: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB")).astype(int)


def share(image: np.ndarray, colour: str) -> float:
    wanted = [int(colour[place : place + 2], 16) for place in (1, 3, 5)]
    return float((np.abs(image - wanted).max(2) < 12).mean())


def test_both_curves_are_drawn_in_their_colours_on_white(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*arguments: Any) -> None:
        raise AssertionError("nothing is fetched")

    monkeypatch.setattr(socket.socket, "connect", offline)
    image = pixels(curves_png(run, POINTS, Best(3, 30, 0.5, 0.75), [Event(15, "edit", "learning rate 0.01 → 0.001")]))
    height, width, _ = image.shape
    assert width > 2 * 2 * 480
    assert height > 2 * 320
    assert (image[:10] == 255).all()
    left, right = image[:, : width // 2], image[:, width // 2 :]
    for half in (left, right):
        assert share(half, THEMES["light"].train) > 5e-4
        assert share(half, THEMES["light"].valid) > 5e-4


def test_the_name_the_marks_and_the_best_epoch_change_the_picture(run: Run) -> None:
    plain = pixels(curves_png(run, POINTS))
    named = pixels(curves_png(replace(run, name="Another"), POINTS))
    top = slice(0, 90)
    assert (plain[top] != named[top]).any()
    assert (plain[90:] == named[90:]).all()  # the same curves make the same picture
    assert (plain != pixels(curves_png(run, POINTS, Best(3, 30, 0.5, 0.75)))).any()
    assert (plain != pixels(curves_png(run, POINTS, None, [Event(15, "edit", "x")]))).any()


def test_without_a_step_there_is_no_picture(run: Run) -> None:
    with pytest.raises(StorageError, match="wait until"):
        curves_png(run, {"train": (), "valid": ()})
