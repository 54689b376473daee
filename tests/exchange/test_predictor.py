"""The exported predict.py gives a network the same input as the app, whatever kind of file the picture is."""

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from core.data.images import decode_image
from core.exchange.predictor import to_predictor
from core.exchange.weights import to_weights
from core.explain.subjects import subject_of
from core.runs.store import RunStore
from tests.exchange.foreign import made

_ASK = """
import sys, numpy, predict
from PIL import Image
for name in sys.argv[1:]:
    with Image.open(name) as picture:
        numpy.save(name + ".npy", predict.prepare(picture).numpy())
"""


def _ink(mode: str, paper: object, ink: object) -> Image.Image:
    image = Image.new(mode, (61, 45), paper)  # type: ignore[arg-type]
    ImageDraw.Draw(image).line((12, 8, 40, 36, 18, 30), ink, 5)  # type: ignore[arg-type]
    return image


def _file(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    content = io.BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()


def _pictures() -> dict[str, bytes]:
    colours = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 70, 3), dtype=np.uint8))
    turned = Image.Exif()
    turned[0x0112] = 6
    sixteen = Image.fromarray((np.arange(50 * 50).reshape(50, 50) * 26).astype(np.uint16))
    palette = _ink("RGB", "white", "navy").quantize(8)
    return {
        "transparent.png": _file(_ink("RGBA", (0, 0, 0, 0), (0, 0, 0, 255))),
        "paper.png": _file(_ink("L", 255, 10)),
        "board.png": _file(_ink("L", 0, 240)),
        "palette.png": _file(palette),
        "clear-palette.png": _file(palette, transparency=0),
        "sixteen.png": _file(sixteen),
        "cmyk.jpg": _file(colours.convert("CMYK"), "JPEG"),
        "turned.jpg": _file(colours, "JPEG", exif=turned),
        "grey.jpg": _file(colours.convert("L"), "JPEG"),
        "colours.webp": _file(colours, "WEBP", lossless=True),
        "small.png": _file(colours.resize((5, 3))),
    }


@pytest.mark.parametrize("which", ["digits", "colour"])
def test_the_script_prepares_pictures_as_the_app_does(
    which: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if which == "digits":
        run_id = request.getfixturevalue("trained")
    else:
        run_id = made(tmp_path / "home").run
        monkeypatch.setenv("CONVSCOPE_HOME", str(tmp_path / "home"))
    store = RunStore()
    run = store.get(run_id)
    (tmp_path / "predict.py").write_text(to_predictor(run), encoding="utf-8")
    (tmp_path / "ask.py").write_text(_ASK, encoding="utf-8")
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "latest.safetensors").write_bytes(to_weights(store, run_id))
    store.close()
    subject = subject_of(run_id)
    for name, content in _pictures().items():
        (tmp_path / name).write_bytes(content)
    subprocess.run([sys.executable, "ask.py", *_pictures()], cwd=tmp_path, check=True)
    for name, content in _pictures().items():
        expected = subject.normalize(subject.receive(decode_image(content)))
        found = torch.from_numpy(np.load(tmp_path / f"{name}.npy"))[0]
        assert (found - expected).abs().max() < 1e-5, name
    environment = os.environ | {"PYTHONIOENCODING": "cp1252"}
    said = subprocess.run(
        [sys.executable, "predict.py", *_pictures()], cwd=tmp_path, check=True, capture_output=True, env=environment
    )
    assert len(said.stdout.decode("cp1252").splitlines()) == len(_pictures())
