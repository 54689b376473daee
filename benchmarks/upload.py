"""How long the server works from an uploaded photograph of 12 megapixels to the network's answer.

`python -m benchmarks.upload [repeats]` trains the tutorial's network for a moment and times runs of the page's script
inside `streamlit.testing.v1.AppTest`, each with a photograph that it has not seen: until the answer is known, and until
the whole page is drawn, two explanations included.
"""

import io
import logging
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from streamlit.testing.v1 import AppTest

from benchmarks.maths_page import train
from benchmarks.server import ROOT
from benchmarks.table import print_table
from pages.shared.network import inference
from pages.shared.shell.navigation import path

SIZE = (4000, 3000)


def photograph(number: int) -> bytes:
    """Return a JPEG of 12 megapixels with the grain and the sideways EXIF of a telephone's."""
    image = Image.open(ROOT / "assets" / "samples" / "astronaut.jpg").convert("RGB").resize(SIZE)
    grain = np.random.default_rng(number).normal(0, 6, (*SIZE[::-1], 1))
    exif, file = Image.Exif(), io.BytesIO()
    exif[0x0112] = 6
    pixels = (np.asarray(image) + grain).clip(0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(file, "JPEG", quality=90, exif=exif)
    return file.getvalue()


def measure(run_id: str, repeats: int) -> dict[str, list[float]]:
    """Return milliseconds by what was waited for; the first round warms up."""
    answered = list[float]()
    ask = inference.probabilities

    def probabilities(*args: Any, **words: Any) -> Any:
        found = ask(*args, **words)
        answered.append(time.perf_counter())
        return found

    inference.probabilities = probabilities
    app = AppTest.from_file(path("classify"), default_timeout=120)
    app.query_params["run"] = run_id
    app.run()
    while app.get("progress"):  # the calibration, once for a network
        time.sleep(0.2)
        app.run()
    samples: dict[str, list[float]] = {"upload → answer": [], "upload → whole page": []}
    for turn in range(repeats + 1):
        app.file_uploader(key="picture_upload").upload(f"photo{turn}.jpg", photograph(turn))
        answered.clear()
        began = time.perf_counter()
        app.run()
        over = time.perf_counter()
        assert any(f"answer to photo{turn}.jpg" in caption.value for caption in app.caption)
        if turn:
            samples["upload → answer"].append(1000 * (answered[0] - began))
            samples["upload → whole page"].append(1000 * (over - began))
    return samples


def main() -> None:
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)  # as the pages do
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    with tempfile.TemporaryDirectory() as home:
        os.environ["CONVSCOPE_HOME"] = str(Path(home))
        print_table("A photograph of 12 megapixels, the tutorial's network", "ms", measure(train(), repeats))


if __name__ == "__main__":
    main()
