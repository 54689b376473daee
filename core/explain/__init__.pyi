from .attacks import Attack as Attack
from .attacks import AttackResult as AttackResult
from .attacks import attack as attack
from .attacks import growing_attacks as growing_attacks
from .attacks import random_changes as random_changes
from .attribution import Attribution as Attribution
from .attribution import attribute as attribute
from .attribution import heatmap as heatmap
from .cam_layers import cam_layers as cam_layers
from .cam_layers import default_cam_layer as default_cam_layer
from .cam_layers import layer_shapes as layer_shapes
from .cli.record import ExplanationCall as ExplanationCall
from .cli.record import NetworkExplanations as NetworkExplanations
from .cli.record import NetworkReference as NetworkReference
from .cli.record import arrays_npz as arrays_npz
from .cli.record import command as command
from .cli.record import read_settings as read_settings
from .cli.record import settings_json as settings_json
from .compatibility import incompatibility as incompatibility
from .epochs import EpochExplanation as EpochExplanation
from .epochs import MissingEpoch as MissingEpoch
from .epochs import explain_epochs as explain_epochs
from .epochs import settled as settled
from .epochs import share_inside as share_inside
from .epochs import similarity_to_last as similarity_to_last
from .influence import LabeledImages as LabeledImages
from .influence import Snapshot as Snapshot
from .influence import similarity as similarity
from .influence import tracin as tracin
from .methods.base import Method as Method
from .methods.base import Option as Option
from .methods.registry import METHODS as METHODS
from .metrics.agreement import Agreement as Agreement
from .metrics.agreement import agreement_of as agreement_of
from .metrics.completeness import CompletenessGap as CompletenessGap
from .metrics.deletion_insertion import random_removal as random_removal
from .metrics.deletion_insertion import removal_curve as removal_curve
from .metrics.deletion_insertion import removed as removed
from .metrics.deletion_insertion import shifted_removal as shifted_removal
from .metrics.infidelity import Infidelity as Infidelity
from .metrics.infidelity import infidelity as infidelity
from .metrics.pointing_game import PointingGame as PointingGame
from .metrics.pointing_game import score_methods as score_methods
from .metrics.randomization import RandomizationCascade as RandomizationCascade
from .metrics.randomization import cascade as cascade
from .metrics.randomization import map_similarity as map_similarity
from .metrics.randomization import untrained as untrained
from .metrics.sensitivity import Sensitivity as Sensitivity
from .metrics.sensitivity import sensitivity as sensitivity
from .tcav import ConceptReport as ConceptReport
from .tcav import concept_scores as concept_scores

__all__ = [
    "METHODS",
    "Agreement",
    "Attack",
    "AttackResult",
    "Attribution",
    "CompletenessGap",
    "ConceptReport",
    "EpochExplanation",
    "ExplanationCall",
    "Infidelity",
    "LabeledImages",
    "Method",
    "MissingEpoch",
    "NetworkExplanations",
    "NetworkReference",
    "Option",
    "PointingGame",
    "RandomizationCascade",
    "Sensitivity",
    "Snapshot",
    "agreement_of",
    "arrays_npz",
    "attack",
    "attribute",
    "cam_layers",
    "cascade",
    "command",
    "concept_scores",
    "default_cam_layer",
    "explain_epochs",
    "growing_attacks",
    "heatmap",
    "incompatibility",
    "infidelity",
    "layer_shapes",
    "map_similarity",
    "random_changes",
    "random_removal",
    "read_settings",
    "removal_curve",
    "removed",
    "score_methods",
    "sensitivity",
    "settings_json",
    "settled",
    "share_inside",
    "similarity",
    "similarity_to_last",
    "tracin",
    "untrained",
]
