"""The record of every training: what was asked, what happened, and the weights it left."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
