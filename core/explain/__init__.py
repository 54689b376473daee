"""Asking a network what it sees in a picture, and why."""

from core.public import offer

__getattr__, __all__ = offer(
    __name__,
    {
        "core.inference.prediction": ("predict",),
        "attacks": ("Attack", "AttackResult", "attack", "growing_attacks", "random_changes"),
        "attribution": ("Attribution", "attribute", "heatmap"),
        "cam_layers": ("default_cam_layer", "layer_shapes"),
        "cli.record": (
            "ExplanationCall",
            "NetworkExplanations",
            "NetworkReference",
            "arrays_npz",
            "command",
            "read_settings",
            "settings_json",
        ),
        "compatibility": ("incompatibility",),
        "epochs": (
            "EpochExplanation",
            "MissingEpoch",
            "explain_epochs",
            "settled",
            "share_inside",
            "similarity_to_last",
        ),
        "influence": ("LabeledImages", "Snapshot", "similarity", "tracin"),
        "methods.base": ("Method", "Option"),
        "methods.registry": ("METHODS",),
        "metrics.agreement": ("Agreement", "agreement_of"),
        "metrics.completeness": ("CompletenessGap",),
        "metrics.deletion_insertion": ("random_removal", "removal_curve", "removed", "shifted_removal"),
        "metrics.infidelity": ("Infidelity", "infidelity"),
        "metrics.pointing_game": ("PointingGame", "score_methods"),
        "metrics.randomization": ("RandomizationCascade", "cascade", "map_similarity", "untrained"),
        "metrics.sensitivity": ("Sensitivity", "sensitivity"),
        "tcav": ("ConceptReport", "concept_scores"),
    },
)
