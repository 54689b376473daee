from .calibrated_model import CalibratedModel as CalibratedModel
from .calibrated_model import calibrate as calibrate
from .calibrated_model import calibrate_network as calibrate_network
from .features import LogitsAndFeatures as LogitsAndFeatures
from .features import extract_features as extract_features
from .ood_detector import ConformalThreshold as ConformalThreshold
from .ood_detector import OodDetector as OodDetector
from .ood_detector import fit_ood_detector as fit_ood_detector
from .ood_samples import OOD_KINDS as OOD_KINDS
from .ood_samples import OodKind as OodKind
from .ood_samples import detection_rate as detection_rate
from .ood_scores import Energy as Energy
from .ood_scores import Mahalanobis as Mahalanobis
from .ood_scores import fit_mahalanobis as fit_mahalanobis
from .perturbations import PERTURBATIONS as PERTURBATIONS
from .perturbations import Perturbation as Perturbation
from .robustness import PerturbedImage as PerturbedImage
from .robustness import Stability as Stability
from .robustness import stability as stability
from .temperature import Temperature as Temperature
from .temperature import fit_temperature as fit_temperature

__all__ = [
    "OOD_KINDS",
    "PERTURBATIONS",
    "CalibratedModel",
    "ConformalThreshold",
    "Energy",
    "LogitsAndFeatures",
    "Mahalanobis",
    "OodDetector",
    "OodKind",
    "Perturbation",
    "PerturbedImage",
    "Stability",
    "Temperature",
    "calibrate",
    "calibrate_network",
    "detection_rate",
    "extract_features",
    "fit_mahalanobis",
    "fit_ood_detector",
    "fit_temperature",
    "stability",
]
