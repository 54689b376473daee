"""How far an answer about a picture from outside can be believed: its calibration, its alarm, its steadiness."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
