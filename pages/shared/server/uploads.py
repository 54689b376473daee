"""What visitors may upload: only what a page asked them for, and no more than the server can hold."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from streamlit import runtime
from streamlit.proto.Element_pb2 import Element
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from core.settings import Settings, settings

MB = 2**20
FRAMING = MB  # what a form adds to the file that it carries: boundaries and names


@dataclass(frozen=True)
class Door:
    """What one widget takes.

    Attributes:
        endings: Of files' names, with their dots and in small letters; none are all of them.
        megabytes: The largest file.
    """

    endings: tuple[str, ...]
    megabytes: int

    def admits(self, name: str) -> bool:
        """Say whether the widget takes a file of this name."""
        return not self.endings or name.lower().endswith(self.endings)


@dataclass(eq=False)
class UploadAccount:
    """What a visitor was asked for and has under way.

    Attributes:
        doors: The widgets that this visitor was shown, by their ids.
        awaited: Names of files that the visitor's browser was given an address for, by the ids in these.
        arriving: Bytes of files that are under way.
    """

    doors: dict[str, Door] = field(default_factory=dict)
    awaited: OrderedDict[str, str] = field(default_factory=OrderedDict)
    arriving: int = 0

    def largest(self, name: str) -> int:
        """Return how many bytes a file of this name may have; 0 where no widget takes it."""
        return max((door.megabytes for door in self.doors.values() if door.admits(name)), default=0) * MB

    def expect(self, files: Iterable[tuple[str, str]]) -> None:
        """Note (id, name) of files whose addresses the browser is given; the oldest beyond the limit are forgotten."""
        self.awaited.update(files)
        while len(self.awaited) > settings().max_uploads:
            self.awaited.popitem(last=False)


accounts: dict[str, UploadAccount] = {}  # by session; all of it is used by the thread of the server's event loop only


def door_of(element: Element) -> tuple[str, Door] | None:
    """Return id and door of an element that takes files, else None."""
    if element.WhichOneof("type") == "file_uploader":
        asked = element.file_uploader
        return asked.id, Door(tuple(ending.lower() for ending in asked.type), asked.max_upload_size_mb)
    if element.WhichOneof("type") == "camera_input":
        return element.camera_input.id, Door((), settings().max_upload_mb)
    return None


def held(session: str) -> tuple[int, int]:
    """Return how many uploaded files of a session the server holds, and their bytes."""
    files = list(_storage().get(session, {}).values())
    return len(files), sum(len(file.data) for file in files)


def _all_bytes() -> int:
    stored = sum(held(session)[1] for session in list(_storage()))
    return stored + sum(account.arriving for account in accounts.values())


def _storage() -> dict[str, dict[str, UploadedFileRec]]:
    manager = runtime.get_instance().uploaded_file_mgr
    assert isinstance(manager, MemoryUploadedFileManager)
    return manager.file_storage


def refusal(session: str, names: Sequence[str]) -> str:
    """Return why files of these names cannot be taken from a session now, in one sentence; empty if they can."""
    account, limits = accounts.get(session, UploadAccount()), settings()
    for name in names:
        if not account.largest(name):
            return f"No part of this page asks for {name[:60]}: load the page again and choose a file it takes."
    count, size = held(session)
    if count + len(names) > limits.max_uploads:
        return (
            f"A visitor may have {limits.max_uploads:,} uploaded files at once, and here are {count + len(names):,}: "
            "bring them as one zip, or remove some first."
        )
    return full(session, size + account.arriving, 1, limits)


def full(session: str, own: int, more: int, limits: Settings) -> str:
    """Return why `more` bytes beside the `own` of a session are too many, in one sentence; empty if they are not."""
    if own + more > limits.max_visitor_mb * MB:
        return (
            f"A visitor may have {limits.max_visitor_mb:,} MB of uploaded files at once: remove some of yours first, "
            "or load the page again."
        )
    if _all_bytes() + more > limits.max_uploads_mb * MB:
        return "The server holds as many uploaded files as it can: try again in a few minutes."
    return ""


def too_large(limit: int) -> str:
    """Return the sentence for a file of more than `limit` bytes."""
    return f"This file is larger than the {limit // MB:,} MB that are taken here: make it smaller and try again."
