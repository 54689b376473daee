"""All networks that can be asked on this computer, by the names that addresses and command lines have for them."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from core.errors import ExplainError, RunError
from core.inference.model_cache import MAX_LARGE, MAX_MODELS, ModelCache
from core.inference.network import Network
from core.inference.sources import PretrainedNetwork, RunNetwork
from core.model.zoo import IMAGENET, ZOO
from core.progress import Progress
from core.runs.records import Run
from core.runs.store import RunStore

if TYPE_CHECKING:
    from core.data.datasets import Dataset

ZOO_PREFIX = "zoo-"  # of the ids of pretrained networks, which no run's has
CLASSES = 1000  # of ImageNet


def zoo_id(name: str) -> str:
    """Return the id of a pretrained network, a key of `ZOO`."""
    return ZOO_PREFIX + name


def names_pretrained(reference: str) -> bool:
    """Say whether an id is that of a pretrained network, known or not."""
    return reference.startswith(ZOO_PREFIX)


class NetworkLibrary:
    """The networks of a run store and of the zoo; models that were read are kept for those who ask next.

    Args:
        store: The runs; by default those of the data directory.
        load: What loads a data set by its name; by default `core.data.load_dataset`.
    """

    def __init__(self, store: RunStore | None = None, load: "Callable[[str], Dataset] | None" = None) -> None:
        self.store = store or RunStore()
        self._load = load or _load_dataset
        self._models, self._large = ModelCache(MAX_MODELS), ModelCache(MAX_LARGE)

    def get(self, reference: str, epoch: int | None = None) -> Network:
        """Return a network by its id, or a pretrained one by its name.

        Args:
            reference: The id of a run, a key of `ZOO`, or that with "zoo-" before it.
            epoch: Of a run: weights after this epoch, 0 before the first step; by default the latest.

        Raises:
            RunError: There is no such network, or it has no epochs.
        """
        name = reference.removeprefix(ZOO_PREFIX)
        if name not in ZOO and names_pretrained(reference):
            raise RunError("There is no such pretrained network: choose another one.")
        if name not in ZOO:
            return self.of_run(self.store.get(reference), epoch)
        return self.pretrained(name).at(epoch)

    def of_run(self, run: Run, epoch: int | None = None) -> RunNetwork:
        """Return the network of a run after an epoch, or with its latest weights."""
        about = (run.id, run.name, run.spec.input_shape, run.spec.num_classes, run.dataset, epoch)
        return RunNetwork(*about, run=run, store=self.store, load=self._load, models=self._models)

    def pretrained(self, name: str) -> PretrainedNetwork:
        """Return a pretrained network, a key of `ZOO`; nothing is read or downloaded."""
        info = ZOO[name]
        return PretrainedNetwork(
            zoo_id(name), info.title, info.input_shape, CLASSES, IMAGENET, pretrained=info, models=self._large
        )


def open_network(reference: str, epoch: int | None = None, progress: Progress | None = None) -> Network:
    """Return a network for a command line, its weights read, and downloaded if need be.

    Args:
        reference, epoch: See `NetworkLibrary.get`.
        progress: Called with the bytes received and those expected while pretrained weights are downloaded.

    Raises:
        ConvScopeError: There is no such network, or its weights cannot be loaded.
    """
    store = RunStore()
    try:
        try:
            network = NetworkLibrary(store).get(reference, epoch)
        except RunError as error:
            if reference.removeprefix(ZOO_PREFIX) in ZOO:  # an epoch is asked for
                raise
            raise ExplainError(
                f"There is no network {reference!r}: give the id of a run, as in the address of its page, or the name "
                "of a pretrained network."
            ) from error
        if network.pretrained is not None and not network.pretrained.is_here:
            from core.model.zoo_weights import load_pretrained

            load_pretrained(network.pretrained.name, progress)
        _ = network.stamped
    finally:
        store.close()
    return network


def _load_dataset(name: str) -> "Dataset":
    from core.data.datasets import load_dataset

    return load_dataset(name)
