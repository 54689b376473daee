"""Networks that can be asked: a run, a pretrained network and an edited copy have the same face."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from core.data.datasets import load_dataset
from core.errors import ExplainError, RunError
from core.inference.library import NetworkLibrary, open_network, zoo_id
from core.inference.network import Network
from core.inference.sources import NO_IMAGES
from core.model.zoo import IMAGENET, ZOO
from core.runs.checkpoint import load_checkpoint, save_checkpoint
from core.runs.records import Status
from core.runs.store import RunStore

LITE = "efficientnet_lite0"


@pytest.fixture
def library(trained: str) -> NetworkLibrary:
    return NetworkLibrary(RunStore())


def halved(model: nn.Module) -> nn.Module:
    """Return a copy of a network whose scores are half as large."""
    return nn.Sequential(copy.deepcopy(model), _Half()).eval()


class _Half(nn.Module):
    def forward(self, logits: torch.Tensor) -> torch.Tensor:
        return logits / 2


def write_other_weights(library: NetworkLibrary, run_id: str) -> None:
    path = library.store.checkpoint(run_id)
    checkpoint = load_checkpoint(path)
    save_checkpoint(path, replace(checkpoint, weights={name: 2 * part for name, part in checkpoint.weights.items()}))


def scores(network: Network, images: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return network.model(images)


def test_a_run_says_what_it_is_and_is_asked(library: NetworkLibrary, trained: str) -> None:
    network, run = library.get(trained), library.store.get(trained)
    assert (network.id, network.name, network.run, network.pretrained) == (trained, "Small network", run, None)
    assert (network.input_shape, network.num_classes, network.dataset_name) == ((1, 8, 8), 10, "digits")
    assert network.class_names == tuple("0123456789") and network.epochs == (0, 1) and network.spec == run.spec
    assert [library.get(trained, epoch).moment for epoch in (None, 1, 0)] == ["latest", "epoch 1", "epoch 0, untrained"]
    assert network.stamped.step == run.step and network.exists and not network.why_no_images
    image = network.normalize(network.dataset().test.images[:1])
    assert torch.equal(scores(network, image), scores(library.get(trained, 1), image))
    assert not torch.equal(scores(network, image), scores(library.get(trained, 0), image))
    assert library.get(trained).model is network.model


def test_a_pretrained_network_has_classes_and_no_run(library: NetworkLibrary) -> None:
    network = library.get(zoo_id(LITE))
    assert (network.id, network.run, network.spec, network.epochs) == ("zoo-efficientnet_lite0", None, None, ())
    assert (network.name, network.moment, network.dataset_name) == (ZOO[LITE].title, "pretrained", IMAGENET)
    assert len(network.class_names) == network.num_classes and network.class_of("Tabby") == 281
    assert network.why_no_images == NO_IMAGES and network.background is None
    with pytest.raises(RunError, match="not here"):
        network.dataset()
    assert network.cache_key == (network.id, None, ZOO[LITE].sha256) == library.get(LITE).cache_key
    assert scores(network, torch.zeros(1, *network.input_shape)).shape == (1, 1000)
    assert library.get(LITE).model is network.model
    with pytest.raises(RunError, match="not on this computer yet"):
        _ = library.get("resnet18").model


def test_an_edited_copy_is_asked_like_its_original(library: NetworkLibrary, trained: str) -> None:
    network = library.get(trained)
    half = network.edited("halved", halved)
    images = network.normalize(network.dataset().test.images[:3])
    assert torch.equal(half.normalize(network.dataset().test.images[:3]), images)
    assert torch.equal(scores(half, images), scores(network, images) / 2)
    quarter = half.edited("halved", halved)
    assert torch.equal(scores(quarter, images), scores(network, images) / 4)
    marks = {
        network.cache_key,
        half.cache_key,
        quarter.cache_key,
        network.edited("other", halved).cache_key,
        library.get(LITE).cache_key,
    }
    assert len(marks) == 5 and network.edited("halved", halved).cache_key == half.cache_key
    assert network.edited("halved", halved).model is half.model and half.own_copy() is not half.model
    assert len({library.get(LITE).cache_key, library.get(LITE).edited("halved", halved).cache_key}) == 2


def test_a_copy_has_the_weights_that_its_original_was_read_with(library: NetworkLibrary, trained: str) -> None:
    network = library.get(trained)
    images = network.normalize(network.dataset().test.images[:1])
    before, mark = scores(network, images), network.cache_key
    write_other_weights(library, trained)
    assert network.cache_key == mark and torch.equal(scores(network.edited("halved", halved), images), before / 2)
    late = library.get(trained)
    assert late.cache_key != mark and not torch.equal(scores(late, images), before)
    assert late.edited("halved", halved).cache_key != network.edited("halved", halved).cache_key
    pinned = library.get(trained).pinned()
    assert pinned.cache_key == late.cache_key
    write_other_weights(library, trained)
    with pytest.raises(RunError, match="look again"):
        _ = pinned.model


def test_weights_that_cannot_be_read_have_a_mark_and_a_sentence(library: NetworkLibrary, trained: str) -> None:
    library.store.checkpoint(trained).unlink()
    gone = library.get(trained)
    assert gone.cache_key == (trained, None, "unreadable") and not gone.exists
    with pytest.raises(RunError, match="no weights yet"):
        _ = gone.model
    running = library.of_run(replace(library.store.get(trained), status=Status.RUNNING))
    assert running.exists and running.cache_key == library.get(trained, 0).cache_key


@pytest.mark.parametrize("inputs", ["standard", "unit", "raw"])
def test_pixels_are_normalised_as_the_training_did(library: NetworkLibrary, trained: str, inputs: str) -> None:
    run = library.store.get(trained)
    network = library.of_run(replace(run, config={**run.config, "inputs": inputs}))
    pixels, data = torch.arange(0, 256, 4, dtype=torch.uint8).reshape(1, 1, 8, 8), load_dataset("digits")
    mean, std = {"standard": (data.mean[0], data.std[0]), "unit": (0, 1), "raw": (0, 1 / 255)}[inputs]
    by_hand = (pixels.numpy() / 255 - mean) / std
    assert np.allclose(network.normalize(pixels), by_hand, atol=1e-5)
    assert torch.equal(network.normalize(pixels), data.scaled(inputs).normalize(pixels))
    with pytest.raises(RunError, match="1 × 8 × 8, not of 3 × 8 × 8"):
        network.normalize(pixels.expand(1, 3, 8, 8))


def test_the_pixels_of_a_pretrained_network_are_its_makers(library: NetworkLibrary) -> None:
    pixels = torch.randint(0, 256, (3, 224, 224), dtype=torch.uint8)
    assert torch.allclose(library.get(LITE).normalize(pixels), (pixels.double() - 127).float() / 128, atol=1e-6)
    photograph = library.get("resnet18").normalize(pixels)[1, 5, 7]
    assert float(photograph) == pytest.approx((int(pixels[1, 5, 7]) / 255 - 0.456) / 0.224, abs=1e-5)


def test_a_picture_is_swapped_where_the_network_learned_light_strokes(library: NetworkLibrary, trained: str) -> None:
    paper = Image.new("RGB", (16, 16), "white")
    paper.paste("black", (6, 2, 10, 14))
    digits, photographs = library.get(trained), library.get(LITE)
    assert digits.swaps(paper) and not photographs.swaps(paper) and digits.light_on_dark
    pixels, stages = digits.fit(paper)
    assert pixels.shape == (1, 8, 8) and int(pixels[0, 4, 4]) > 200 and int(pixels[0, 0, 0]) == 0
    assert "Dark and light swapped" in [stage.title for stage in stages]
    assert torch.equal(digits.fit(paper, swap=False)[0], 255 - pixels)
    assert int(photographs.fit(paper, swap=True)[0][0, 0, 0]) == 255


def test_background_images_are_validation_images_as_the_network_takes_them(
    library: NetworkLibrary, trained: str
) -> None:
    images = library.get(trained).background
    assert images is not None and torch.equal(images, load_dataset("digits").valid.images[:32] / 255)


def test_a_name_that_nothing_has_is_refused_and_a_command_line_is_told_how_names_look(
    library: NetworkLibrary, trained: str
) -> None:
    for name, words in (("zoo-alexnett", "no such pretrained network"), ("0123456789", "no such run")):
        with pytest.raises(RunError, match=words):
            library.get(name)
        with pytest.raises(ExplainError, match=f"no network '{name}': give the id of a run"):
            open_network(name)
    with pytest.raises(RunError, match="has no epochs"):
        open_network(LITE, 1)
    assert open_network(trained, 0).cache_key == library.get(trained, 0).cache_key
