from .alarm import Alarm as Alarm
from .alarm import Limit as Limit
from .alarm import fit_alarm as fit_alarm
from .changes import CHANGES as CHANGES
from .changes import Change as Change
from .foreign import FOREIGN as FOREIGN
from .foreign import Foreign as Foreign
from .foreign import caught as caught
from .inside import Inside as Inside
from .inside import look_inside as look_inside
from .reader import Reader as Reader
from .reader import fit_reader as fit_reader
from .strangeness import Energy as Energy
from .strangeness import Mahalanobis as Mahalanobis
from .strangeness import fit_mahalanobis as fit_mahalanobis
from .temperature import Temperature as Temperature
from .temperature import fit_temperature as fit_temperature
from .variants import Stability as Stability
from .variants import Variant as Variant
from .variants import stability as stability

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
