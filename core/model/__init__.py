"""Networks as data: layers, shapes, presets, and the PyTorch module or code that they stand for."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
