"""The test with concept activation vectors on a network: which layers, how many drawn images, which examples."""

from dataclasses import dataclass

import torch
from torch import Tensor

from core.data.augment import Augmentation, augment
from core.data.synthetic.concepts import concepts_for, draw_concept
from core.errors import RunError
from core.explain import tcav
from core.explain.cam_layers import cam_layers, layer_shapes
from core.inference.network import Network
from core.progress import Progress

REPEATS = 20  # directions learned for each concept
_LARGE_IMAGE = 64 * 64  # pixels: larger images take long, so that fewer are drawn


@dataclass(frozen=True)
class SampleSizes:
    """How many images are drawn of each concept and at random, and how many examples of the class are asked."""

    concept: int
    random: int
    examples: int

    def total(self, channels: int) -> int:
        """Return how many images pass the network when every concept of so many channels is tested."""
        return len(concepts_for(channels)) * self.concept + self.random + self.examples


def sample_sizes(shape: tuple[int, int, int]) -> SampleSizes:
    """Return the sizes for images of a shape (C, H, W)."""
    return SampleSizes(36, 108, 24) if shape[1] * shape[2] > _LARGE_IMAGE else SampleSizes(90, 300, 60)


def concept_layers(network: Network) -> tuple[list[str], str]:
    """Return the layers that can be tested, in order, and the last one that puts out maps, else the last one.

    Raises:
        ConvScopeError: The weights cannot be used.
    """
    model, spec = network.model, network.spec
    shapes = layer_shapes(model, network.input_shape)
    names = list(cam_layers(model)) if spec is None else [name for name in shapes if name in spec.layer_names][:-1]
    maps = [name for name in names if len(shapes[name]) == 3]
    return names, (maps or names)[-1]


def class_examples(network: Network, target: int, image: Tensor, count: int) -> Tensor:
    """Return images of a class, uint8 (N, C, H, W): test images, or where there are none, variations of `image`.

    Args:
        network: Whose data set is looked into.
        target: The class.
        image: uint8 (C, H, W), cropped and mirrored at random where the network's images are not here.
        count: How many at most.

    Raises:
        ConvScopeError: The data set cannot be used, or has no test image of the class.
    """
    if network.why_no_images:
        images = image[None].expand(count, *image.shape) / 255
        varied = augment(images, Augmentation(flip=0.5, crop=0.5), torch.Generator().manual_seed(0))
        return (varied * 255).round().clamp(0, 255).to(torch.uint8)
    test = network.dataset().test
    examples = test.images[test.labels == target][:count]
    if not len(examples):
        raise RunError("There is no test image of this class to ask: choose another class.")
    return examples


def score_concepts(
    network: Network, layer: str, target: int, examples: Tensor, *, progress: Progress | None = None
) -> tcav.ConceptReport:
    """Test all concepts that images of the network's channels can show; see `core.explain.tcav.concept_scores`."""
    shape = network.input_shape
    sizes = sample_sizes(shape)
    return tcav.concept_scores(
        network.model,
        layer,
        target,
        examples,
        {name: torch.from_numpy(draw_concept(name, sizes.concept, shape)) for name in concepts_for(shape[0])},
        torch.from_numpy(draw_concept(None, sizes.random, shape)),
        network.normalize,
        repeats=REPEATS,
        progress=progress,
    )
