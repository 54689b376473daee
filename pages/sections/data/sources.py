"""Where pictures of one's own come from: a zip, or files that are called after their classes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

import streamlit as st

from core.data.importing.folder_layout import PICTURES
from core.data.importing.format_registry import FORMATS
from core.data.importing.zip_builder import archive_of, class_in
from core.errors import DataError
from core.settings import settings
from pages.shared.picture.files import picture_files

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

WAYS = {"zip": "Zip or data files", "files": "Loose files"}
ASKED = "own_images"  # the parameter of an address that leads here, and to which of these ways
TURN = "own_turn"


@dataclass(frozen=True)
class ImageSource:
    """Files of pictures.

    Attributes:
        key: Another one for other content.
        title: What it may be called.
        file: What the file was called; empty where there was none.
        files: Names and contents: one zip, or the files of a data set.
    """

    key: str
    title: str
    file: str
    files: tuple[tuple[str, bytes], ...]


def ask_zip() -> ImageSource | None:
    """Ask for a zip, or the files of a data set; None until there is one."""
    files = st.file_uploader(
        "A zip with one folder for each class, or the files of a data set",
        accept_multiple_files=True,
        key=f"own_zip_{st.session_state.get(TURN, 0)}",
        max_upload_size=min(int(st.get_option("server.maxUploadSize")), settings().max_archive_mb),
        help="Folders train, valid and test with the class folders inside are honoured. "
        "PNG, JPEG, WebP, GIF, BMP, AVIF and HEIC. Data files are recognised by their content: "
        f"{', '.join(each.kind for each in FORMATS)}; choose all that belong together.",
    )
    if not files:
        st.code("flowers.zip\n  rose/     one.jpg  two.jpg …\n  tulip/    three.png …", language=None)
        st.caption(
            "The names of the folders become the names of the classes. Data sets of arrays, such as MNIST's four files "
            "or an .npz, come in as they are. Nothing leaves this computer."
        )
        return None
    if len(files) > 1 and all(file.name.lower().endswith(PICTURES) for file in files):
        return _sorted_by_name(files)
    name = files[0].name if len(files) == 1 else f"{files[0].name} and {len(files) - 1} more"
    title = (
        files[0].name.partition(".")[0].replace("_", " ").replace("-", " ").strip() if len(files) == 1 else "My data"
    )
    key = "-".join(file.file_id for file in files) if len(files) < 5 else _digest(*(file.file_id for file in files))
    return ImageSource(key, title[:1].upper() + title[1:], name, tuple((file.name, file.getvalue()) for file in files))


def _digest(*texts: str) -> str:
    return blake2b("-".join(texts).encode(), digest_size=12).hexdigest()


def ask_files() -> ImageSource | None:
    """Ask for files whose names begin with their classes; None until they make a data set."""
    files = st.file_uploader(
        "Pictures whose names begin with the class",
        accept_multiple_files=True,
        **picture_files(f"own_loose_{st.session_state.get(TURN, 0)}"),
    )
    if not files:
        st.code("rose_1.jpg  rose_2.jpg  tulip (1).png  tulip (2).png …", language=None)
        st.caption("What stands before the number is the class. Nothing leaves this computer.")
        return None
    return _sorted_by_name(files)


def _sorted_by_name(files: "Sequence[UploadedFile]") -> ImageSource:
    classes: dict[str, list[tuple[str, bytes]]] = {}
    for file in files:
        classes.setdefault(class_in(file.name), []).append((file.name, file.getvalue()))
    if len(classes) < 2:
        raise DataError(
            "By their names all files are of one class. Call them after their classes, as in rose_1.jpg and "
            "tulip_1.jpg, or sort them into classes on the Teach page."
        )
    archive = archive_of(sorted(classes.items()))
    return ImageSource(blake2b(archive, digest_size=12).hexdigest(), "My pictures", "", (("pictures.zip", archive),))


ASK: dict[str, Callable[[], ImageSource | None]] = {"zip": ask_zip, "files": ask_files}
