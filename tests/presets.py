"""The presets whose layers are all of our own kinds."""

from core.model.presets import PRESETS, TRANSFER

# What is inside the preset for transfer is a pretrained network, which the tests of those look into; it is large.
OWN_PRESETS = tuple(name for name in PRESETS if name != TRANSFER)
