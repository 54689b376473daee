from .calibrated_model import Reader as Reader
from .calibrated_model import fit_reader as fit_reader
from .features import Inside as Inside
from .features import look_inside as look_inside
from .ood_detector import Alarm as Alarm
from .ood_detector import Limit as Limit
from .ood_detector import fit_alarm as fit_alarm
from .ood_samples import FOREIGN as FOREIGN
from .ood_samples import Foreign as Foreign
from .ood_samples import caught as caught
from .ood_scores import Energy as Energy
from .ood_scores import Mahalanobis as Mahalanobis
from .ood_scores import fit_mahalanobis as fit_mahalanobis
from .perturbations import CHANGES as CHANGES
from .perturbations import Change as Change
from .robustness import Stability as Stability
from .robustness import Variant as Variant
from .robustness import stability as stability
from .temperature import Temperature as Temperature
from .temperature import fit_temperature as fit_temperature

__all__ = [
    "CHANGES",
    "FOREIGN",
    "Alarm",
    "Change",
    "Energy",
    "Foreign",
    "Inside",
    "Limit",
    "Mahalanobis",
    "Reader",
    "Stability",
    "Temperature",
    "Variant",
    "caught",
    "fit_alarm",
    "fit_mahalanobis",
    "fit_reader",
    "fit_temperature",
    "look_inside",
    "stability",
]
