"""`METHODS`: all methods of explanation in the order of the menu; imports no torch."""

from core.explain.methods.activation_cam import ACTIVATION_CAMS
from core.explain.methods.backprop import BACKPROP_METHODS
from core.explain.methods.base import Method
from core.explain.methods.cam import CAMS
from core.explain.methods.gradient_cam import GRADIENT_CAMS
from core.explain.methods.gradients import GRADIENTS
from core.explain.methods.noise import NOISY
from core.explain.methods.perturbation import COVERS, OCCLUSION
from core.explain.methods.rise import RISE
from core.explain.methods.units import UNITS

METHODS: dict[str, Method] = {
    method.name: method
    for family in (
        GRADIENTS,
        NOISY,
        BACKPROP_METHODS,
        CAMS,
        GRADIENT_CAMS,
        ACTIVATION_CAMS,
        OCCLUSION,
        COVERS,
        RISE,
        UNITS,
    )
    for method in family
}
