"""Runs on their way out of ConvScope and back in: files for other programs, and archives that it reads itself."""

from core.public import offer

__getattr__, __all__ = offer(
    __name__,
    {
        "card": ("model_card",),
        "csv_tables": ("curves_csv",),
        "export_archive": ("export_run",),
        "import_archive": ("import_run",),
        "layout": ("ArchiveError", "Limits"),
        "onnx": ("to_onnx",),
        "predictor": ("to_predictor",),
        "script": ("script_of", "to_script"),
        "tensorboard": ("write_tensorboard",),
        "weights": ("to_program", "to_weights"),
    },
)
