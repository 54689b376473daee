"""A small set of trainings, good and bad, that gives every page something to show: for a lesson, or a first look."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
