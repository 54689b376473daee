"""Class balance of a data set: images of each class and split as bars (Vega-Lite)."""

from collections.abc import Mapping, Sequence
from typing import Any

from core.figures.palette import THEMES

SPLITS = {"train": "Train", "valid": "Valid", "test": "Test"}


def balance_rows(class_names: Sequence[str], counts: Mapping[str, Sequence[int]]) -> list[dict[str, Any]]:
    """Return the rows of the chart from the number of images of each class in "train", "valid" and "test"."""
    return [
        {"class": name, "label": label, "split": title, "part": part, "images": int(counts[split][label])}
        for label, name in enumerate(class_names)
        for part, (split, title) in enumerate(SPLITS.items())
    ]


def balance_chart(*, theme: str = "light") -> dict[str, Any]:
    """Return one bar for each class, made of its splits, over rows of `balance_rows`; `theme` is "light" or "dark"."""
    colours = THEMES[theme]
    return {
        "height": {"step": 24},
        "mark": {"type": "bar", "height": 15},
        "encoding": {
            "y": {
                "field": "class",
                "type": "nominal",
                "sort": {"field": "label", "op": "min"},
                "axis": {"title": None, "ticks": False, "domain": False, "labelLimit": 120, "labelPadding": 6},
            },
            "x": {
                "field": "images",
                "type": "quantitative",
                "stack": "zero",
                "title": "Images",
                "axis": {"tickCount": 4, "format": "~s", "domain": False, "labelFlush": True, "labelFlushOffset": -4},
            },
            "color": {
                "field": "split",
                "type": "nominal",
                "scale": {"domain": list(SPLITS.values()), "range": [colours.train, colours.valid, colours.test]},
                "legend": {"title": None, "orient": "top", "symbolType": "square", "offset": 4, "padding": 0},
            },
            "order": {"field": "part", "type": "ordinal"},
            "tooltip": [
                {"field": "class", "type": "nominal", "title": "Class"},
                {"field": "split", "type": "nominal", "title": "Split"},
                {"field": "images", "type": "quantitative", "title": "Images", "format": ","},
            ],
        },
        "config": {"axis": {"gridColor": colours.line}, "view": {"stroke": None}},
    }


def balance_sentence(class_names: Sequence[str], counts: Sequence[int]) -> str:
    """Return a sentence on how evenly the classes of a split are filled."""
    least, most = min(counts), max(counts)
    if least == most:
        return f"Each class has {most:,} images."
    rarest, commonest = class_names[list(counts).index(least)], class_names[list(counts).index(most)]
    return f"Each class has between {least:,} ({rarest}) and {most:,} ({commonest}) images."
