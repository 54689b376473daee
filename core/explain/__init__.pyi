from .agreement import Agreement as Agreement
from .agreement import agreement_of as agreement_of
from .attacks import Attack as Attack
from .attacks import Attacked as Attacked
from .attacks import attack as attack
from .attribution import Attribution as Attribution
from .attribution import attribute as attribute
from .attribution import heatmap as heatmap
from .calls import Call as Call
from .calls import Source as Source
from .calls import command as command
from .calls import read_settings as read_settings
from .completeness import Gap as Gap
from .concepts import ConceptReport as ConceptReport
from .concepts import concept_scores as concept_scores
from .course import Missing as Missing
from .course import Moment as Moment
from .course import follow as follow
from .course import likeness_to_last as likeness_to_last
from .course import settled as settled
from .course import share_inside as share_inside
from .erasing import removed as removed
from .faithfulness import Infidelity as Infidelity
from .faithfulness import infidelity as infidelity
from .fitness import why_not as why_not
from .flips import random_changes as random_changes
from .flips import smallest as smallest
from .influence import Images as Images
from .influence import Snapshot as Snapshot
from .influence import similarity as similarity
from .influence import tracin as tracin
from .layers import cam_layers as cam_layers
from .layers import default_cam_layer as default_cam_layer
from .layers import layer_shapes as layer_shapes
from .method import Method as Method
from .methods import METHODS as METHODS
from .option import Option as Option
from .pointing import League as League
from .pointing import league as league
from .prediction import predict as predict
from .randomization import Cascade as Cascade
from .randomization import cascade as cascade
from .randomization import likeness as likeness
from .randomization import untrained as untrained
from .record import Record as Record
from .record import arrays_npz as arrays_npz
from .record import settings_json as settings_json
from .removal import moved_removal as moved_removal
from .removal import random_removal as random_removal
from .removal import removal_curve as removal_curve
from .steadiness import Sensitivity as Sensitivity
from .steadiness import sensitivity as sensitivity

__all__ = [
    "METHODS",
    "Agreement",
    "Attack",
    "Attacked",
    "Attribution",
    "Call",
    "Cascade",
    "ConceptReport",
    "Gap",
    "Images",
    "Infidelity",
    "League",
    "Method",
    "Missing",
    "Moment",
    "Option",
    "Record",
    "Sensitivity",
    "Snapshot",
    "Source",
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
    "infidelity",
    "layer_shapes",
    "league",
    "likeness",
    "likeness_to_last",
    "predict",
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
    "why_not",
]
