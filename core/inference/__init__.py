"""Networks that can be asked, read with the stamp of their weights, and the random numbers that all who ask share."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
