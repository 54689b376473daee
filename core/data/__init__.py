"""Data sets as tensors with seeded splits, and the one door for uploaded pictures."""

from core.public import offer

__getattr__, __all__ = offer(
    __name__,
    {
        "arrays": ("is_stored",),
        "augment": ("Augmentation",),
        "catalog": ("DATASETS", "DatasetInfo"),
        "crop": ("Crop",),
        "datasets": ("Dataset", "Split", "load_dataset"),
        "fitting": ("PreprocessingStep", "fit_image", "looks_inverted"),
        "images": ("decode_image",),
        "importing.importer": ("import_images",),
        "synthetic.concepts": ("CONCEPTS", "Concept", "concepts_for", "draw_concept"),
        "synthetic.shapes": ("draw_shapes",),
    },
)
