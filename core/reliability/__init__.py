"""How far an answer about a picture from outside can be believed: its calibration, its alarm, its steadiness."""

from core.public import offer

__getattr__, __all__ = offer(
    __name__,
    {
        "calibrated_model": ("CalibratedModel", "calibrate", "calibrate_network"),
        "features": ("LogitsAndFeatures", "extract_features"),
        "nearest": ("NearestImage", "TrainingFeatures", "training_features"),
        "ood_detector": ("ConformalThreshold", "OodDetector", "fit_ood_detector"),
        "ood_samples": ("OOD_KINDS", "OodKind", "detection_rate"),
        "ood_scores": ("Energy", "Mahalanobis", "fit_mahalanobis"),
        "perturbations": ("PERTURBATIONS", "Perturbation"),
        "robustness": ("PerturbedImage", "Stability", "stability"),
        "temperature": ("Temperature", "fit_temperature"),
    },
)
