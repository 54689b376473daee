"""A frame of a camera gets the answer that its picture gets as an upload, with a map of the likeliest class."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from core.assets import ASSETS
from core.data.fitting import fit_image
from core.data.images import decode_image
from core.errors import ImageError
from core.explain import METHODS, attribute, heatmap, predict
from core.explain.live import LIVE_METHODS, answer_frame, frame_side
from core.inference import Network, open_network
from core.model.layers import Activation, Conv, Dense, Flatten
from core.model.spec import ModelSpec
from core.runs.store import RunStore
from core.train.config import TrainConfig
from core.train.runner import Runner
from tests.data.paper_photographs import fifty


@pytest.fixture
def network(home: Path) -> Network:
    """Return a network that has learned MNIST's digits for a moment."""
    layers, store = (Conv(4), Activation(), Flatten(), Dense(10)), RunStore()
    config = TrainConfig(epochs=1, train_images=64, precision="fp32", device="cpu")
    run_id = store.create(ModelSpec("Small", (1, 28, 28), 10, layers), config, "mnist5k", "Small", owner="tests")
    Runner(store, run_id, "tests").run()
    store.close()
    return open_network(run_id)


def jpeg(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=90)
    return file.getvalue()


def square(picture: Image.Image, side: int) -> Image.Image:
    """Return the centre of a picture as a browser shrinks it, by averages."""
    room = min(picture.size)
    left, top = (picture.width - room) // 2, (picture.height - room) // 2
    return picture.crop((left, top, left + room, top + room)).resize((side, side), Image.Resampling.BOX)


@pytest.mark.parametrize("find_digit", [True, False])
def test_a_frame_is_answered_like_any_other_picture(network: Network, find_digit: bool) -> None:
    photograph = next(photo for photo, _, _ in fifty("plain") if network.read_paper(photo).ink)  # type: ignore[union-attr]
    data = jpeg(photograph)
    picture = decode_image(data)
    pixels = network.fit(picture, paper=network.read_paper(picture) if find_digit else None)[0]
    image = network.normalize(pixels)
    expected = predict(network.model, image[None])[0]
    for method in LIVE_METHODS:
        answer = answer_frame(network, data, method, find_digit=find_digit)
        assert torch.equal(answer.pixels, pixels) and torch.equal(answer.probabilities, expected)
        assert answer.whole is not find_digit  # a digit that was found is cut out
        assert answer.heatmap is not None and answer.signed is METHODS[method].signed
        assert torch.equal(answer.heatmap, heatmap(attribute(network.model, image, int(expected.argmax()), method)))
    assert answer_frame(network, data, None).heatmap is None
    with pytest.raises(ImageError, match="damaged"):
        answer_frame(network, data[:200], None)


@pytest.mark.parametrize(("shape", "levels"), [((3, 32, 32), 1.5), ((1, 28, 28), 1.5), ((3, 64, 96), 4)])
def test_a_frame_is_as_good_as_the_whole_photograph(shape: tuple[int, int, int], levels: float) -> None:
    photograph = decode_image((ASSETS / "samples" / "astronaut.jpg").read_bytes())
    whole = fit_image(square(photograph, min(photograph.size)), shape)[0].numpy().astype(float)
    sent = decode_image(jpeg(square(photograph, frame_side(shape))))
    assert min(sent.size) >= 2 * max(shape[1:])  # the last step is left to the fitting that all pictures have
    assert np.abs(fit_image(sent, shape)[0].numpy() - whole).mean() < levels
