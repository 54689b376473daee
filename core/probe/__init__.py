"""Looking inside a network without changing it: activations, filters, receptive fields."""

from core.public import offer

__getattr__, __all__ = offer(
    __name__,
    {
        "activation_maximization": ("preferred_input", "preferred_steps"),
        "activations": ("capture_activations", "passage", "zero_share"),
        "autograd_reference": ("LayerPass", "WindowPass", "conv_pass", "layer_pass", "pool_pass"),
        "classical": ("CLASSICAL", "ClassicalResult", "Operation", "apply_classical"),
        "embedding.data_map": ("DataMap", "ImageSample", "MissingMap", "data_map", "data_maps"),
        "embedding.layout": ("PROJECTIONS", "Projection", "aligned", "project"),
        "embedding.trust": ("Neighbors",),
        "features": ("Features", "layer_features"),
        "hog": ("HogResult", "hog_features", "hog_svm"),
        "kernel_matching": ("Match", "best_matches"),
        "kernels": ("biases", "filter_layers", "filters"),
        "layer_graph": ("LayerNode",),
        "pooling": ("PoolingWindow", "pool_window"),
        "receptive_fields": ("FieldStep", "ReceptiveFieldMap", "field_steps", "reach", "receptive_field"),
        "surgery": ("Edit", "Off", "Replace", "Swap", "apply_edits"),
        "units": ("TopImages", "contributions", "dead_units", "effective_field", "top_images"),
    },
)
