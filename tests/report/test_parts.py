"""Pictures keep every pixel of what they show, and a part of the work tells its share of the whole."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from core.figures.scales import ColorScale
from core.report.elements import bar, pixels, share_of
from core.report.evaluation import report_evaluation
from core.report.filters import shown_filters


@pytest.mark.parametrize("shape", [(8, 8), (28, 28), (32, 20), (300, 224)])
def test_pixels_are_enlarged_without_smoothing_and_fit_the_page(shape):
    values = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    made = pixels(values, "noise", 168)
    found = np.asarray(Image.open(io.BytesIO(base64.b64decode(made.uri.partition(",")[2]))))
    zoom = found.shape[0] // shape[0]
    np.testing.assert_array_equal(found[::zoom, ::zoom], values)
    assert max(made.width, made.height) <= 336
    assert abs(made.width / made.height - shape[1] / shape[0]) < 0.02


def test_a_part_of_the_work_tells_its_share():
    told: list[tuple[int, int]] = []
    part = share_of(lambda done, total: told.append((done, total)), 45, 50)
    for done in (0, 1, 4):
        part(done, 4)
    assert told == [(45, 100), (57, 100), (95, 100)]
    share_of(None, 0, 1)(1, 1)


def test_a_bar_names_its_ends():
    made = bar(ColorScale("diverging", -0.5, 0.5), "words")
    assert (made.labels, made.text) == (("−0.5", "0", "0.5"), "words")
    assert made.css.startswith("linear-gradient(")


@pytest.mark.parametrize("channels", [1, 3, 5])
def test_filters_are_those_of_the_first_convolutions(channels):
    from torch import nn

    model = nn.Sequential(nn.Conv2d(channels, 70, 3), nn.Conv2d(70, 4, 3))
    found, second = shown_filters(model)
    assert (second.layer, second.num_shown, second.total) == ("1", 4, 4)
    assert (found.layer, found.num_shown, found.total) == ("0", 64, 70)
    assert (found.legend is None) is (channels == 3)
    image = Image.open(io.BytesIO(base64.b64decode(found.picture.uri.partition(",")[2])))
    assert image.size == (found.picture.width, found.picture.height)
    if channels != 3:
        weights = model[0].weight.detach().numpy()[:64]
        scale = ColorScale.of(weights, signed=True)
        corner = np.asarray(image.convert("RGB"))[0, 0]
        np.testing.assert_array_equal(corner, scale.rgb(weights[0, 0])[0, 0])
    assert shown_filters(nn.Sequential(nn.Flatten(), nn.Linear(4, 2))) == ()


def test_many_classes_are_cut_to_those_with_mistakes_and_a_class_never_predicted_has_no_precision():
    from core.evaluation.answers import Answers
    from core.evaluation.report import report_of

    draw = np.random.default_rng(0)
    labels = np.arange(30).repeat(4)
    logits = np.eye(30, dtype=np.float32)[labels] * 5 + draw.random((120, 30)).astype(np.float32)
    logits[:, 7] = -9  # never predicted
    made = report_evaluation(report_of(Answers(logits, labels)), [f"class {index}" for index in range(30)])
    assert len(made.confusion.names) == len(made.confusion.rows) == 20 and made.confusion.left_out == 10
    assert "class 7" in made.confusion.names
    row = made.confusion.rows[made.confusion.names.index("class 7")]
    assert sum(cell.count for cell in row if cell.right) == 0
    assert made.classes[7][2] == "–" and made.classes[7][3] == "0.0%"
    assert all(cell.background == "#ffffff" for row in made.confusion.rows for cell in row if not cell.count)
    assert sum(count for truth, _, count in made.confusion.worst if truth == "class 7") <= 4
