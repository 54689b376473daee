"""How good a network is on images it did not learn from, where it errs, and whether another one is better."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
