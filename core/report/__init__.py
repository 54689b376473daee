"""A run as a document that stands alone: what all other packages find out about it, put together."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
