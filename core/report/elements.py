"""Elements of a lab report: pictures as data URIs, colour bars, and progress of a part of the work."""

import base64
import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from core.figures.palette import Pixels
from core.figures.scales import ColorScale, legend
from core.progress import Progress


@dataclass(frozen=True)
class ReportImage:
    """A picture that is part of the file.

    Attributes:
        uri: Its content as a "data:" address.
        alt: What it shows, for those who do not see it.
        width, height: In the pixels of the page.
    """

    uri: str
    alt: str
    width: int
    height: int


@dataclass(frozen=True)
class Bar:
    """A colour bar: the CSS of its colours, the values at its ends and middle, what the colours mean."""

    css: str
    labels: tuple[str, str, str]
    text: str


def svg(drawing: str, alt: str) -> ReportImage:
    """Return a drawing as a picture of any size."""
    return ReportImage(_uri("image/svg+xml", drawing.encode()), alt, 0, 0)


def png(content: bytes, alt: str, width: int, height: int) -> ReportImage:
    """Return the content of a PNG file as a picture of so many pixels of the page."""
    return ReportImage(_uri("image/png", content), alt, width, height)


def pixels(values: Pixels, alt: str, side: int) -> ReportImage:
    """Return pixels, uint8 (H, W, 3), as a picture whose longer side is about `side` pixels of the page, unsmoothed."""
    zoom = max(1, round(side / max(values.shape[:2])))
    large = np.ascontiguousarray(values.repeat(zoom, axis=0).repeat(zoom, axis=1))
    file = io.BytesIO()
    Image.fromarray(large).save(file, "PNG", optimize=True)
    share = min(1.0, 2 * side / max(large.shape[:2]))
    return png(file.getvalue(), alt, round(large.shape[1] * share), round(large.shape[0] * share))


def bar(scale: ColorScale, text: str = "") -> Bar:
    """Return the colour bar of a scale; `text` takes the place of its own words."""
    about = legend(scale)
    return Bar(about.css, about.labels, text or about.text)


def share_of(progress: Progress | None, start: int, size: int) -> Progress:
    """Return a progress callback that maps one part of the work onto `start` to `start + size` of 100."""

    def tell(done: int, total: int) -> None:
        if progress is not None:
            progress(start + (size * done // total if total else 0), 100)

    return tell


def _uri(mime: str, content: bytes) -> str:
    return f"data:{mime};base64,{base64.b64encode(content).decode()}"
