"""What is taken away is what was computed: bit for bit, without pickle, and enough to compute it again."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from core.explain.attribution import Attribution, attribute, heatmap
from core.explain.cli.record import (
    NetworkExplanations,
    NetworkReference,
    arrays_npz,
    call_of,
    digest,
    fingerprint,
    names_of,
    read_settings,
    settings_json,
)
from core.explain.methods.registry import METHODS
from core.explain.strength import full_colour
from core.figures.explained import explanation_sheet, explanation_tiles
from core.figures.overlays import faded, overlay
from core.model.build import build_model
from core.model.layers import Activation, Conv, Dense, Flatten, MaxPool
from core.model.spec import ModelSpec

pytestmark = pytest.mark.filterwarnings("ignore:Setting backward hooks")
SPEC = ModelSpec("Small", (3, 12, 10), 4, (Conv(4), Activation(), MaxPool(), Flatten(), Dense(4)))
NAMES = ("cat", "dog", "<b>猫</b>", "none of\nthese")


@pytest.fixture(scope="module")
def model() -> torch.nn.Module:
    return build_model(SPEC, seed=1).eval()


@pytest.fixture(scope="module")
def pixels() -> torch.Tensor:
    return torch.randint(0, 256, SPEC.input_shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(2))


@pytest.fixture(scope="module")
def record(model: torch.nn.Module, pixels: torch.Tensor) -> NetworkExplanations:
    image = pixels.float() / 255 - 0.5
    found = (
        attribute(model, image, 1, "integrated_gradients", steps=9),
        attribute(model, image, 1, "grad_cam"),
        attribute(model, image, 2, "occlusion", versus=3, window=3),
        attribute(model, image, 2, "occlusion", versus=3, window=2),
    )
    source = NetworkReference("0123456789", "Ünï <i>network</i>", "digits", 2)
    return NetworkExplanations(source, fingerprint(model), NAMES, "Sample “x”", pixels, image, found)


def read(npz: bytes) -> dict[str, np.ndarray]:
    with np.load(io.BytesIO(npz), allow_pickle=False) as file:
        return dict(file)


def test_arrays_come_back_bit_for_bit_without_pickle(record: NetworkExplanations) -> None:
    found = read(arrays_npz([record]))
    assert list(found) == [
        *("image", "pixels", "integrated_gradients_class_1", "integrated_gradients_class_1_sum_and_promise"),
        "grad_cam_class_1",
        *("occlusion_class_2_versus_3", "occlusion_class_2_versus_3__2"),
    ]
    assert found["image"].dtype == np.float32
    assert np.array_equal(found["image"], record.image.numpy())
    assert np.array_equal(found["pixels"], record.pixels.numpy())
    for name, each in zip(names_of(record.attributions), record.attributions, strict=True):
        assert found[name].dtype == np.float32
        assert found[name].tobytes() == each.values.contiguous().numpy().tobytes()
    gap = record.attributions[0].gap
    assert found["integrated_gradients_class_1_sum_and_promise"].tolist() == [gap.total, gap.promised]


def test_two_networks_keep_their_arrays_apart(record: NetworkExplanations) -> None:
    other = replace(record, attributions=record.attributions[:1], image=record.image + 1)
    found = read(arrays_npz([record, other]))
    assert np.array_equal(found["A_image"] + 1, found["B_image"])
    assert "B_integrated_gradients_class_1" in found
    assert "B_grad_cam_class_1" not in found


def test_the_settings_repeat_every_map_exactly(model: torch.nn.Module, record: NetworkExplanations) -> None:
    text = settings_json([record])
    (asked,) = read_settings(text)
    assert asked.source == record.source
    assert asked.weights == fingerprint(model)
    assert asked.digest == digest(record.pixels)
    for call, each in zip(asked.calls, record.attributions, strict=True):
        again = attribute(model, record.image, call.target, call.method, versus=call.versus, **call.options)
        assert torch.equal(again.values, each.values)
        assert call == call_of(each)


def test_the_settings_say_in_words_what_was_asked(record: NetworkExplanations) -> None:
    about = json.loads(settings_json([record]))
    (asked,) = about["asked"]
    assert set(about["versions"]) >= {"python", "torch", "captum", "numpy"}
    assert asked["network"]["name"] == "Ünï <i>network</i>"
    assert asked["picture"]["title"] == "Sample “x”"
    first, *_, last = asked["explanations"]
    assert first["paper"] == METHODS["integrated_gradients"].paper
    assert first["options"]["steps"] == 9
    assert first["target"] == {"index": 1, "name": "dog"}
    assert last["versus"] == {"index": 3, "name": NAMES[3]} and last["promise"] is None
    gap = record.attributions[0].gap
    assert first["promise"] == {
        **{"words": METHODS["integrated_gradients"].promise.words, "sum": gap.total},
        **{"promised": gap.promised, "shortfall": gap.shortfall},
    }
    assert [each["array"] for each in asked["explanations"]] == names_of(record.attributions)
    assert asked["explanations"][1]["options"]["layer"] == record.attributions[1].options["layer"]


def test_a_fingerprint_changes_with_every_weight(model: torch.nn.Module) -> None:
    other = build_model(SPEC, seed=1)
    assert fingerprint(other) == fingerprint(model)
    with torch.no_grad():
        next(other.parameters()).view(-1)[0] += 1e-6
    assert fingerprint(other) != fingerprint(model)


def test_a_digest_knows_pixels_and_shape(pixels: torch.Tensor) -> None:
    from pages.shared.picture.input_image import InputImage

    shown = InputImage("x", tuple(pixels.shape), pixels.numpy().tobytes())  # type: ignore[arg-type]
    assert digest(pixels) == shown.digest
    assert digest(pixels.transpose(1, 2).contiguous()) != digest(pixels)


def test_the_sheet_holds_every_overlay(record: NetworkExplanations) -> None:
    made = explanation_sheet([record], strength=0.7, percentile=95)
    sheet = np.asarray(Image.open(io.BytesIO(made.png)))
    assert len(made.places) == 1 + len(record.attributions)
    shown = record.pixels.numpy().transpose(1, 2, 0)
    drawn = [overlaid(each, shown) for each in record.attributions]
    for expected, (left, top, zoom) in zip([shown, *drawn], made.places, strict=True):
        height, width = expected.shape[:2]
        assert np.array_equal(sheet[top : top + height * zoom : zoom, left : left + width * zoom : zoom], expected)


def test_sheet_and_settings_say_what_a_map_promises_and_where_it_falls_short(record: NetworkExplanations) -> None:
    lrp = attribute(build_model(SPEC, seed=1).eval(), record.image, 1, "lrp")
    promise = METHODS["lrp"].promise
    assert lrp.gap is not None and promise is not None
    said = f"The values sum to {lrp.gap.total:.3g}, the score is {lrp.score:.3g} ({lrp.gap.off} off): {promise.lacking}"
    assert lrp.gap.shortfall == said.replace("-", "−")
    tile = explanation_tiles([replace(record, attributions=(lrp,))])[1]
    assert f" {promise.words} {lrp.gap.shortfall} " in tile.text
    (asked,) = json.loads(settings_json([replace(record, attributions=(lrp,))]))["asked"]
    assert asked["explanations"][0]["promise"]["shortfall"] == lrp.gap.shortfall
    kept = attribute(build_model(SPEC, seed=1).eval(), record.image, 1, "deep_lift")
    assert kept.gap is not None and kept.gap.shortfall is None
    assert (
        f" {METHODS['deep_lift'].promise.words} Starting"
        in explanation_tiles([replace(record, attributions=(kept,))])[1].text
    )


def overlaid(found: Attribution, shown: np.ndarray) -> np.ndarray:
    heat = heatmap(found).numpy()
    look = {"strength": 0.7, "percentile": 95, "full_colour": full_colour([found])}
    return overlay(faded(shown, found.signed), heat, signed=found.signed, zoom=1, **look).pixels
