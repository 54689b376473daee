"""What is fitted to a network once to judge its predictions on new images: temperature, OOD detector, features."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch import nn

from core.explain.influence import LabeledImages
from core.failures import in_sentences
from core.inference.network import Network
from core.progress import Progress
from core.reliability.features import LogitsAndFeatures, extract_features
from core.reliability.nearest import MAX_TRAIN_IMAGES, TrainingFeatures, training_images
from core.reliability.ood_detector import FALSE_ALARM_RATE, OodDetector, fewest_images, fit_ood_detector
from core.reliability.ood_samples import MAX_IMAGES, OOD_KINDS, detection_rate
from core.reliability.temperature import Temperature, fit_temperature


@dataclass(frozen=True, eq=False)
class CalibratedModel:
    """Calibration, OOD detection and nearest training images of one network.

    Attributes:
        temperature: Makes its probabilities mean what they say.
        alarm: Tells what looks like none of its classes.
        caught: Share of each kind of `OOD_KINDS` that raises the alarm, made from validation images.
        near: The training images, for the nearest to a picture.
    """

    temperature: Temperature
    alarm: OodDetector
    caught: Mapping[str, float]
    near: TrainingFeatures


def calibrate_network(network: Network, *, progress: Progress | None = None) -> CalibratedModel:
    """Calibrate a network by the images that it learned from and the validation images of its data set.

    Raises:
        ConvScopeError: Its weights or images cannot be used, or what `calibrate` raises.
    """
    data, train = network.dataset(), training_images(network)
    valid = LabeledImages(data.valid.images, data.valid.labels, data.normalize)
    return calibrate(network.model, train, valid, progress=progress)


@in_sentences("Calibration")
def calibrate(
    model: nn.Module,
    train: LabeledImages,
    valid: LabeledImages,
    *,
    rate: float = FALSE_ALARM_RATE,
    progress: Progress | None = None,
) -> CalibratedModel:
    """Fit temperature and OOD detector to a network; the network is left unchanged.

    Where there are too few validation images for both scores of the alarm, its energy watches alone.

    Args:
        model: The network; its outputs are logits.
        train: Images that it learned from; of many only the first `MAX_TRAIN_IMAGES`.
        valid: Images of the same kind that it did not learn from.
        rate: The share of false alarms, above 0 and below 1.
        progress: Called with the images looked at and those to look at; it may raise to cancel.

    Raises:
        ExplainError: A score is not a finite number, or there are too few validation images for the rate.
    """
    pixels = train.pixels[:MAX_TRAIN_IMAGES]
    total = len(pixels) + len(valid) + len(OOD_KINDS) * min(MAX_IMAGES, len(valid))

    def progress_from(before: int) -> Progress:
        return lambda done, _: progress(before + done, total) if progress is not None else None

    held_out = extract_features(model, valid.pixels, valid.normalize, progress=progress_from(0))
    learned = extract_features(model, pixels, train.normalize, progress=progress_from(len(valid)))
    temperature = fit_temperature(held_out.logits, valid.labels.numpy())
    labels = train.labels[: len(pixels)].numpy()
    alarm = _alarm(learned, labels, held_out, rate)
    shares = detection_rate(
        model, alarm, valid.pixels, valid.normalize, progress=progress_from(len(valid) + len(pixels))
    )
    return CalibratedModel(temperature, alarm, shares, TrainingFeatures.of(learned, labels))


def _alarm(
    learned: LogitsAndFeatures, labels: NDArray[np.integer], held_out: LogitsAndFeatures, rate: float
) -> OodDetector:
    """Return the detector with as many scores as there are validation images for, and the reason if one is left out."""
    both = fewest_images(rate, 2) if 0 < rate < 1 else 0
    if learned.features is None or len(held_out) >= both:
        return fit_ood_detector(learned, labels, held_out, rate=rate)
    alarm = fit_ood_detector(replace(learned, features=None), labels, held_out, rate=rate)
    reason = f"Its energy watches alone: with distances between features it takes {both:,} validation images"
    return replace(alarm, missing=f"{reason}, and the data set has {len(held_out):,}.")
