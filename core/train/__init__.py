"""Training: the loop, the worker process it runs in, and the engine that hands out runs."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
