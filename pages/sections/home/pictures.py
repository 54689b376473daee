"""The pictures of the first page: a learning curve, filters as they form, maps, and an explanation beside its image.

All are small files inside the page, enlarged without smoothing. What moves can be paused, and does not move for those
who asked their system for less motion.
"""

import base64
import html
from collections.abc import Sequence

import streamlit as st

from core.figures.palette import THEMES
from core.formatting import share
from core.report.portrait import LATEST, ExplainedImage, FilterFrames
from core.report.shipped import Course
from pages.shared.shell import session

BEAT_SECONDS = 0.8  # for which each moment is shown
STYLE = """<style>
.cs-picture { aspect-ratio: 2; width: 100%; display: flex; align-items: center; justify-content: center; gap: 4%; }
.cs-picture img, .cs-loop { image-rendering: pixelated; border-radius: 2px; }
.cs-picture img { width: 100%; max-height: 100%; object-fit: contain; display: block; }
.cs-picture img.cs-half { width: 48%; }
.cs-loop { width: 100%; background-repeat: no-repeat; background-position: 0 100%; }
.cs-moment { display: flex; justify-content: space-between; align-items: center; min-height: 1.5rem;
  font-size: 0.875rem; font-variant-numeric: tabular-nums; }
.cs-moment > div { height: 1.5em; line-height: 1.5em; overflow: hidden; }
.cs-moment label { position: relative; z-index: 2; display: flex; gap: 0.35em; align-items: center; cursor: pointer;
  min-height: 1.5rem; }
.cs-moving { animation-iteration-count: infinite; }
.cs-forming:has(input:checked) .cs-moving { animation-play-state: paused; }
.cs-empty { border-radius: 4px; border: 1px dashed color-mix(in srgb, currentColor 35%, transparent); opacity: 0.8;
  font-size: 0.875rem; }
@keyframes cs-frames { 0% { background-position: 0 0; } 80%, 100% { background-position: 0 100%; } }
@keyframes cs-words { 0% { transform: translateY(0); } 80%, 100% { transform: translateY(var(--end)); } }
@media (prefers-reduced-motion: reduce) {
  .cs-moving { animation: none !important; }
  .cs-moment label { display: none; }
}
</style>"""


def curve(train: Course, valid: Course, alt: str) -> None:
    """Draw accuracy over epochs: the training images as a thin line, the validation images with a point an epoch.

    What the lines are stands below the axis, where no line can be.
    """
    colours = THEMES[session.theme()]
    ends = [points[-1][0] for points in (train, valid) if points]
    last = max([1.0, *ends])

    def path(points: Course) -> str:
        return " ".join(f"{_x(epoch, last):.1f},{_y(value):.1f}" for epoch, value in points)

    rows = "".join(
        f'<line x1="34" x2="236" y1="{_y(level):.0f}" y2="{_y(level):.0f}" stroke="{colours.line}"/>'
        f'<text x="30" y="{_y(level) + 4:.0f}" text-anchor="end">{level * 100:.0f}%</text>'
        for level in (0.0, 0.5, 1.0)
    )
    dots = "".join(f'<circle cx="{_x(at, last):.1f}" cy="{_y(value):.1f}" r="3"/>' for at, value in valid)
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 120" font-family="sans-serif" font-size="10" '
        f'fill="{colours.muted}">{rows}'
        f'<g fill="none" stroke-linejoin="round"><polyline points="{path(train)}" stroke="{colours.train}"/>'
        f'<polyline points="{path(valid)}" stroke="{colours.valid}" stroke-width="2"/></g>'
        f'<g fill="{colours.valid}">{dots}</g>'
        f'<text x="236" y="117" text-anchor="end">{last:.0f} epoch{"s" * (last > 1)}</text>'
        f'<g font-weight="600"><text x="36" y="117" fill="{colours.train}">training</text>'
        f'<text x="88" y="117" fill="{colours.valid}">validation</text></g></svg>'
    )
    source = "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode("ascii")
    st.html(f'{STYLE}<div class="cs-picture"><img alt="{html.escape(alt)}" src="{source}"></div>')


