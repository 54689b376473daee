"""Runs on their way out of ConvScope and back in: files for other programs, and archives that it reads itself."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
