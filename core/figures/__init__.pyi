from .annotations import Mark as Mark
from .calibration import confidence_chart as confidence_chart
from .calibration import reliability_chart as reliability_chart
from .calibration import reliability_rows as reliability_rows
from .confusions import confusion_chart as confusion_chart
from .confusions import confusion_rows as confusion_rows
from .confusions import most_mistaken as most_mistaken
from .epochs import course_chart as course_chart
from .epochs import course_rows as course_rows
from .epochs import course_tiles as course_tiles
from .explained import explanation_sheet as explanation_sheet
from .grids import cascade_tiles as cascade_tiles
from .grids import colorize as colorize
from .grids import filters_as_rgb as filters_as_rgb
from .grids import sprite as sprite
from .map_detail import around as around
from .map_detail import enlarged_map as enlarged_map
from .overlay_curves import overlay_chart as overlay_chart
from .overlay_curves import overlay_rows as overlay_rows
from .overlays import Overlay as Overlay
from .overlays import faded as faded
from .overlays import overlay as overlay
from .overlays import spotlight as spotlight
from .palette import THEMES as THEMES
from .palette import Theme as Theme
from .palette import diverging as diverging
from .palette import sequential as sequential
from .pointing_game import pointing_chart as pointing_chart
from .pointing_game import pointing_rows as pointing_rows
from .prediction_bars import probabilities as probabilities
from .prediction_bars import scores as scores
from .ranking_curves import ranking_chart as ranking_chart
from .ranking_curves import ranking_rows as ranking_rows
from .removal_curves import chance_rows as chance_rows
from .removal_curves import removal_chart as removal_chart
from .removal_curves import removal_rows as removal_rows
from .render import curves_png as curves_png
from .render import curves_svg as curves_svg
from .scales import ColorScale as ColorScale
from .scales import Legend as Legend
from .scales import legend as legend

__all__ = [
    "THEMES",
    "ColorScale",
    "Legend",
    "Mark",
    "Overlay",
    "Theme",
    "around",
    "cascade_tiles",
    "chance_rows",
    "colorize",
    "confidence_chart",
    "confusion_chart",
    "confusion_rows",
    "course_chart",
    "course_rows",
    "course_tiles",
    "curves_png",
    "curves_svg",
    "diverging",
    "enlarged_map",
    "explanation_sheet",
    "faded",
    "filters_as_rgb",
    "legend",
    "most_mistaken",
    "overlay",
    "overlay_chart",
    "overlay_rows",
    "pointing_chart",
    "pointing_rows",
    "probabilities",
    "ranking_chart",
    "ranking_rows",
    "reliability_chart",
    "reliability_rows",
    "removal_chart",
    "removal_rows",
    "scores",
    "sequential",
    "spotlight",
    "sprite",
]
