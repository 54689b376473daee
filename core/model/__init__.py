"""Networks as data: layers, shapes, presets, and the PyTorch module or code that they stand for."""

from core.public import offer

__getattr__, __all__ = offer(
    __name__,
    {
        "build": ("build_model",),
        "difference": ("spec_changes",),
        "export": ("to_python",),
        "handmade": ("KERNELS", "Kernel", "kernel"),
        "layers": (
            "ACTIVATIONS",
            "LAYERS",
            "Activation",
            "AvgPool",
            "Backbone",
            "BatchNorm",
            "Conv",
            "Dense",
            "Dropout",
            "Flatten",
            "GlobalAvgPool",
            "Layer",
            "MaxPool",
            "Residual",
        ),
        "presets": ("PRESETS", "Preset", "preset"),
        "shapes": ("Fix", "LayerSummary", "Problem", "problems", "summarize"),
        "spec": ("ModelSpec",),
        "zoo": ("ZOO", "ZooInfo"),
        "zoo_weights": ("load_pretrained",),
    },
)
