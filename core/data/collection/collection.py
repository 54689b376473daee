"""Pictures on their way to a data set: named classes that can still be renamed, merged, and sorted anew.

The files themselves lie on the disk, where nobody opens them but processes that decode; what stays in memory of each
is its name and a thumbnail. Every method may be called from any thread.
"""

import secrets
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from typing import IO

from core.data.collection.budget import Budget
from core.data.collection.thumbnails import ThumbnailMaker
from core.disk_quota import check_disk
from core.errors import DataError
from core.settings import cannot_write, settings

MOST_CLASSES, MOST_PICTURES, MOST_OF_CLASS = 30, 3000, 1000
MOST_REFUSED, MAX_NAME, MAX_CLASS_NAME = 300, 80, 40
MB = 2**20
GONE = "This class is gone: it was removed meanwhile."


@dataclass(frozen=True)
class Picture:
    """One picture.

    Attributes:
        id: Tells it from all others.
        name: What its file was called, on one line; to be shown as text.
        file: Where its content is.
        size: Bytes of it.
        digest: Of its content.
        thumbnail: A JPEG file; empty until it is decoded.
        outcome: Empty once it was decoded, or why it cannot be.
    """

    id: str
    name: str
    file: Path
    size: int
    digest: bytes
    thumbnail: bytes = field(default=b"", repr=False)
    outcome: "Future[str]" = field(default_factory=Future, repr=False)


@dataclass(frozen=True)
class ClassBox:
    """A class as it stands at one moment: its id, its name and its pictures, in the order in which they came."""

    id: str
    name: str
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True)
class Refused:
    """A file that was left out, the class that it was meant for, and why."""

    name: str
    class_name: str
    reason: str


