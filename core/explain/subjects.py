"""A network by the name that a command line has for it: a recorded run, or a pretrained one."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor, nn

from core.data.images import fit_image, looks_inverted
from core.errors import DataError, ExplainError, RunError
from core.explain.calls import Source

Progress = Callable[[int, int], None]
BACKGROUND = 32  # validation images
ZOO_PREFIX = "zoo-"  # which the addresses of pages put before the name of a pretrained network


@dataclass(frozen=True, eq=False)
class Subject:
    """A network and what it takes to ask it about a picture.

    Attributes:
        source: Where it comes from.
        model: The network, in evaluation mode.
        input_shape: (C, H, W) of what it looks at.
        class_names: Its classes.
        mean, std: What is taken from each channel's values, 0 to 1, and what they are divided by.
        dark: Whether it learned from light strokes on black.
        background: Normalised images that it has not learned from, (M, C, H, W), for methods that start from others;
            None where there are none.
    """

    source: Source
    model: nn.Module
    input_shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    dark: bool = False
    background: Tensor | None = None

    def receive(self, picture: Image.Image, *, swap: bool | None = None) -> Tensor:
        """Bring a picture to what the network receives, uint8 (C, H, W), exactly as the pages do.

        Args:
            picture: As `core.data.decode_image` returns it.
            swap: Whether dark and light are swapped; None swaps what is dark on light where the network learned from
                light strokes on black.
        """
        if swap is None:
            swap = self.dark and looks_inverted(picture)
        return fit_image(picture, self.input_shape, invert=swap and self.input_shape[0] == 1)[0]

    def normalize(self, pixels: Tensor) -> Tensor:
        """Turn pixels, uint8 (C, H, W), into the image, float32 (C, H, W)."""
        mean, std = torch.tensor([self.mean, self.std], dtype=torch.float32)[..., None, None]
        return pixels.to(torch.float32).div_(255).sub(mean).div_(std)

    def class_of(self, asked: str) -> int:
        """Return the index of a class, named by its name or its index; an exact name counts first.

        Raises:
            ExplainError: There is no such class, or several have this name.
        """
        exact = [index for index, name in enumerate(self.class_names) if name == asked]
        if not exact and asked.isascii() and asked.isdigit() and len(asked) < 7 and int(asked) < len(self.class_names):
            return int(asked)
        loose = [index for index, name in enumerate(self.class_names) if name.casefold() == asked.casefold()]
        found = exact or loose
        if len(found) == 1:
            return found[0]
        last = len(self.class_names) - 1
        if found:
            which = ", ".join(map(str, found))
            raise ExplainError(f"Several classes are called {asked!r}: give the index of one of them ({which}).")
        some = ", ".join(self.class_names[:12]) + (" …" if last >= 12 else "")
        raise ExplainError(f"This network has no class {asked!r}: give an index from 0 to {last} or a name ({some}).")


def subject_of(model: str, epoch: int | None = None, progress: Progress | None = None) -> Subject:
    """Return the network of a name, its weights loaded.

    Args:
        model: The id of a run, or the name of a pretrained network.
        epoch: Of a run: weights after this epoch, 0 before the first step; by default the latest.
        progress: Called with the bytes received and those expected while pretrained weights are downloaded.

    Raises:
        ConvScopeError: There is no such network, or its weights cannot be loaded.
    """
    from core.model.zoo import IMAGENET, ZOO

    name = model.removeprefix(ZOO_PREFIX)
    if name not in ZOO:
        return _run(model, epoch)
    if epoch is not None:
        raise ExplainError(f"{model} is a pretrained network and has no epochs: leave the epoch away.")
    from core.model.zoo_weights import load_pretrained

    about, network = ZOO[name], load_pretrained(name, progress)
    source = Source(name, about.title, IMAGENET)
    return Subject(source, network, about.input_shape, about.class_names, about.mean, about.std)


def _run(run_id: str, epoch: int | None) -> Subject:
    from core.runs.store import RunStore
    from core.runs.training_data import images_of, learned_light_on_dark, scale_of

    store = RunStore()
    try:
        try:
            run = store.get(run_id)
        except RunError as error:
            raise ExplainError(
                f"There is no network {run_id!r}: give the id of a run, as in the address of its page, or the name of "
                "a pretrained network."
            ) from error
        model = store.load_model(run_id, epoch)
    finally:
        store.close()
    scaled, dark = scale_of(run), learned_light_on_dark(run)
    source = Source(run.id, run.name, run.dataset, epoch)
    try:
        others = scaled.normalize(images_of(run).valid.images[:BACKGROUND])
    except DataError:  # most methods need none
        others = None
    return Subject(source, model, run.spec.input_shape, run.class_names, scaled.mean, scaled.std, dark, others)
