from .document import lab_report as lab_report

__all__ = ["lab_report"]
