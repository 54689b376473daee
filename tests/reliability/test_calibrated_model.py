"""All that is learned of a network at once, and the training images that are near."""

import numpy as np
import pytest
import torch
from torch import nn

from core.errors import ExplainError
from core.explain.influence import LabeledImages, similarity
from core.reliability.calibrated_model import calibrate
from core.reliability.temperature import fit_temperature
from tests.reliability.conftest import Learned


def images(learned: Learned, split: str) -> LabeledImages:
    part = getattr(learned.data, split)
    return LabeledImages(part.images, part.labels, learned.data.normalize)


def test_it_puts_the_parts_together(learned: Learned) -> None:
    told: list[tuple[int, int]] = []
    train, valid = images(learned, "train"), images(learned, "valid")
    reader = calibrate(learned.model, train, valid, progress=lambda *at: told.append(at))
    labels = learned.data.valid.labels.numpy()
    assert reader.temperature == fit_temperature(learned.valid.logits, labels)
    assert reader.alarm.count == len(valid)
    assert len(reader.alarm.limits) == 2
    assert min(reader.caught.values()) > 0.5
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1] == (len(train) + 4 * len(valid),) * 2


def test_the_nearest_images_are_those_of_explain(learned: Learned) -> None:
    train, valid = images(learned, "train"), images(learned, "valid")
    reader = calibrate(learned.model, train, valid)
    image = learned.data.normalize(learned.data.test.images[:1])[0]
    expected = similarity(learned.model, train, image).numpy()
    assert learned.test.features is not None
    found = reader.near.nearest(learned.test.features[0], 9)
    cosines = [image.cosine for image in found]
    assert cosines == pytest.approx(np.sort(expected)[::-1][:9], abs=2e-3)
    assert expected[[image.index for image in found]] == pytest.approx(cosines, abs=2e-3)
    assert [image.label for image in found] == learned.data.train.labels[[image.index for image in found]].tolist()
    assert found[0].label == learned.data.test.labels[0]


def test_few_validation_images_calibrate_with_one_score(learned: Learned) -> None:
    train, valid = images(learned, "train"), images(learned, "valid")
    for count, titles in ((19, ["Energy"]), (38, ["Energy"]), (39, ["Energy", "Mahalanobis"])):
        few = LabeledImages(valid.pixels[:count], valid.labels[:count], valid.normalize)
        alarm = calibrate(learned.model, train, few).alarm
        assert [limit.score.title.split()[0] for limit in alarm.limits] == titles
        words = f"it takes 39 validation images, and the data set has {count}."
        assert alarm.missing.endswith(words) if count < 39 else not alarm.missing
    with pytest.raises(ExplainError, match="takes 19 validation images"):
        calibrate(learned.model, train, LabeledImages(valid.pixels[:18], valid.labels[:18], valid.normalize))


def test_a_network_without_a_last_dense_layer_has_half_of_it(learned: Learned) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 10, 8), nn.Flatten()).eval()
    reader = calibrate(network, images(learned, "train"), images(learned, "valid"))
    assert [limit.score.title for limit in reader.alarm.limits] == ["Energy"]
    assert "dense layer" in reader.alarm.missing
    with pytest.raises(ExplainError, match="dense layer"):
        reader.near.nearest(np.zeros(4), 3)


def test_scores_that_are_no_numbers_are_refused(learned: Learned) -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 10)).eval()
    nn.init.constant_(network[1].weight, float("nan"))
    with pytest.raises(ExplainError, match="ran away"):
        calibrate(network, images(learned, "train"), images(learned, "valid"))
