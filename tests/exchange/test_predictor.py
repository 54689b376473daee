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

from core.data.images import decode_upload
from core.exchange.predictor import to_predictor
from core.exchange.weights import to_weights
from core.inference.library import open_network
from core.runs.store import RunStore
from tests.data.hostile import chunk
from tests.data.test_colours import (
    ADOBE_XY,
    TO_XYZ_D50,
    cmyk_profile,
    gamma,
    marked,
    matrix_profile,
    primaries,
    transparent,
)
from tests.exchange.foreign import made

_ASK = """
import os, pathlib, runpy, sys, numpy
folders, pictures = sys.argv[1:3], sys.argv[3:]
for folder in folders:
    os.chdir(folder)
    sys.argv = ["predict.py", *(os.path.join("..", name) for name in pictures)]
    try:
        runpy.run_path("predict.py", run_name="__main__")
    except SystemExit as end:
        assert not end.code
    script = runpy.run_path("predict.py")
    for name in pictures:
        picture = script["decode"](pathlib.Path("..", name).read_bytes())
        numpy.save(name + ".npy", script["prepare"](picture).numpy())
"""


def _ink(mode: str, paper: object, ink: object) -> Image.Image:
    image = Image.new(mode, (61, 45), paper)  # type: ignore[arg-type]
    ImageDraw.Draw(image).line((12, 8, 40, 36, 18, 30), ink, 5)  # type: ignore[arg-type]
    return image


def _file(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    content = io.BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()


def _stated(image: Image.Image, *chunks: tuple[bytes, bytes]) -> bytes:
    """Return a PNG with chunks that state its colours, after its header of 33 bytes."""
    whole = _file(image)
    return whole[:33] + b"".join(chunk(*each) for each in chunks) + whole[33:]


def _pictures() -> dict[str, bytes]:
    colours = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 70, 3), dtype=np.uint8))
    turned = Image.Exif()
    turned[0x0112] = 6
    sixteen = Image.fromarray((np.arange(50 * 50).reshape(50, 50) * 26).astype(np.uint16))
    palette = _ink("RGB", "white", "navy").quantize(8)
    photograph = colours.resize((1400, 1000))
    inks = cmyk_profile({(0, 0, 0, 0): (100, 0, 0), (1, 0, 0, 0): (56, -36, -49), (0, 1, 0, 0): (48, 73, -4)})
    fine = np.random.default_rng(1).integers(0, 2**16, 12).tolist()
    return {
        "sixteen-clear.png": transparent([0x1234, 0x8000, 0x1235, *fine], 16, 0, [0x1234]),
        "sixteen-colours-clear.png": transparent([0x1234] * 3 + [0x1235] * 3 + fine, 16, 2, [0x1234] * 3),
        "four-clear.png": transparent([3, 15], 4, 0, [3]),
        "display-p3.png": _file(colours, icc_profile=matrix_profile(TO_XYZ_D50["Display P3"])),
        "display-p3-clear.png": _file(
            _ink("RGBA", (0, 0, 0, 0), (200, 40, 60, 190)), icc_profile=matrix_profile(TO_XYZ_D50["Display P3"])
        ),
        "adobe-rgb.jpg": _file(colours, "JPEG", icc_profile=matrix_profile(TO_XYZ_D50["Adobe RGB"]), exif=turned),
        "cmyk-profile.jpg": _file(colours.convert("CMYK"), "JPEG", icc_profile=inks),
        "adobe-rgb-marked.jpg": _file(colours, "JPEG", exif=marked(65_535, "R03")),
        "adobe-rgb-stated.png": _stated(colours, gamma(45_455), primaries(*ADOBE_XY)),
        "linear-grey.png": _stated(_ink("L", 200, 10), gamma(100_000)),
        "rec-2020.png": _stated(colours, (b"cICP", bytes([9, 1, 0, 1]))),
        "panorama.jpg": _file(colours.resize((3900, 300)), "JPEG"),
        "photograph.jpg": _file(photograph, "JPEG"),  # kept smaller than in its file
        "too-many-pixels.jpg": _file(colours.resize((2000, 1500)), "JPEG"),  # for the limit of this test
        "photograph.png": _file(photograph),
        "colours.avif": _file(colours, "AVIF"),
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


def test_the_script_prepares_pictures_as_the_app_does(
    trained: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONVSCOPE_MAX_PIXELS", "2000000")
    runs = {home: trained, tmp_path / "home": made(tmp_path / "home").run}
    networks = {}
    for which, (place, run_id) in zip(("digits", "colour"), runs.items(), strict=True):
        monkeypatch.setenv("CONVSCOPE_HOME", str(place))
        folder, store = tmp_path / which, RunStore()
        (folder / "weights").mkdir(parents=True)
        (folder / "predict.py").write_text(to_predictor(store.get(run_id)), encoding="utf-8")
        (folder / "weights" / "latest.safetensors").write_bytes(to_weights(store, run_id))
        store.close()
        networks[folder] = open_network(run_id)
    pictures = _pictures()
    for name, content in pictures.items():
        (tmp_path / name).write_bytes(content)
    command, environment = (
        [sys.executable, "-c", _ASK, *networks, *pictures],
        os.environ | {"PYTHONIOENCODING": "cp1252"},
    )
    said = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, env=environment)
    assert len(said.stdout.decode("cp1252").splitlines()) == len(networks) * len(pictures)
    for folder, network in networks.items():
        for name, content in pictures.items():
            expected = network.normalize(network.fit(decode_upload(content).image)[0])
            found = torch.from_numpy(np.load(folder / f"{name}.npy"))[0]
            assert (found - expected).abs().max() < 1e-5, (folder.name, name)


def test_what_cannot_be_read_is_a_sentence_and_the_others_go_on(tmp_path: Path, trained: str) -> None:
    store = RunStore()
    (tmp_path / "predict.py").write_text(to_predictor(store.get(trained)), encoding="utf-8")
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "latest.safetensors").write_bytes(to_weights(store, trained))
    store.close()
    (tmp_path / "pillow_heif.py").write_text("raise ImportError('not installed')", encoding="utf-8")
    files = {
        "phone.heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40),
        "cut.png": _file(_ink("L", 0, 240))[:60],
        "text.png": b"no picture",
        "whole.png": _file(_ink("L", 0, 240)),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    said = subprocess.run(
        [sys.executable, "predict.py", "missing.png", *files], cwd=tmp_path, capture_output=True, text=True
    )
    assert said.returncode == 1 and said.stdout.startswith("whole.png: ")
    reasons = dict(line.split(": ", 1) for line in said.stderr.splitlines())
    assert set(reasons) == {"missing.png", "phone.heic", "cut.png", "text.png"}
    assert "pillow-heif" in reasons["phone.heic"] and "export it as JPEG" in reasons["phone.heic"]
    assert "damaged" in reasons["cut.png"] and "no PNG, JPEG" in reasons["text.png"]
