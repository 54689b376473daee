"""A run as a document that stands alone: what all other packages find out about it, put together."""

from core.public import offer

__getattr__, __all__ = offer(
    __name__,
    {
        "document": ("lab_report",),
    },
)