class Collection:
    """The classes of one visitor.

    Args:
        token: What it is found by.
        folder: An empty folder for its files.
        room: What the bytes of its files are taken from.
        thumbnails: Decodes what arrives.

    Attributes:
        revision: Grows with each change.
        side: Height and width in pixels that its data set is to have; None where it makes no difference.
        colour: Whether that has colours.
        run: The id of the training that was started last on it; empty before there is one.
    """

    def __init__(self, token: str, folder: Path, room: Budget, thumbnails: ThumbnailMaker) -> None:
        self.token, self.revision = token, 0
        self.side: int | None = None
        self.colour, self.run = True, ""
        self._folder, self._thumbnails = folder, thumbnails
        self._lock = threading.RLock()
        self._boxes: dict[str, ClassBox] = {}
        self._refused: list[Refused] = []
        limits = "This collection is full, at {}: remove some pictures first."
        self._bytes = Budget(_most_bytes, limits.format("as many MB as are kept of one visitor's pictures"), room)
        self._count = Budget(lambda: MOST_PICTURES, limits.format(f"{MOST_PICTURES:,} pictures"))

    @property
    def boxes(self) -> tuple[ClassBox, ...]:
        """The classes, in the order in which they were made."""
        with self._lock:
            return tuple(self._boxes.values())

    @property
    def refused(self) -> tuple[Refused, ...]:
        """The files that were left out, the latest last; at most the last `MOST_REFUSED`."""
        with self._lock:
            return tuple(self._refused)

    @property
    def pending(self) -> int:
        """How many pictures are still to be decoded."""
        return sum(not picture.thumbnail for box in self.boxes for picture in box.pictures)

    @property
    def used(self) -> int:
        """Bytes that its files have, those that are arriving included."""
        return self._bytes.used

    def box(self, box: str) -> ClassBox:
        """Return a class; raises `DataError` if it is gone."""
        with self._lock:
            if box not in self._boxes:
                raise DataError(GONE)
            return self._boxes[box]

    def add_class(self, name: str = "") -> str:
        """Make an empty class and return its id.

        Args:
            name: Its name; a number if empty.

        Raises:
            DataError: There are too many classes, or one of this name.
        """
        with self._lock:
            if len(self._boxes) >= MOST_CLASSES:
                raise DataError(f"{MOST_CLASSES} classes are the most here: bring more of them in as a zip.")
            taken = {box.name for box in self._boxes.values()}
            numbers = (f"Class {number}" for number in range(len(taken) + 1, 2 * len(taken) + 3))
            name = self._checked(name) if name else next(each for each in numbers if each not in taken)
            box = secrets.token_hex(6)
            self._put(ClassBox(box, name))
            return box

    def rename(self, box: str, name: str) -> None:
        """Give a class another name; raises `DataError` if it is gone, nothing is in the name, or another has it."""
        with self._lock:
            self._put(replace(self.box(box), name=self._checked(name, box)))

    def _checked(self, name: str, own: str = "") -> str:
        plain = one_line(name)[:MAX_CLASS_NAME].strip()
        if not plain:
            raise DataError("A class needs a name: type one.")
        if any(box.name == plain for box in self._boxes.values() if box.id != own):
            raise DataError(f"There is a class {plain} already: give this one another name, or merge the two.")
        return plain

    def merge(self, box: str, into: str) -> None:
        """Move all pictures of a class into another and remove it; raises `DataError` if either is gone."""
        with self._lock:
            pictures = self.box(box).pictures
            self.move([picture.id for picture in pictures], into)
            self.remove(box)

    def remove(self, box: str) -> None:
        """Remove a class with its pictures; nothing happens where it is gone."""
        with self._lock:
            gone = self._boxes.pop(box, None)
            if gone is not None:
                self._drop(gone.pictures)
                self.revision += 1

    def move(self, pictures: Iterable[str], into: str) -> None:
        """Move pictures into another class; those that it has already are dropped. Raises `DataError` if it is gone."""
        with self._lock:
            target, chosen = self.box(into), set(pictures)
            known = {picture.digest for picture in target.pictures}
            for box in self.boxes:
                if box.id == into:
                    continue
                leaving = [picture for picture in box.pictures if picture.id in chosen]
                self._put(replace(box, pictures=tuple(each for each in box.pictures if each.id not in chosen)))
                self._drop([picture for picture in leaving if picture.digest in known])
                new = [picture for picture in leaving if picture.digest not in known]
                known |= {picture.digest for picture in new}
                target = replace(target, pictures=(*target.pictures, *new))
            self._put(target)

    def delete(self, pictures: Iterable[str]) -> None:
        """Delete pictures, in whatever class they are."""
        with self._lock:
            chosen = set(pictures)
            for box in self.boxes:
                self._drop([picture for picture in box.pictures if picture.id in chosen])
                self._put(replace(box, pictures=tuple(each for each in box.pictures if each.id not in chosen)))

    def incoming(self, box: str, name: str) -> "Incoming":
        """Return what takes a file for a class, piece by piece; raises `DataError` if there is no room for one."""
        self._check_room(box)
        check_disk()
        file = self._folder / secrets.token_hex(8)
        try:
            return Incoming(self, box, file_name(name), file, file.open("xb"))
        except OSError as error:
            raise cannot_write(error) from error

    def add(self, box: str, name: str, data: bytes) -> Picture | None:
        """Add a whole file to a class, or note why not; return it unless it was left out at once."""
        try:
            with self.incoming(box, name) as incoming:
                incoming.write(data)
                return incoming.finish()
        except DataError as error:
            self.refuse(box, name, str(error))
            return None

    def refuse(self, box: str, name: str, reason: str) -> None:
        """Note that a file was left out."""
        with self._lock:
            known = self._boxes.get(box)
            self._refused.append(Refused(file_name(name), known.name if known else "", reason))
            del self._refused[:-MOST_REFUSED]
            self.revision += 1

    def forget_refused(self) -> None:
        """Empty the list of what was left out."""
        with self._lock:
            self._refused.clear()
            self.revision += 1

    def clashes(self) -> list[tuple[Picture, str, str]]:
        """Return the pictures that stand in two classes, each with the names of these."""
        met: dict[bytes, str] = {}
        found = []
        for box in self.boxes:
            for picture in box.pictures:
                other = met.setdefault(picture.digest, box.name)
                if other != box.name:
                    found.append((picture, other, box.name))
        return found

    def clear(self) -> None:
        """Remove everything."""
        with self._lock:
            for box in self.boxes:
                self.remove(box.id)

    def _check_room(self, box: str) -> None:
        if len(self.box(box).pictures) >= MOST_OF_CLASS:
            raise DataError(f"{MOST_OF_CLASS:,} pictures of a class are the most here.")

    def _take(self, box: str, name: str, file: Path, size: int, digest: bytes) -> Picture:
        """Add a file that is here as a whole; raises `DataError` where it does not go in."""
        with self._lock:
            current = self.box(box)
            self._check_room(box)
            if any(picture.digest == digest for picture in current.pictures):
                raise DataError("The same picture is in this class already.")
            self._count.take(1)
            picture = Picture(secrets.token_hex(8), name, file, size, digest)
            picture.outcome.set_running_or_notify_cancel()  # nobody who waits for it can call it off
            self._put(replace(current, pictures=(*current.pictures, picture)))

        def done(thumbnail: bytes, reason: str) -> None:
            self._decoded(picture, thumbnail, reason)

        self._thumbnails.ask(file, done)
        return picture

    def _decoded(self, picture: Picture, thumbnail: bytes, reason: str) -> None:
        with self._lock:
            for box in self.boxes:  # it may have been moved
                if any(each.id == picture.id for each in box.pictures):
                    if reason:
                        self.refuse(box.id, picture.name, reason)
                        self.delete([picture.id])
                    else:
                        seen = [
                            replace(each, thumbnail=thumbnail) if each.id == picture.id else each
                            for each in box.pictures
                        ]
                        self._put(replace(box, pictures=tuple(seen)))
        picture.outcome.set_result(reason)

    def _put(self, box: ClassBox) -> None:
        self._boxes[box.id] = box
        self.revision += 1

    def _drop(self, pictures: Sequence[Picture]) -> None:
        for picture in pictures:
            picture.file.unlink(missing_ok=True)
            self._bytes.give(picture.size)
            self._count.give(1)


