"""The guided tour: five pages, each with something to look at and a guess about one's own network."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.classroom import questions
from core.classroom.questions import Question

if TYPE_CHECKING:
    from torch import Tensor

    from core.inference.network import Network

MAP = "input_x_gradient"  # the method whose map says which pixels go: it works for every network, in one pass


@dataclass(frozen=True)
class Stop:
    """One stop of the tour.

    Attributes:
        title: What it is about.
        look: What to look at on the page before guessing, Markdown.
    """

    title: str
    look: str


STOPS = {  # by the page they are on, in their order
    "train": Stop(
        "Does it learn?",
        "The curves show how often it is right, on the images it learns from and on **validation images** that it does "
        "not learn from.",
    ),
    "filters": Stop(
        "What does it look for?",
        "Each tile is one **filter**: a small pattern of weights that is laid on every place of the picture.",
    ),
    "feature_maps": Stop(
        "What does a layer make of a picture?",
        "Each tile is one **feature map**: what one filter found, place by place. Choose the first layer.",
    ),
    "evaluate": Stop(
        "Where does it go wrong?",
        "It is asked about test images that it has never seen. Think of which classes look alike.",
    ),
    "explain": Stop(
        "Which pixels matter?",
        "The maps say which pixels speak for the class. If that is true, the class needs these pixels.",
    ),
}


def filter_question(network: "Network") -> Question | None:
    """Ask about the filters of a network; None where it has none. Raises `ConvScopeError`."""
    from core.probe.network_layers import layers_of

    names = [layer.name for layer in layers_of(network) if layer.kind == "conv"]
    return questions.filter_weights({name: tuple(network.model.get_submodule(name).weight.shape) for name in names})


def map_question(network: "Network") -> Question:
    """Ask about the first layer of a network. Raises `ConvScopeError`."""
    from core.probe.network_layers import layers_of

    first = layers_of(network)[0]
    return questions.numbers_made(first.name, network.input_shape, first.output_shape)


def pixel_question(network: "Network", image: "Tensor", target: int) -> Question:
    """Ask about the pixels that speak for a class in a picture, normalised (C, H, W). Raises `ConvScopeError`."""
    from core.explain.attribution import attribute, heatmap
    from core.explain.metrics.deletion_insertion import removal_curve

    values = heatmap(attribute(network.model, image, target, MAP)).numpy()
    curve = removal_curve(network.model, image, values, target, steps=10)
    return questions.pixels_gone(curve, network.class_names[target])
