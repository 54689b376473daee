from .attacks import Attack as Attack
from .attacks import Attacked as Attacked
from .attacks import attack as attack
from .attacks import random_changes as random_changes
from .attacks import smallest as smallest
from .attribution import Attribution as Attribution
from .attribution import attribute as attribute
from .attribution import heatmap as heatmap
from .cam_layers import cam_layers as cam_layers
from .cam_layers import default_cam_layer as default_cam_layer
from .cam_layers import layer_shapes as layer_shapes
from .cli.record import ExplanationCall as ExplanationCall
from .cli.record import NetworkReference as NetworkReference
from .cli.record import Record as Record
from .cli.record import arrays_npz as arrays_npz
from .cli.record import command as command
from .cli.record import read_settings as read_settings
from .cli.record import settings_json as settings_json
from .compatibility import incompatibility as incompatibility
from .epochs import Missing as Missing
from .epochs import Moment as Moment
from .epochs import follow as follow
from .epochs import likeness_to_last as likeness_to_last
from .epochs import settled as settled
from .epochs import share_inside as share_inside
from .influence import Images as Images
from .influence import Snapshot as Snapshot
from .influence import similarity as similarity
from .influence import tracin as tracin
from .methods.base import Method as Method
from .methods.base import Option as Option
from .methods.registry import METHODS as METHODS
from .metrics.agreement import Agreement as Agreement
from .metrics.agreement import agreement_of as agreement_of
from .metrics.completeness import Gap as Gap
from .metrics.deletion_insertion import moved_removal as moved_removal
from .metrics.deletion_insertion import random_removal as random_removal
from .metrics.deletion_insertion import removal_curve as removal_curve
from .metrics.deletion_insertion import removed as removed
from .metrics.infidelity import Infidelity as Infidelity
from .metrics.infidelity import infidelity as infidelity
from .metrics.pointing_game import League as League
from .metrics.pointing_game import league as league
from .metrics.randomization import Cascade as Cascade
from .metrics.randomization import cascade as cascade
from .metrics.randomization import likeness as likeness
from .metrics.randomization import untrained as untrained
from .metrics.sensitivity import Sensitivity as Sensitivity
from .metrics.sensitivity import sensitivity as sensitivity
from .tcav import ConceptReport as ConceptReport
from .tcav import concept_scores as concept_scores

__all__ = [
    "METHODS",
    "Agreement",
    "Attack",
    "Attacked",
    "Attribution",
    "Cascade",
    "ConceptReport",
    "ExplanationCall",
    "Gap",
    "Images",
    "Infidelity",
    "League",
    "Method",
    "Missing",
    "Moment",
    "NetworkReference",
    "Option",
    "Record",
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
    "follow",
    "heatmap",
    "incompatibility",
    "infidelity",
    "layer_shapes",
    "league",
    "likeness",
    "likeness_to_last",
    "random_changes",
    "random_removal",
    "read_settings",
    "removal_curve",
    "removed",
    "sensitivity",
    "settings_json",
    "settled",
    "share_inside",
    "similarity",
    "smallest",
    "tracin",
    "untrained",
]
