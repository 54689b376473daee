"""Errors whose message is one plain sentence that names the cause and the remedy, fit to show a person."""


class ConvScopeError(Exception):
    """Base of every error that a page shows as it stands; anything else is a defect of the program."""

    may_pass = False
    """Whether the same may work later: such an answer is not kept for others."""


class DataError(ConvScopeError):
    """A data set is unknown, cannot be downloaded or is broken."""


class ImageError(ConvScopeError):
    """An uploaded picture cannot be used."""


class SpecError(ConvScopeError):
    """A network description cannot work."""


class ConfigError(ConvScopeError):
    """A training setting is out of its range."""


class RunError(ConvScopeError):
    """A run is unknown, or cannot do what was asked of it."""

    may_pass = True  # new weights were being written, say


class ZooError(ConvScopeError):
    """A pretrained network is unknown, cannot be downloaded or is broken."""


class StorageError(ConvScopeError):
    """Something could not be read from or written to the data directory or the database."""

    may_pass = True


class TrainingError(ConvScopeError):
    """A training cannot go on, for instance because its loss is no longer a number."""


class DivergedError(TrainingError):
    """A training ended because its loss was no longer a number."""


class ExplainError(ConvScopeError):
    """A method cannot explain this network or this picture."""


class MissingPackageError(ConvScopeError):
    """A package is missing that ConvScope can do without, but not for what was asked."""


class MemoryShortageError(ExplainError):
    """An explanation needs more memory than there is at this moment."""

    may_pass = True


class EvaluationError(ConvScopeError):
    """A network cannot be judged on these images."""
