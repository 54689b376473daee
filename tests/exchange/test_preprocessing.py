"""Whoever follows the card, or the notes of the ONNX file, with Pillow, NumPy and onnxruntime gets the app's scores."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.data.images import decode_upload
from core.exchange.card import model_card
from core.exchange.onnx import to_onnx
from core.exchange.preprocessing import preprocessing, preprocessing_code
from core.inference.library import open_network
from core.runs.store import RunStore
from tests.exchange.foreign import made
from tests.exchange.test_predictor import _pictures

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
KINDS = (
    *("display-p3.png", "display-p3-clear.png", "adobe-rgb.jpg", "cmyk-profile.jpg", "panorama.jpg", "photograph.jpg"),
    *("photograph.png", "transparent.png", "paper.png", "board.png", "palette.png", "clear-palette.png", "cmyk.jpg"),
    *("turned.jpg", "grey.jpg", "colours.webp", "small.png"),
)


@pytest.mark.parametrize("which", ["digits", "colour"])
def test_who_follows_the_card_gets_the_scores_of_the_app(
    which: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if which == "digits":
        run_id = request.getfixturevalue("trained")
    else:
        run_id = made(tmp_path / "home").run
        monkeypatch.setenv("CONVSCOPE_HOME", str(tmp_path / "home"))
    store = RunStore()
    run = store.get(run_id)
    card, content = model_card(store, run), to_onnx(store, run_id)
    store.close()
    names: dict[str, Any] = {}
    exec(re.search(r"How to prepare pictures.*?```python\n(.*?)```", card, re.DOTALL)[1], names)
    notes = {each.key: each.value for each in onnx.load_from_string(content).metadata_props}
    assert notes["preprocessing.py"] == preprocessing_code(run)
    assert notes["preprocessing"].split("\n") == list(preprocessing(run))
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    network, pictures = open_network(run_id), _pictures()
    for name in KINDS:
        (tmp_path / name).write_bytes(pictures[name])
        image = network.normalize(network.fit(decode_upload(pictures[name]).image)[0])
        with torch.no_grad():
            expected = network.model(image[None]).numpy()
        found = session.run(["logits"], {"images": names["prepare"](tmp_path / name)})[0]
        np.testing.assert_allclose(found, expected, atol=1e-4 * max(1, np.abs(expected).max()), err_msg=name)


def test_the_steps_state_the_numbers_of_the_run(trained: str, store: RunStore) -> None:
    run, words = store.get(trained), " ".join(preprocessing(store.get(trained)))
    mean, std = open_network(trained).statistics
    assert f"subtract the mean {mean[0]:.9g}, then divide by {std[0]:.9g}." in words
    assert "light strokes on black" in words and "Lanczos" in words and "EXIF" in words and "sRGB" in words
    assert "HDR screens (PQ or HLG) are left as they are" in words and "16-bit values are scaled" in words
    assert f"float32 (N, {', '.join(map(str, run.spec.input_shape))})" in words
    raw = " ".join(preprocessing(replace(run, config={**run.config, "inputs": "raw"})))
    assert "subtract the mean 0, then divide by 0.00392156863." in raw
