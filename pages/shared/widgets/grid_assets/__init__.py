"""What the views of grids of numbers share: their scripts, their style, their colours, and how numbers get there."""

import base64
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from core.figures.palette import THEMES, diverging
from core.figures.scales import ColorScale, legend

_HERE = Path(__file__).parent
SHARED = tuple(_HERE / f"{part}.js" for part in ("numbers", "grid", "formula", "words", "layout"))
STYLE = (_HERE / "grid.css").read_text(encoding="utf-8")


def script(*files: Path) -> str:
    """Return the text of several script files as one script, which is what a component takes."""
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def look() -> dict[str, Any]:
    """Return the colours of numbers, white at zero, and of what they mean, for the light and the dark theme."""
    return {
        "colors": diverging().tobytes().hex(),
        "legend": legend(ColorScale("diverging", -1, 1)).css,
        "themes": {
            name: {
                **{part: asdict(theme)[part] for part in ("text", "surface", "muted", "neutral")},
                "hues": {"input": theme.train, "kernel": theme.valid, "output": theme.mark, "upstream": theme.test},
            }
            for name, theme in THEMES.items()
        },
    }


def packed(values: np.ndarray) -> dict[str, Any]:
    """Pack numbers for the browser: in half the bytes where float32 holds them exactly."""
    doubles = np.ascontiguousarray(values, dtype="<f8")
    with np.errstate(over="ignore"):
        singles = doubles.astype("<f4")
    exact = bool(np.array_equal(singles, doubles, equal_nan=True))
    return {"bytes": base64.b64encode((singles if exact else doubles).tobytes()).decode("ascii"), "single": exact}
