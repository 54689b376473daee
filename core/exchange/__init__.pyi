from .archive import export_run as export_run
from .layout import ArchiveError as ArchiveError
from .layout import Limits as Limits
from .onnx import to_onnx as to_onnx
from .restore import import_run as import_run
from .script import to_script as to_script
from .table import curves_csv as curves_csv
from .tensorboard import write_tensorboard as write_tensorboard

__all__ = [
    "ArchiveError",
    "Limits",
    "curves_csv",
    "export_run",
    "import_run",
    "to_onnx",
    "to_script",
    "write_tensorboard",
]
