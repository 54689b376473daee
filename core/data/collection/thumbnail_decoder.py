"""Thumbnails made by a process that may die: no picture is opened in this one."""

import io
import zipfile
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

import numpy as np
from PIL import Image

from core.data.importing.decoder_pool import DEADLY, DecoderDead, DecoderProcess
from core.data.importing.decoder_worker import ImageFormat
from core.data.importing.safezip import Member
from core.leftovers import unfinished

LOOK = ImageFormat(96)


class ThumbnailDecoder:
    """A process that is told of one file at a time, each at another place of an archive that holds no other."""

    def __init__(self) -> None:
        self._closing = ExitStack()
        folder = self._closing.enter_context(unfinished("convscope-"))
        self._pixels, self._notes = folder / "pixels", folder / "notes"
        for file in (self._pixels, self._notes):
            file.touch()
        self._archive = self._closing.enter_context((folder / "arrived.zip").open("wb"))
        self._task = {
            "archive": self._archive.name,
            "look": asdict(LOOK),
            "pixels": str(self._pixels),
            "begin": 0,
            "notes": str(self._notes),
        }
        self._process: DecoderProcess | None = None

    def __enter__(self) -> "ThumbnailDecoder":
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.close()
        self._closing.close()

    def start(self) -> DecoderProcess:
        """Return the process, started where there is none; raises `StorageError`."""
        if self._process is None:
            self._process = DecoderProcess(self._task, _never)
        return self._process

    def thumbnail(self, file: Path) -> tuple[bytes, str]:
        """Return the thumbnail of a file, or why there is none; raises `StorageError` and OSError."""
        begin = self._archive.tell()
        self._archive.truncate(0)  # what stood before it takes no room any more
        self._archive.seek(begin)
        with zipfile.ZipFile(self._archive, "w") as packed:
            packed.write(file, "picture")
            (entry,) = packed.infolist()
        self._archive.flush()
        member = Member(
            entry.filename, entry.header_offset, entry.compress_size, entry.file_size, entry.compress_type, entry.CRC
        )
        try:
            reasons = self.start().decode([member], 0, _never)
        except DecoderDead:
            self.start().close()
            self._process = None
            return b"", DEADLY
        if reasons:
            return b"", next(iter(reasons.values()))
        pixels = np.fromfile(self._pixels, np.uint8).reshape(LOOK.shape)
        content = io.BytesIO()
        Image.fromarray(pixels.transpose(1, 2, 0)).save(content, "JPEG", quality=80)
        return content.getvalue(), ""


def _never() -> bool:
    return False
