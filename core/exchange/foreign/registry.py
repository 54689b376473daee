"""The formats of other programs that can be opened, and those that are refused with what to do instead."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath

from core.exchange.foreign.network import ForeignError, ForeignNetwork
from core.exchange.foreign.tensors import ForeignWeights

Read = Callable[[bytes], ForeignNetwork | ForeignWeights]


@dataclass(frozen=True)
class Format:
    """A format that can be opened.

    Attributes:
        title: What it is called on the screen.
        endings: Of the names of its files.
        read: Reads the content of such a file; raises `ForeignError`.
    """

    title: str
    endings: tuple[str, ...]
    read: Read


class PickleRefusedError(ForeignError):
    """A pickle, which is never opened; `code` makes a safetensors file of it elsewhere."""

    def __init__(self, ending: str, code: str) -> None:
        super().__init__(
            f"A {ending} file is not opened: it may hold a program (a pickle) that runs as it is read. Where you trust "
            "it, make a safetensors file of it by these two lines, and drop that one here:"
        )
        self.code = code


def _keras(data: bytes) -> ForeignNetwork:
    from core.exchange.foreign.keras import read_keras

    return read_keras(data)


def _keras_hdf5(data: bytes) -> ForeignNetwork | ForeignWeights:
    from core.exchange.foreign.hdf5 import read
    from core.exchange.foreign.keras import read_legacy
    from core.exchange.foreign.tensors import keras_weights

    content = read(data)
    return read_legacy(content) or keras_weights(content)


def _onnx(data: bytes) -> ForeignNetwork:
    from core.exchange.foreign.onnx import read_onnx

    return read_onnx(data)


def _safetensors(data: bytes) -> ForeignWeights:
    from core.exchange.foreign.tensors import read_safetensors

    return read_safetensors(data)


FORMATS: dict[str, Format] = {
    "keras": Format("Keras", (".keras",), _keras),
    "keras_hdf5": Format("Keras, HDF5", (".h5", ".hdf5"), _keras_hdf5),
    "onnx": Format("ONNX", (".onnx",), _onnx),
    "safetensors": Format("safetensors", (".safetensors",), _safetensors),
}
_LOAD = {  # how the weights come out of a pickle, by the ending of its name
    ".pt2": 'weights = torch.export.load("{file}").state_dict',
    ".ckpt": 'weights = torch.load("{file}", weights_only=True)["state_dict"]',
    ".pt": 'weights = torch.load("{file}", weights_only=True)',
}
PICKLES = (".pt", ".pth", ".pt2", ".bin", ".ckpt", ".pkl", ".pickle")
ENDINGS = tuple(ending for kind in FORMATS.values() for ending in kind.endings)


def read(name: str, data: bytes) -> ForeignNetwork | ForeignWeights:
    """Read a file of another program by its name's ending.

    Raises:
        PickleRefusedError: It is a pickle.
        ForeignError: It cannot become a network here, for the reason that the sentence gives.
        MissingPackageError: The package that reads it is not installed.
    """
    ending = PurePath(name).suffix.lower()
    if ending in PICKLES:
        raise PickleRefusedError(ending, _two_lines(name, ending))
    for kind in FORMATS.values():
        if ending in kind.endings:
            return kind.read(data)
    raise ForeignError(f"Files of networks end in {', '.join(ENDINGS)}, or in .zip for a run of ConvScope.")


def _two_lines(name: str, ending: str) -> str:
    """Return Python that makes a safetensors file of a pickle."""
    stem = "".join(letter if letter.isalnum() or letter in "-_. " else "_" for letter in PurePath(name).stem) or "model"
    load = _LOAD.get(ending, _LOAD[".pt"]).format(file=f"{stem}{ending}")
    save = f'save_file({{k: v.contiguous() for k, v in weights.items()}}, "{stem}.safetensors")'
    return f"import torch; from safetensors.torch import save_file; {load}\n{save}"
