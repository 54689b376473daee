"""Files of data sets, written by the tools of their formats or as their definitions say: a few images each."""

import gzip
import io
import json
import struct
import tarfile
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.io import savemat

from tests.data.archives import picture

Files = list[tuple[str, bytes]]
RNG = np.random.default_rng(3)
GREY = RNG.integers(0, 256, (8, 12, 12), dtype=np.uint8)
COLOUR = RNG.integers(0, 256, (8, 12, 12, 3), dtype=np.uint8)
LABELS = np.array([0, 1, 2, 0, 1, 2, 0, 1], np.uint8)


def idx(array: NDArray[np.uint8]) -> bytes:
    """Return an IDX file as its definition says: two zeros, type 8 (unsigned byte), axes, their lengths, the values."""
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def npy(array: NDArray[np.generic]) -> bytes:
    """Return a file of one NumPy array."""
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


def npz(arrays: Mapping[str, NDArray[np.generic]], *, compressed: bool = False) -> bytes:
    """Return a file of several NumPy arrays."""
    content = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(content, **arrays)  # type: ignore[arg-type]
    return content.getvalue()


def mnist(images: NDArray[np.uint8] = GREY, labels: NDArray[np.uint8] = LABELS, prefix: str = "") -> Files:
    """Return the four files of MNIST, two of them gzipped."""
    train, test = images[:6], images[6:]
    return [
        (f"{prefix}train-images-idx3-ubyte.gz", gzip.compress(idx(train))),
        (f"{prefix}train-labels-idx1-ubyte.gz", gzip.compress(idx(labels[:6]))),
        (f"{prefix}t10k-images.idx3-ubyte", idx(test)),
        (f"{prefix}t10k-labels.idx1-ubyte", idx(labels[6:])),
    ]


def cifar(labels: Sequence[Sequence[int]], planes: NDArray[np.uint8]) -> bytes:
    """Return records of label bytes and the planes (3, 32, 32) of an image, as the page of CIFAR describes them."""
    return b"".join(bytes(each) + image.tobytes() for each, image in zip(labels, planes, strict=True))


def mat(**matrices: object) -> bytes:
    """Return a MATLAB file, compressed as MATLAB does."""
    content = io.BytesIO()
    savemat(content, matrices, do_compression=True)
    return content.getvalue()


def csv(rows: Sequence[Sequence[object]], header: Sequence[str] = ()) -> bytes:
    """Return a table."""
    lines = [header] if header else []
    return "\n".join(",".join(map(str, row)) for row in [*lines, *rows]).encode() + b"\n"


def tar(files: Mapping[str, bytes], mode: str = "w") -> bytes:
    """Return a tar archive; "w:gz" compresses it."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return content.getvalue()


def parquet(labels: Sequence[object], names: Sequence[str] = (), *, inside: bool = True, **options: object) -> bytes:
    """Return a table as the library `datasets` writes it: struct<bytes, path>, and what it knows in the schema."""
    images = [{"bytes": picture(n) if inside else None, "path": f"{n}.png"} for n in range(len(labels))]
    label = {"_type": "ClassLabel", "names": list(names)} if names else {"_type": "Value", "dtype": "int64"}
    known = {"info": {"features": {"image": {"_type": "Image"}, "label": label}}}
    kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    table = pa.table({"image": pa.array(images, kind), "label": pa.array(labels)})
    content = io.BytesIO()
    pq.write_table(table.replace_schema_metadata({"huggingface": json.dumps(known)}), content, **options)
    return content.getvalue()
