"""Tiles and sheet (PNG) of the recorded explanations of one or several networks."""

from collections.abc import Sequence

import numpy as np

from core.explain.attribution import Attribution, heatmap
from core.explain.cli.record import LETTERS, NetworkExplanations
from core.explain.methods.registry import METHODS
from core.explain.strength import full_colour, strength_of
from core.figures.overlays import Overlay, Sign, faded, overlay
from core.figures.palette import Pixels
from core.figures.sheet import Sheet, Tile, sheet


def explanation_sheet(
    records: Sequence[NetworkExplanations], *, strength: float = 0.85, percentile: float = 99, sign: Sign = "both"
) -> Sheet:
    """Return a PNG sheet with each network's input and its explanations, each heatmap in its own scale.

    Args:
        records: Of one network, or of those that are compared.
        strength, percentile, sign: How the maps are drawn, see `overlay`.

    Returns:
        The sheet; its tiles are, for each record, the picture and then its explanations in order.

    Raises:
        ExplainError: There is nothing to draw, or too much.
    """
    tiles = explanation_tiles(records, strength=strength, percentile=percentile, sign=sign)
    return sheet(_heading(records), _networks(records), tiles)


def explanation_tiles(
    records: Sequence[NetworkExplanations], *, strength: float = 0.85, percentile: float = 99, sign: Sign = "both"
) -> list[Tile]:
    """Return the tiles of `explanation_sheet`: heatmap, title, meaning of the colours, completeness, settings."""
    tiles = []
    for place, record in enumerate(records if any(record.attributions for record in records) else ()):
        pixels = _shown(record)
        letter = f"{LETTERS[place]} · " if len(records) > 1 else ""
        tiles.append(Tile(f"{letter}What the network receives", record.title, pixels, _input_words(record)))
        for attribution in record.attributions:
            figure = overlay(
                faded(pixels, attribution.signed),
                heatmap(attribution).numpy(),
                signed=attribution.signed,
                positive=METHODS[attribution.method].positive,
                negative=METHODS[attribution.method].negative,
                strength=strength,
                percentile=percentile,
                sign=sign,
                zoom=1,
                full_colour=full_colour([attribution]),
            )
            gap = attribution.gap.text if attribution.gap else ""
            text = " ".join(filter(None, (_said(attribution, figure), gap, _settings(attribution))))
            title = letter + METHODS[attribution.method].title
            tiles.append(Tile(title, _question(record, attribution), figure.pixels, text, figure.scale))
    return tiles


def _said(attribution: Attribution, figure: Overlay) -> str:
    """Return what the colours mean, and what is to be said of a map that is weak or says nothing."""
    return attribution.blank or " ".join(filter(None, (strength_of(attribution).text, figure.text)))


def _shown(record: NetworkExplanations) -> Pixels:
    pixels = record.pixels.numpy().transpose(1, 2, 0)
    return np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3)))


def _input_words(record: NetworkExplanations) -> str:
    channels, height, width = record.pixels.shape
    values = "one value (dark to light)" if channels == 1 else "three values (red, green, blue)"
    return f"{height} × {width} pixels of {values}."


def _settings(attribution: Attribution) -> str:
    """Return the settings of a method in words: "Steps: 32; Layer: conv3."."""
    settings = []
    for option in METHODS[attribution.method].options:
        value = attribution.options.get(option.name)
        if value is not None:
            settings.append(f"{option.label}: {option.choices.get(str(value), str(value))}")
    return f"{'; '.join(settings)}." if settings else ""


def _question(record: NetworkExplanations, attribution: Attribution) -> str:
    names = record.class_names
    against = "" if attribution.versus is None else f" and not “{names[attribution.versus]}”"
    return f"“{names[attribution.target]}”{against}"


def _heading(records: Sequence[NetworkExplanations]) -> str:
    questions = dict.fromkeys(_question(record, each) for record in records for each in record.attributions)
    return f"What speaks for {next(iter(questions))}?" if len(questions) == 1 else "What speaks for which class?"


def _networks(records: Sequence[NetworkExplanations]) -> str:
    names = []
    for place, record in enumerate(records):
        letter = f"{LETTERS[place]}: " if len(records) > 1 else ""
        source = record.source
        moment = "" if source.epoch is None else f", epoch {source.epoch}"
        names.append(f"{letter}{source.name}{moment}")
    return " · ".join([*names, "explained by ConvScope"])
