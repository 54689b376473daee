"""A process that reads one HDF5 file and ends: `python -m core.exchange.foreign.hdf5_worker FILE FOLDER`.

It is started by `core.exchange.foreign.hdf5.read`, and writes into the folder what it found: `content.json` and
`arrays.safetensors`, or `refused.txt` with the sentence that says why not. It cannot have more memory than stated.
"""

import contextlib
import json
import sys
from pathlib import Path

from safetensors.numpy import save_file

from core.errors import ConvScopeError
from core.exchange.foreign.hdf5 import CONTENT, REFUSED, WEIGHTS, read_here

MEMORY = 4 * 1024**3  # bytes


def main(file: Path, folder: Path) -> int:
    """Read a file and write what it holds; return the exit code."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    try:
        content = read_here(file)
    except ConvScopeError as error:
        (folder / REFUSED).write_text(str(error), encoding="utf-8")
        return 0
    save_file({str(place): array for place, array in enumerate(content.arrays.values())}, folder / WEIGHTS)
    about = {"texts": content.texts, "paths": list(content.arrays)}
    (folder / CONTENT).write_text(json.dumps(about), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
