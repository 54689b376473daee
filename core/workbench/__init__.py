"""Cases to work through: a loss at its logits, and torch as the reference for sums by hand."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
