"""Looking inside a network without changing it: activations, filters, receptive fields."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
