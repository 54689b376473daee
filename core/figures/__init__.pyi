from .bars import probabilities as probabilities
from .bars import scores as scores
from .enlarged import around as around
from .enlarged import enlarged_map as enlarged_map
from .grids import colorize as colorize
from .grids import filters_as_rgb as filters_as_rgb
from .grids import sprite as sprite
from .marks import Mark as Mark
from .overlay_curves import overlay_chart as overlay_chart
from .overlay_curves import overlay_rows as overlay_rows
from .overlays import Overlay as Overlay
from .overlays import overlay as overlay
from .palette import THEMES as THEMES
from .palette import Theme as Theme
from .palette import diverging as diverging
from .palette import sequential as sequential
from .render import curves_png as curves_png
from .scales import ColorScale as ColorScale
from .scales import Legend as Legend
from .scales import legend as legend
from .spotlights import spotlight as spotlight

__all__ = [
    "THEMES",
    "ColorScale",
    "Legend",
    "Mark",
    "Overlay",
    "Theme",
    "around",
    "colorize",
    "curves_png",
    "diverging",
    "enlarged_map",
    "filters_as_rgb",
    "legend",
    "overlay",
    "overlay_chart",
    "overlay_rows",
    "probabilities",
    "scores",
    "sequential",
    "spotlight",
    "sprite",
]
