"""Compression: a trained network made smaller, what that saves, and what it changes."""

from core.public import offer

__getattr__, __all__ = offer(
    __name__,
    {
        "changes": ("ExplanationPair", "PredictionChanges", "compare", "explanations"),
        "cost": ("FileSize", "InferenceTime", "TimeRatio", "race", "size_of"),
        "cutting": ("CutNetwork", "cut"),
        "plan": ("CompressedNetwork", "LayerCompression", "compress", "sweep"),
        "pruning": ("PrunedNetwork", "prune"),
        "quantization": ("quantize",),
        "saving": ("from_file", "to_file"),
        "ways": ("PRUNINGS", "CompressionPlan", "Pruning"),
    },
)
