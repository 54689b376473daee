"""Which pixel values a network takes: one with a pretrained backbone those from 0 to 1, which it normalises itself."""

from dataclasses import replace
from typing import TYPE_CHECKING

from core.errors import ConfigError
from core.model.layers import Backbone
from core.model.spec import ModelSpec
from core.train.config import TrainConfig

if TYPE_CHECKING:
    from torch import nn


def has_backbone(spec: ModelSpec) -> bool:
    """Return whether a network begins with a pretrained backbone."""
    return isinstance(next(iter(spec.layers), None), Backbone)


def with_pixel_values(spec: ModelSpec, config: TrainConfig) -> TrainConfig:
    """Return the settings with the pixel values that the network takes: those chosen, unless it has a backbone."""
    return replace(config, inputs=Backbone.pixel_values) if has_backbone(spec) else config


def check_pixel_values(model: "nn.Module", config: TrainConfig) -> None:
    """Raise `ConfigError` where a network has a backbone and the settings give it other pixel values."""
    from core.model.pretrained_backbone import backbone_in

    if backbone_in(model) and config.inputs != Backbone.pixel_values:
        raise ConfigError(
            "A pretrained backbone takes pixel values from 0 to 1, and normalises them itself: "
            f'set the pixel values (inputs) to "{Backbone.pixel_values}".'
        )
