"""Where networks come from: the checkpoints of a run, and the zoo of pretrained networks."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from core.errors import RunError
from core.inference.model_cache import ModelCache
from core.inference.network import Network
from core.inference.stamped import StampedNetwork, load_stamped, stamp_of
from core.model.zoo import ZooInfo
from core.runs import training_data
from core.runs.records import Run
from core.runs.store import RunStore

if TYPE_CHECKING:
    from core.data.datasets import Dataset

NO_IMAGES = (
    "Of a pretrained network the training images are not here: ImageNet has 1.28 million of them. "
    "Choose a network that you trained."
)


@dataclass(frozen=True)
class RunNetwork(Network):
    """The network of a run with the weights of one moment.

    Attributes:
        run: The run.
        store: Where it is.
        load: What loads a data set.
        models: Where models that were read are kept.
        pin: The stamp of the only file that will do, see `pinned`; empty for whichever is there.
    """

    run: Run = field(kw_only=True)
    store: RunStore = field(kw_only=True, compare=False, repr=False)
    load: "Callable[[str], Dataset]" = field(kw_only=True, compare=False, repr=False)
    models: ModelCache = field(kw_only=True, compare=False, repr=False)
    pin: str = ""

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.run.class_names

    @cached_property
    def statistics(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        scaled = training_data.scale_of(self.run, self.load)
        return scaled.mean, scaled.std

    @cached_property
    def brightness(self) -> float:
        mean = training_data.info_of(self.run, self.load).mean
        return sum(mean) / len(mean)

    @cached_property
    def light_on_dark(self) -> bool:
        return training_data.learned_light_on_dark(self.run, self.load)

    @property
    def epochs(self) -> tuple[int, ...]:
        return self.store.epochs(self.run.id)

    @property
    def moment(self) -> str:
        if self.epoch is None:
            return "latest"
        return f"epoch {self.epoch}" if self.epoch else "epoch 0, untrained"

    @cached_property
    def epoch_read(self) -> int | None:
        run_id = self.run.id
        if self.epoch is None and self.run.status.active and not self.store.has_weights(run_id):
            return 0 if self.store.has_weights(run_id, 0) else None
        return self.epoch

    @property
    def exists(self) -> bool:
        return self.store.has_weights(self.run.id, self.epoch_read)

    @property
    def why_no_images(self) -> str:
        return training_data.why_no_images(self.run)

    def dataset(self) -> "Dataset":
        return training_data.images_of(self.run, self.load)

    def at(self, epoch: int | None) -> "RunNetwork":
        return replace(self, epoch=epoch, pin="", original=None, change="", edit=None)

    def _stamp(self) -> str:
        return self.pin or super()._stamp()

    def pinned(self) -> "RunNetwork":
        return replace(self, pin=stamp_of(self.store.checkpoint(self.run.id, self.epoch_read)))

    def _read(self) -> StampedNetwork:
        run_id, epoch = self.run.id, self.epoch_read
        stamp = stamp_of(self.store.checkpoint(run_id, epoch))
        key = run_id, epoch, stamp
        read: StampedNetwork = self.models.get(key, lambda: load_stamped(self.store, run_id, epoch))
        if read.stamp != stamp:  # written meanwhile: what was read is right, but not what this key stands for
            self.models.drop(key)
        if self.pin and read.stamp != self.pin:
            raise RunError("New weights were written while these were asked: look again in a moment.")
        return read


@dataclass(frozen=True)
class PretrainedNetwork(Network):
    """A network of the zoo: without epochs, curves, settings and images of its own.

    Attributes:
        pretrained: What is known of it.
        models: Where models that were read are kept.
    """

    pretrained: ZooInfo = field(kw_only=True)
    models: ModelCache = field(kw_only=True, compare=False, repr=False)

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.pretrained.class_names

    @property
    def statistics(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        return self.pretrained.mean, self.pretrained.std

    @property
    def brightness(self) -> float:
        return sum(self.pretrained.mean) / len(self.pretrained.mean)

    @property
    def light_on_dark(self) -> bool:
        return False

    @property
    def epochs(self) -> tuple[int, ...]:
        return ()

    @property
    def moment(self) -> str:
        return "pretrained"

    @property
    def exists(self) -> bool:
        return True

    @property
    def why_no_images(self) -> str:
        return NO_IMAGES

    def dataset(self) -> "Dataset":
        raise RunError(NO_IMAGES)

    def at(self, epoch: int | None) -> "PretrainedNetwork":
        if epoch is not None:
            raise RunError(f"{self.name} is a pretrained network and has no epochs: leave the epoch away.")
        return replace(self, original=None, change="", edit=None)

    def _stamp(self) -> str:
        return self.pretrained.sha256

    def _read(self) -> StampedNetwork:
        if not self.pretrained.is_here:
            raise RunError(f"The weights of {self.name} are not on this computer yet: download them first.")
        from core.model.zoo_weights import load_pretrained

        name = self.pretrained.name
        return StampedNetwork(self.models.get(name, lambda: load_pretrained(name)), self.pretrained.sha256, None)
