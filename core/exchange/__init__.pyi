from .card import model_card as model_card
from .csv_tables import curves_csv as curves_csv
from .export_archive import export_run as export_run
from .import_archive import import_run as import_run
from .layout import ArchiveError as ArchiveError
from .layout import Limits as Limits
from .onnx import to_onnx as to_onnx
from .predictor import to_predictor as to_predictor
from .script import script_of as script_of
from .script import to_script as to_script
from .tensorboard import write_tensorboard as write_tensorboard
from .weights import to_program as to_program
from .weights import to_weights as to_weights

__all__ = [
    "ArchiveError",
    "Limits",
    "curves_csv",
    "export_run",
    "import_run",
    "model_card",
    "script_of",
    "to_onnx",
    "to_predictor",
    "to_program",
    "to_script",
    "to_weights",
    "write_tensorboard",
]
