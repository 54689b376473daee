"""Networks that can be asked, read with the stamp of their weights, and the random numbers that all who ask share."""

from core.public import offer

__getattr__, __all__ = offer(
    __name__,
    {
        "library": ("NetworkLibrary", "open_network"),
        "network": ("Network",),
        "random_state": ("SeededGlobalState", "seeded"),
        "stamped": ("StampedNetwork", "load_stamped"),
    },
)
