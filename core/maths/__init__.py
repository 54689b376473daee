"""Forward and backward by hand, in float64: what a network calculates, one number at a time."""

from core.public import offer

__getattr__, __all__ = offer(
    __name__,
    {
        "activations": ("ACTIVATIONS", "activation_backward", "activation_forward"),
        "convolution": ("ConvGradients", "conv2d_backward", "conv2d_forward"),
        "dense": ("DenseGradients", "dense_backward", "dense_forward"),
        "landscapes": ("LANDSCAPES", "Landscape"),
        "losses": ("LOSSES", "LossCurve", "log_softmax", "loss_gradient", "loss_slide", "loss_value", "softmax"),
        "normalization": (
            "NormGradients",
            "batch_moments",
            "batch_norm_backward",
            "batch_norm_forward",
            "dropout_backward",
            "dropout_forward",
        ),
        "optimizers": ("OptimizerState", "OptimizerUpdate", "update"),
        "pooling": ("pool2d_backward", "pool2d_forward"),
        "races": ("race",),
        "rules": ("OPTIMIZERS",),
        "terms": ("Term",),
        "unrolled": ("col2im", "im2col"),
        "windows": ("out_size",),
    },
)
