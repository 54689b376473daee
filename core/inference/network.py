"""A network that can be asked about images, whether it was trained here, elsewhere, or is an edited copy of one."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from core.data.crop import MIDDLE, Crop
from core.errors import ConvScopeError, DataError, ExplainError, RunError
from core.formatting import dimensions
from core.inference.model_cache import MAX_MODELS, ModelCache
from core.inference.stamped import StampedNetwork
from core.model.layers import Backbone

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor, nn

    from core.data.datasets import Dataset
    from core.data.fitting import PreprocessingStep
    from core.data.paper_reading import PaperReading
    from core.model.spec import ModelSpec
    from core.model.zoo import ZooInfo
    from core.runs.records import Run

BACKGROUND = 32  # validation images
Edit = Callable[[Any], Any]  # from a model that is not to be changed to another one
_COPIES = ModelCache(MAX_MODELS)


@dataclass(frozen=True)
class Network(ABC):
    """A network that can be asked: a run at an epoch, a pretrained network, or an edited copy of either.

    `core.inference.NetworkLibrary` gives them. What is known of a network costs no torch; its weights are read when
    they are first needed, once for each of these objects, so that whatever is computed by one object is computed by
    the same weights, and belongs under its `cache_key`.

    Attributes:
        id: What addresses and command lines call it: the id of a run, or "zoo-" and the name of a pretrained network.
        name: What people call it; may hold what a user wrote.
        input_shape: (C, H, W) of the images it takes.
        num_classes: How many classes it knows.
        dataset_name: Key of the data set that it learned from.
        epoch: After which epoch of its training, 0 for before the first step; None for the latest weights there are.
        run: The training with its curves and settings; None of a network that was not trained here.
        pretrained: What is known of a pretrained network; None of a run.
        original: The network that this one is an edited copy of, if it is one.
        change: What was done to the copy, as a key; empty if it is none.
    """

    id: str
    name: str
    input_shape: tuple[int, int, int]
    num_classes: int
    dataset_name: str
    epoch: int | None = None
    run: "Run | None" = None
    pretrained: "ZooInfo | None" = None
    original: "Network | None" = None
    change: str = ""
    edit: Edit | None = field(default=None, compare=False, repr=False)

    # What depends on where it comes from.

    @property
    @abstractmethod
    def class_names(self) -> tuple[str, ...]:
        """The names of its classes, in the order of its outputs; they may hold what a user wrote."""

    @property
    @abstractmethod
    def statistics(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """What is taken from each channel's values, 0 to 1, and what they are divided by; raises `ConvScopeError`."""

    @property
    @abstractmethod
    def brightness(self) -> float:
        """Mean of the pixels that it learned from, 0 to 1; raises `ConvScopeError` where that is not known."""

    @property
    @abstractmethod
    def light_on_dark(self) -> bool:
        """Whether it looks at grey pictures and learned from light strokes on black; raises `ConvScopeError`."""

    @property
    @abstractmethod
    def epochs(self) -> tuple[int, ...]:
        """The epochs whose weights are kept, in order; 0 stands for the untrained network."""

    @property
    @abstractmethod
    def moment(self) -> str:
        """The moment in words: "latest", "epoch 3", "epoch 0, untrained", "pretrained"."""

    @property
    @abstractmethod
    def exists(self) -> bool:
        """Whether there are any weights yet, here or where they can be fetched from."""

    @property
    @abstractmethod
    def why_no_images(self) -> str:
        """One sentence on why the images that it learned from are not here, or nothing."""

    @abstractmethod
    def dataset(self) -> "Dataset":
        """Return the data set that it learned from, with the pixel values that it takes.

        Raises:
            ConvScopeError: The images are not here, cannot be read, or are of another shape.
        """

    @abstractmethod
    def at(self, epoch: int | None) -> "Network":
        """Return this network after another epoch of its training, as it lies on the disk; None for the latest.

        Raises:
            RunError: It has no epochs.
        """

    @abstractmethod
    def _read(self) -> StampedNetwork:
        """Read the weights; raises `ConvScopeError`."""

    @property
    def spec(self) -> "ModelSpec | None":
        """Its layers as they were put together; None where they have to be traced, as inside a pretrained backbone."""
        if self.run is None or isinstance(next(iter(self.run.spec.layers), None), Backbone):
            return None
        return self.run.spec

    @property
    def config(self) -> Mapping[str, Any]:
        """The settings that its training was started with; empty where it was not trained here."""
        return {} if self.run is None else self.run.config

    @property
    def in_training(self) -> bool:
        """Whether it is being trained, or will be: its latest weights are soon others."""
        return self.run is not None and self.run.status.active

    def require_run(self) -> "Run":
        """Return the training of the network; raises `RunError` where it was not trained here."""
        if self.run is None:
            raise RunError(f"{self.name} was not trained here: choose a network that you trained.")
        return self.run

    @property
    def epoch_read(self) -> int | None:
        """The epoch whose weights are read; that of `epoch`, but 0 where a training has no others yet."""
        return self.epoch

    def _stamp(self) -> str:
        """Return what identifies the weights; raises `ConvScopeError` where they cannot be read."""
        return self.stamped.stamp

    def pinned(self) -> "Network":
        """Return this network with the weights that lie on the disk now, with a cache key that costs no reading.

        For work on many epochs: once others were written, such a network refuses to be read.
        """
        return self

    # What is the same for all.

    @cached_property
    def stamped(self) -> StampedNetwork:
        """The weights, read once: what is computed by them is kept under their stamp.

        Raises:
            ConvScopeError: There are none yet, they are not on this computer, or they are damaged.
        """
        if self.original is None or self.edit is None:
            return self._read()
        read, edit = self.original.stamped, self.edit
        model = _COPIES.get(self.cache_key, lambda: edit(read.model))
        return StampedNetwork(model, self.stamp, read.step)

    @property
    def model(self) -> Any:
        """The module in evaluation mode: to be read, never changed.

        That of a run is an `nn.Sequential`; a pretrained one is some other module. Errors are those of `stamped`.
        """
        return self.stamped.model

    @property
    def stamp(self) -> str:
        """What identifies the very weights that `model` has; raises `ConvScopeError` where they cannot be read."""
        return self._stamp() if self.original is None else f"{self.original.stamp}+{self.change}"

    @property
    def cache_key(self) -> tuple[str, int | None, str]:
        """A key for caches: that of the weights which `model` has, and of no others."""
        try:
            stamp = self.stamp
        except ConvScopeError:  # nothing can be computed by them, so nothing is kept under this
            stamp = "unreadable"
        return self.id, self.epoch_read, stamp

    def own_copy(self) -> "nn.Module":
        """Return the module with these weights, shared with nobody and kept nowhere."""
        module: nn.Module = copy.deepcopy(replace(self).model)
        return module

    def edited(self, change: str, edit: Edit) -> "Network":
        """Return a copy of this network with the same weights, but for what was done to them.

        Args:
            change: A key of what is done: two copies with the same one are the same network.
            edit: Takes the model, which it must not change, and returns another one.
        """
        return replace(self, original=self, change=change, edit=edit)

    def normalize(self, pixels: "Tensor") -> "Tensor":
        """Turn pixels, uint8 or floats from 0 to 1, (…, C, H, W), into what the network receives, float32.

        Raises:
            RunError: The network looks at pictures of another shape.
        """
        from core.data.normalization import normalized

        if tuple(pixels.shape[-3:]) != self.input_shape:
            sizes = [dimensions(shape) for shape in (self.input_shape, pixels.shape[-3:])]
            raise RunError(f"This network looks at pictures of {sizes[0]}, not of {sizes[1]}: choose another one.")
        return normalized(pixels, *self.statistics)

    def denormalize(self, images: "Tensor") -> "Tensor":
        """Turn what `normalize` returned, changed or not, back into pixels, uint8 (…, C, H, W)."""
        from core.data.normalization import denormalized

        return denormalized(images, *self.statistics)

    def swaps(self, picture: "Image") -> bool:
        """Say whether a picture is dark on light where the network learned light strokes on black.

        Raises `ConvScopeError` where it is not known what it learned from.
        """
        from core.data.fitting import looks_inverted

        return self.light_on_dark and looks_inverted(picture)

    @property
    def centred(self) -> bool:
        """Whether it learned from digits that were all scaled and centred alike."""
        info = None if self.run is None else self.run.dataset_info
        return info is not None and info.centred and self.input_shape[0] == 1

    def read_paper(self, picture: "Image", crop: Crop = MIDDLE) -> "PaperReading | None":
        """Find the digit in a picture, or in a part of it that was chosen; None for networks of other pictures."""
        if not self.centred:
            return None
        from core.data.paper import read_paper

        return read_paper(picture if crop == MIDDLE else picture.crop(crop.box(picture.size, self.input_shape[1:])))

    def fit(
        self,
        picture: "Image",
        *,
        swap: bool | None = None,
        crop: Crop = MIDDLE,
        centre: bool = False,
        paper: "PaperReading | None" = None,
    ) -> "tuple[Tensor, tuple[PreprocessingStep, ...]]":
        """Bring a picture to what the network receives before it is normalised, uint8 (C, H, W), and say how.

        Args:
            picture: As `core.data.decode_image` returns it.
            swap: Whether dark and light are swapped, for grey networks; None swaps where `swaps` says so.
            crop: Which part of it to show.
            centre: Whether light strokes on black are laid out as in MNIST.
            paper: What `read_paper` found in it.
        """
        from core.data.fitting import fit_image

        invert = self.input_shape[0] == 1 and (self.swaps(picture) if swap is None else swap)
        return fit_image(picture, self.input_shape, invert=invert, crop=crop, centre=centre, paper=paper)

    @property
    def background(self) -> "Tensor | None":
        """Normalised images that it has not learned from, (32, C, H, W), for methods that start from others.

        None where its data set is not here: most methods need none.
        """
        if self.why_no_images:
            return None
        try:
            data = self.dataset()
        except DataError:
            return None
        return data.normalize(data.valid.images[:BACKGROUND])

    def class_of(self, text: str) -> int:
        """Return the index of a class, named by its name, its index or "#" and its index; an exact name counts first.

        Raises:
            ExplainError: There is no such class, or several have this name.
        """
        exact = [index for index, name in enumerate(self.class_names) if name == text]
        number = text.removeprefix("#")
        known = range(len(self.class_names))
        if not exact and number.isascii() and number.isdigit() and len(number) < 7 and int(number) in known:
            return int(number)
        loose = [index for index, name in enumerate(self.class_names) if name.casefold() == text.casefold()]
        matches = exact or loose
        if len(matches) == 1:
            return matches[0]
        last = len(self.class_names) - 1
        if matches:
            which = ", ".join(class_reference(index, self.class_names) for index in matches)
            raise ExplainError(f"Several classes are called {text!r}: give the index of one of them ({which}).")
        some = ", ".join(self.class_names[:12]) + (" …" if last >= 12 else "")
        raise ExplainError(f"This network has no class {text!r}: give an index from 0 to {last} or a name ({some}).")


def class_reference(index: int, class_names: Sequence[str]) -> str:
    """Return what `Network.class_of` takes for a class: its index, after "#" where another is called by that number."""
    called = [place for place, name in enumerate(class_names) if name == str(index)]
    return str(index) if called in ([], [index]) else f"#{index}"
