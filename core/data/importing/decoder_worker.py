"""A process that decodes pictures and nothing else: `python -m core.data.importing.decoder_worker`, driven by
`core.data.importing.decoder_pool`.

A file that crashes a decoder takes this process along and no other; it can neither have more memory than stated nor
outlive who started it. It is told one JSON text a line on its input and answers with one a line: an empty one when it
is ready, then for each portion {"reasons": …}, or {"error": …, "errno": …} where its results could not be written.
"""

import contextlib
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from core.data.images import COLOURS, decode_upload
from core.data.importing.near_duplicates import fingerprints
from core.data.importing.safezip import Member, content_of
from core.errors import ImageError
from core.settings import settings

Pixels = NDArray[np.uint8]
MEMORY = 1024**3  # bytes that such a process may have
FITS = {
    "crop": "Cut to its middle square",
    "pad": "Whole, with black bars",
}


@dataclass(frozen=True)
class ImageFormat:
    """What all pictures of a data set are brought to.

    Attributes:
        size: Height and width in pixels.
        colour: Whether colours are kept.
        fit: How a picture that is no square becomes one, a key of `FITS`.
        stretch: Whether 16-bit values are spread from the darkest to the lightest of each picture.
    """

    size: int = 32
    colour: bool = True
    fit: str = "crop"
    stretch: bool = field(default=False, repr=False)  # names of data sets are digests of what is printed

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        return (3 if self.colour else 1, self.size, self.size)


CHANGES = ("", *COLOURS)  # what may become of colours, in the order of the numbers in notes
# What is noted of each picture: whether it came in, whether it looks black for want of stretching, whether it was
# opened at a fraction of its size, what became of its colours (a place in `CHANGES`), its fingerprint, means of its
# values from 0 to 255, and of their squares, by channel.
NOTE = np.dtype(
    [
        *((name, "u1") for name in ("ok", "black", "shrunk", "colours")),
        ("fingerprint", "<u8"),
        ("means", "<f8", 3),
        ("squares", "<f8", 3),
    ]
)


def squared(image: Image.Image, look: ImageFormat) -> Image.Image:
    """Bring a picture of mode "RGB" to a look, as `fit_image` brings an uploaded one to the same size."""
    side = (look.size, look.size)
    if look.fit == "pad":
        image = ImageOps.pad(image, side, Image.Resampling.LANCZOS)
    elif image.size != side:
        least = min(image.size)
        left, top = (image.width - least) // 2, (image.height - least) // 2
        image = image.crop((left, top, left + least, top + least)).resize(side, Image.Resampling.LANCZOS)
    return image if look.colour else image.convert("L")


def _limit_memory() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):  # where the system cannot, crashes stay apart at least
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def decode_members(
    archive: IO[bytes], members: Sequence[Member], look: ImageFormat
) -> tuple[Pixels, NDArray[Any], dict[int, str]]:
    """Decode files of an archive: their pixels (N, C, H, W) uint8, what is noted of them, and why some failed."""
    limits = settings()
    size, reasons = look.size, {}
    # All in one tall picture: turned into an array once, that takes far less time than one by one.
    tall = Image.new("RGB" if look.colour else "L", (size, size * len(members)))
    notes = np.zeros(len(members), NOTE)
    for place, member in enumerate(members):
        try:
            decoded = decode_upload(content_of(archive, member), limits, stretch=look.stretch)
            tall.paste(squared(decoded.image, look), (0, place * size))
            notes["ok"][place] = 1
            notes["black"][place] = decoded.looks_black and not look.stretch
            notes["shrunk"][place] = decoded.shrunk > 1
            notes["colours"][place] = CHANGES.index(decoded.colours)
        except ImageError as error:
            reasons[place] = str(error)
        except (ValueError, OSError, MemoryError):
            reasons[place] = "The file is damaged inside the archive."
    pixels = np.empty((len(members), *look.shape), np.uint8)
    for channel, band in enumerate(tall.split()):
        pixels[:, channel] = np.asarray(band).reshape(len(members), size, size)
    values = pixels.astype(np.float32).reshape(len(members), look.shape[0], -1)
    notes["means"][:, : look.shape[0]] = values.mean(axis=2)
    notes["squares"][:, : look.shape[0]] = np.einsum("ncp,ncp->nc", values, values) / size**2
    notes["fingerprint"] = fingerprints(values.reshape(pixels.shape))
    return pixels, notes, reasons


def main() -> None:
    """Decode what is asked for until nobody asks any more."""
    _limit_memory()
    task = json.loads(sys.stdin.readline())
    look = ImageFormat(**task["look"])
    size = int(np.prod(look.shape))
    with (
        Path(task["archive"]).open("rb") as archive,
        FileIO(task["pixels"], "r+") as rows,
        FileIO(task["notes"], "r+") as notes_file,
    ):
        _answer({})
        for line in sys.stdin:
            order = json.loads(line)
            pixels, notes, reasons = decode_members(archive, [Member(*fields) for fields in order["members"]], look)
            try:
                _write(rows, task["begin"] + order["first"] * size, pixels.tobytes())
                _write(notes_file, order["first"] * NOTE.itemsize, notes.tobytes())
            except OSError as error:
                _answer({"error": str(error), "errno": error.errno})
                break
            _answer({"reasons": reasons})


def _write(file: FileIO, place: int, content: bytes) -> None:
    """Write at a place, all of it; without a buffer, so that a full disk is met here and not when a file is closed."""
    rest = memoryview(content)
    file.seek(place)
    while rest:
        rest = rest[file.write(rest) :]


def _answer(message: object) -> None:
    print(json.dumps(message), flush=True)


if __name__ == "__main__":
    main()
