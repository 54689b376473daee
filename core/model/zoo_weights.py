"""Pretrained networks made ready: their weights fetched once, checked, and kept as plain tensors."""

import re
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import torch
from safetensors import SafetensorError
from safetensors.torch import load, load_file, save_file
from torch import Tensor, nn

from core.assets import read_asset
from core.compat import import_torchvision
from core.download import NotReceived, receive
from core.errors import StorageError, ZooError
from core.leftovers import unfinished
from core.model.zoo import FOLDER, ZOO, ZooInfo, zoo_info
from core.model.zoo_modules import lite0, one_module_per_use
from core.progress import Progress
from core.settings import cannot_write, settings

# Names inside DenseNet's blocks as its file has them, from before torch forbade dots in names.
_OLD_NAMES = re.compile(r"^(.*denselayer\d+\.(?:norm|relu|conv))\.((?:[12])\.\w+)$")


def load_pretrained(name: str, progress: Progress | None = None) -> nn.Module:
    """Return a pretrained network in evaluation mode: normalised images (N, 3, 224, 224) in, (N, 1000) logits out.

    No activation works in place and none is used twice, so that hooks see each by itself. The global random state
    is not touched.

    Args:
        name: A key of `ZOO`.
        progress: Called with the bytes received so far and those expected, where the weights must be downloaded;
            what it raises ends the download and leaves nothing on the disk.

    Raises:
        ZooError: There is no such network, its weights cannot be downloaded, or they are damaged.
        StorageError: The data directory cannot hold them.
    """
    info = zoo_info(name)
    weights = _weights(info, progress)
    with torch.device("meta"):  # no numbers are drawn that would be thrown away
        model = lite0() if info.download is None else import_torchvision().models.get_model(name, weights=None)
    try:
        model.load_state_dict(weights, assign=True)
        if not all(torch.isfinite(tensor).all() for tensor in weights.values()):
            raise RuntimeError("not finite")
    except RuntimeError as error:
        if info.download is not None:
            info.path.unlink(missing_ok=True)
        raise _damaged(info) from error
    return (model if info.download is None else one_module_per_use(model)).eval()


def _weights(info: ZooInfo, progress: Progress | None) -> dict[str, Tensor]:
    """Return the entries of a network's `state_dict`, downloaded if need be."""
    if info.download is None:
        return load(read_asset(info.file, info.sha256))
    if info.is_here:
        try:
            return load_file(info.path)
        except (OSError, SafetensorError, ValueError):  # damaged since: fetched again
            info.path.unlink(missing_ok=True)
    return _fetch(info, progress)


def _fetch(info: ZooInfo, progress: Progress | None) -> dict[str, Tensor]:
    """Download the weights of a network, check them and keep them."""
    download = info.download
    assert download is not None

    def advance(received: int) -> None:
        if progress is not None:
            progress(min(received, download.num_bytes), download.num_bytes)

    with ExitStack() as opened:
        try:
            file = receive(download, opened, advance, folder=FOLDER)
        except NotReceived as failure:
            here = [each.title for each in ZOO.values() if each.is_here]
            raise ZooError(
                f"The weights of {info.title} could not be downloaded because {failure}: check the internet "
                f"connection and try again, or choose a network that is here already ({', '.join(here)})."
            ) from failure
        weights = {_OLD_NAMES.sub(_joined, name): tensor for name, tensor in _tensors(info, file).items()}
    _keep(weights, info.path)
    return weights


def _joined(match: re.Match[str]) -> str:
    return match[1] + match[2]


def _tensors(info: ZooInfo, file: IO[bytes]) -> dict[str, Tensor]:
    """Read a verified file of weights: tensors only, nothing in it is executed."""
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # torch answers damaged files with almost any exception
        raise _damaged(info) from error
    if not isinstance(state, dict) or not all(isinstance(tensor, Tensor) for tensor in state.values()):
        raise _damaged(info)
    return {str(name): tensor.detach().contiguous() for name, tensor in state.items()}


def _keep(weights: dict[str, Tensor], path: Path) -> None:
    """Write weights to their place, whole or not at all."""
    folder = settings().folder(FOLDER)
    try:
        with unfinished(".weights-", folder) as temporary:
            whole = temporary / path.name
            save_file(weights, whole)
            whole.replace(path)
    except (OSError, SafetensorError) as error:
        raise cannot_write(error) from error


def _damaged(info: ZooInfo) -> StorageError:
    remedy = "install the packages of requirements.txt again" if info.download is None else "fetch them again"
    return StorageError(f"The weights of {info.title} are damaged: {remedy}.")