class Incoming:
    """A file on its way into a class; whatever ends the block before `finish`, nothing of it is left."""

    def __init__(self, collection: Collection, box: str, name: str, file: Path, content: IO[bytes]) -> None:
        self._collection, self._box, self.name = collection, box, name
        self._file, self._content = file, content
        self._limit = settings().max_upload_mb
        self._digest = blake2b(digest_size=16)
        self._size, self._kept = 0, False

    def __enter__(self) -> "Incoming":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, data: bytes) -> None:
        """Add a piece; raises `DataError` where it is too much."""
        if self._size + len(data) > self._limit * MB:
            raise DataError(f"It is larger than {self._limit} MB: make it smaller.")
        self._collection._bytes.take(len(data))
        self._size += len(data)
        self._digest.update(data)
        try:
            self._content.write(data)
        except OSError as error:
            raise cannot_write(error) from error

    def finish(self) -> Picture:
        """Take the file into the class, as a picture whose thumbnail is still to come; raises `DataError`."""
        if not self._size:
            raise DataError("It is empty.")
        try:
            self._content.close()
        except OSError as error:
            raise cannot_write(error) from error
        picture = self._collection._take(self._box, self.name, self._file, self._size, self._digest.digest())
        self._kept = True
        return picture

    def close(self) -> None:
        """Drop what is here of the file unless it was taken."""
        if not self._kept:
            self._content.close()
            self._file.unlink(missing_ok=True)
            self._collection._bytes.give(self._size)
            self._size = 0


def one_line(text: str) -> str:
    """Return a text on one line, of signs that can be seen."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def file_name(name: str) -> str:
    """Return what to call a file: what stands after its folders, on one line."""
    plain = one_line(name.replace("\\", "/").rpartition("/")[2]) or "picture"
    return plain if len(plain) <= MAX_NAME else f"{plain[: MAX_NAME - 21]}…{plain[-20:]}"


def _most_bytes() -> int:
    current = settings()
    return min(current.max_visitor_mb, current.max_archive_mb) * MB * 9 // 10  # packed, it is to be no larger
