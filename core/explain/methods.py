"""The methods of explanation, in the order of the menu; no torch, so that a menu costs nothing."""

from core.explain.cams import CAMS
from core.explain.covers import COVERS
from core.explain.gradients import GRADIENTS
from core.explain.method import Method
from core.explain.noise import NOISY
from core.explain.occlusion import OCCLUSION
from core.explain.rules import RULES
from core.explain.units import UNITS

METHODS: dict[str, Method] = {
    method.name: method for family in (GRADIENTS, NOISY, RULES, CAMS, OCCLUSION, COVERS, UNITS) for method in family
}
