"""Core results turned into pictures and Plotly figures, in one palette."""

from core.public import offer

__getattr__, __all__ = offer(
    __name__,
    {
        "annotations": ("Mark",),
        "calibration": ("confidence_chart", "reliability_chart", "reliability_rows"),
        "confusions": ("confusion_chart", "confusion_rows", "most_mistaken"),
        "epochs": ("course_chart", "course_rows", "course_tiles"),
        "explained": ("explanation_sheet",),
        "grids": ("cascade_tiles", "colorize", "filters_as_rgb", "sprite"),
        "map_detail": ("around", "enlarged_map"),
        "overlay_curves": ("overlay_chart", "overlay_rows"),
        "overlays": ("Overlay", "faded", "overlay", "spotlight"),
        "palette": ("THEMES", "Theme", "diverging", "sequential"),
        "pointing_game": ("pointing_chart", "pointing_rows"),
        "prediction_bars": ("probabilities", "scores"),
        "ranking_curves": ("ranking_chart", "ranking_rows"),
        "removal_curves": ("chance_rows", "removal_chart", "removal_rows"),
        "render": ("curves_png", "curves_svg"),
        "scales": ("ColorScale", "Legend", "legend"),
    },
)
