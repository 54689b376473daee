"""The sliders on the data page set the next training, and the picture beside them shows what that does."""

import base64
import io
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from streamlit.testing.v1 import AppTest

from core.data.datasets import load_dataset
from core.train.config import AUGMENTATIONS, TrainConfig
from pages.sections.data.augmentation import MILD, ROWS, VARIANTS

PAGE = str(Path(__file__).resolve().parents[2] / "pages" / "data.py")
SIDE, GAP = 96, 8  # of a tile of `digits`, 8 × 8 pixels enlarged twelve times


@pytest.fixture
def open_page() -> Callable[..., AppTest]:
    def run(config: TrainConfig | None = None) -> AppTest:
        app = AppTest.from_file(PAGE, default_timeout=60)
        app.query_params["dataset"] = "digits"
        if config:
            app.session_state["config"] = config
        app.run()
        assert not app.exception
        return app

    return run


def figure(app: AppTest) -> str:
    """Return the preview as HTML."""
    (html,) = (html.proto.body for html in app.get("html") if "<figure" in html.proto.body)
    return html


def tiles(app: AppTest) -> np.ndarray:
    """Return the pixels of the preview, uint8 (ROWS, 1 + VARIANTS, 8, 8)."""
    data = re.search(r"base64,([^\"]+)", figure(app))
    assert data
    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(data[1]))).convert("L"))
    begin = sheet.shape[1] - VARIANTS * (SIDE + GAP) + GAP
    lefts = [0, *(begin + column * (SIDE + GAP) for column in range(VARIANTS))]
    return np.stack(
        [[sheet[row * (SIDE + GAP) :, left:][6:SIDE:12, 6:SIDE:12] for left in lefts] for row in range(ROWS)]
    )


def press(app: AppTest, label: str) -> None:
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception


def text(app: AppTest) -> str:
    return " ".join(element.value for element in (*app.markdown, *app.caption))


def test_without_augmentation_every_variant_is_its_original(open_page: Callable[..., AppTest]) -> None:
    app = open_page()
    shown = tiles(app)
    train = load_dataset("digits").train
    for label, row in enumerate(shown):
        first = train.images[train.labels == label][0, 0].numpy()
        assert np.array_equal(row, np.broadcast_to(first, row.shape))
    assert "The next training uses all images as they are." in text(app)
    assert next(button for button in app.button if button.label == "Shuffle").disabled
    alt = re.search(r'alt="([^"]+)"', figure(app))
    assert alt
    assert unescape(alt[1]).startswith("5 training images (0, 1, 2, 3, 4), each followed by 6 variants of it.")


@pytest.mark.parametrize("kind", AUGMENTATIONS)
def test_each_slider_sets_the_next_training_and_changes_the_picture(
    kind: str, open_page: Callable[..., AppTest]
) -> None:
    app = open_page(TrainConfig(lr=0.02))
    before = tiles(app)
    slider = app.slider(key=f"augmentation_{kind}")
    slider.set_value(slider.max / 2).run()
    assert not app.exception
    assert app.session_state["config"] == TrainConfig(lr=0.02, **{kind: slider.max / 2})
    after = tiles(app)
    assert np.array_equal(after[:, 0], before[:, 0])
    changed = (after[:, 1:] != before[:, 1:]).any(axis=(2, 3))
    assert changed.any()
    assert "Used by the next training." in text(app)


def test_what_was_chosen_before_is_where_the_sliders_begin(open_page: Callable[..., AppTest]) -> None:
    chosen = {kind: MILD[kind] / 2 for kind in AUGMENTATIONS}
    app = open_page(TrainConfig(**chosen))
    assert {kind: app.slider(key=f"augmentation_{kind}").value for kind in AUGMENTATIONS} == chosen
    assert app.session_state["config"] == TrainConfig(**chosen)
    assert not np.array_equal(tiles(app)[:, 1], tiles(app)[:, 0])


def test_shuffle_draws_other_variants_of_the_same_images(open_page: Callable[..., AppTest]) -> None:
    app = open_page(TrainConfig(rotation=45.0))
    before = tiles(app)
    press(app, "Shuffle")
    after = tiles(app)
    assert np.array_equal(after[:, 0], before[:, 0])
    assert (after[:, 1:] != before[:, 1:]).any(axis=(2, 3)).all()
    assert app.session_state["config"].rotation == 45


def test_a_mix_sets_all_sliders_and_off_takes_them_back(open_page: Callable[..., AppTest]) -> None:
    app = open_page(TrainConfig(epochs=3))
    press(app, "Mild mix")
    assert app.session_state["config"] == TrainConfig(epochs=3, **{**MILD, "flip": 0.0})  # digits have a direction
    press(app, "All off")
    assert app.session_state["config"] == TrainConfig(epochs=3)
    assert not any(app.slider(key=f"augmentation_{kind}").value for kind in AUGMENTATIONS)


@pytest.mark.parametrize("forged", [7.0, -1.0, float("nan")])
def test_a_forged_strength_never_reaches_the_next_training(forged: float, open_page: Callable[..., AppTest]) -> None:
    app = open_page()
    app.slider(key="augmentation_flip").set_value(forged).run()
    assert not app.exception
    assert "config" not in app.session_state  # as before the first choice
    assert tiles(app).shape == (ROWS, 1 + VARIANTS, 8, 8)


def test_the_picture_is_what_the_training_does(open_page: Callable[..., AppTest]) -> None:
    flipped = tiles(open_page(TrainConfig(flip=1.0)))
    assert np.array_equal(flipped[:, 1:], np.broadcast_to(flipped[:, :1, :, ::-1], flipped[:, 1:].shape))
    torch.manual_seed(1)  # what else is random has no say
    again = tiles(open_page(TrainConfig(flip=1.0)))
    assert np.array_equal(again, flipped)