def _x(epoch: float, last: float) -> float:
    return 36 + 197 * epoch / last


def _y(value: float) -> float:
    return 104 - 96 * value


def forming(frames: FilterFrames) -> None:
    """Show the filters of a convolution at one moment after the other, with a switch that pauses it."""
    count = len(frames.epochs)
    moves = f"{BEAT_SECONDS * count / 0.8:.1f}s steps({count}, jump-none)"
    end = f"--end: -{100 * (count - 1) / count:.3f}%"
    words = "".join(f"<div>{_moment(epoch)}</div>" for epoch in frames.epochs)
    words_look = f"animation-name: cs-words; {_timing(moves)} transform: translateY(var(--end)); {end}"
    alt = f"{filters_of(frames)} {_from_to(frames.epochs)}"
    look = (
        f"aspect-ratio: {frames.width} / {frames.height}; background-size: 100% {100 * count}%; "
        f"background-image: url({_source(frames.png)}); animation-name: cs-frames;"
    )
    still = " cs-moving" * (count > 1)
    st.html(
        f'{STYLE}<div class="cs-forming"><div class="cs-picture"><div class="cs-loop{still}" role="img" '
        f'aria-label="{html.escape(alt)}" style="{look} {_timing(moves)}"></div></div>'
        f'<div class="cs-moment"><div aria-hidden="true"><div class="{still}" style="{words_look}">{words}</div></div>'
        f"{'<label><input type=checkbox>Pause</label>' if count > 1 else ''}</div></div>"
    )


def _timing(moves: str) -> str:
    duration, _, steps = moves.partition(" ")
    return f"animation-duration: {duration}; animation-timing-function: {steps};"


def _moment(epoch: int) -> str:
    if epoch == LATEST:
        return "as they are now"
    return f"after epoch {epoch}" if epoch else "before training"


def filters_of(frames: FilterFrames) -> str:
    """Say which filters are shown: "The 32 filters of conv1"."""
    of = "The" if frames.shown == frames.total else f"{frames.shown} of the"
    return f"{of} {frames.total} filters of {frames.layer}"


def _from_to(epochs: Sequence[int]) -> str:
    return _moment(epochs[-1]) if len(epochs) == 1 else f"from {_moment(epochs[0])} to {_moment(epochs[-1])}"


def maps(explained: ExplainedImage) -> None:
    """Show the strongest maps of some layers, a row for each."""
    rows = ", ".join(explained.layers)
    alt = f"Feature maps of a test image of “{explained.truth}”, a row each for {rows}"
    st.html(f'{STYLE}<div class="cs-picture">{_image(explained.maps, alt)}</div>')


def explanation(explained: ExplainedImage) -> None:
    """Show the image that the network received, and beside it which pixels spoke for its answer and which against."""
    image = _image(explained.image, f"A test image of “{explained.truth}”", "cs-half")
    alt = f"Integrated gradients: pixels that speak for “{explained.answer}” are red, those against it blue"
    st.html(f'{STYLE}<div class="cs-picture">{image}{_image(explained.explanation, alt, "cs-half")}</div>')


def answer(explained: ExplainedImage) -> str:
    """Say what the network makes of the image."""
    said = f"It says “{explained.answer}”, {share(explained.share)} sure"
    return f"{said}, and is right." if explained.answer == explained.truth else f"{said}; it is “{explained.truth}”."


def empty(words: str) -> None:
    """Keep the place of a picture that is still to come, or that there cannot be."""
    st.html(f'{STYLE}<div class="cs-picture cs-empty">{html.escape(words)}</div>')


def _image(png: bytes, alt: str, name: str = "") -> str:
    return f'<img class="{name}" alt="{html.escape(alt)}" src="{_source(png)}">'


def _source(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")
