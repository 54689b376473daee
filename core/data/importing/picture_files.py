"""Pictures as files, packed in another way than as a zip: brought one after the other for those that decode them."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.data.importing.array_sets import said_splits
from core.data.importing.folder_layout import Naming, PictureContainer, Survey, survey_members
from core.data.importing.labelled_images import UNLABELLED, number_labels
from core.data.importing.picture_archive import Contents, Skipped
from core.data.importing.safezip import PLAIN, Member
from core.data.importing.source_files import MAX_UNPACKED, MB, SourceFile
from core.errors import DataError
from core.settings import settings


class SourcePictures:
    """Pictures that are files of an archive."""

    def __init__(self, sources: Sequence[SourceFile]) -> None:
        self._sources = sources

    def content(self, place: int) -> bytes:
        """Return the file at a place."""
        return self._sources[place].read(settings().max_upload_mb * MB)

    def write(self, path: Path) -> None:
        """Write all files one after the other."""
        with path.open("wb") as file:
            for place in range(len(self._sources)):
                file.write(self.content(place))


def members_of(names: Sequence[str], sizes: Sequence[int], checksums: Sequence[int]) -> tuple[Member, ...]:
    """Return files that stand one after the other; raises `DataError` where they are too much."""
    ends = np.cumsum(np.array(sizes, np.int64)).tolist()
    if ends and ends[-1] > MAX_UNPACKED:
        raise DataError(f"The pictures have {ends[-1] / MB:,.0f} MB, and {MAX_UNPACKED // MB:,} MB is the most.")
    return tuple(
        Member(name, end - size, size, size, PLAIN, checksum)
        for name, size, checksum, end in zip(names, sizes, checksums, ends, strict=True)
    )


def labelled_pictures(
    members: Sequence[Member],
    values: NDArray[np.generic],
    splits: Sequence[str],
    container: PictureContainer,
    *,
    names: Sequence[str] | Mapping[int, str] = (),
    facts: Sequence[tuple[str, str]] = (),
    skipped: Sequence[Skipped] = (),
) -> Survey:
    """Return pictures whose labels stand beside them; those without a label are no part of a split.

    Args:
        members: Where the files will stand, see `members_of`.
        values: (N,) their labels as they are stored.
        splits: Their splits.
        container: What holds the files.
        names: What the file calls its classes.
        facts, skipped: How it was understood and what was left out so far.
    """
    labels, class_names, said = number_labels(values, names)
    kept = np.flatnonzero(labels != UNLABELLED).tolist()
    missing = [
        Skipped(members[place].name, "it has no label") for place in np.flatnonzero(labels == UNLABELLED).tolist()
    ]
    given = [splits[place] for place in kept]
    if any(given):
        given = [split or "train" for split in given]
    if "train" not in given:
        given = [""] * len(given)
    own = [split for split in ("train", "valid", "test") if split in given]
    return Survey(
        class_names,
        tuple(members[place] for place in kept),
        tuple(labels[kept].tolist()),
        tuple(given),
        (*skipped, *missing),
        container=_Chosen(container, kept) if missing else container,
        facts=(
            *facts,
            ("Labels", said),
            ("Class names", "From the file" if names else "The labels of the file: rename them below"),
            ("Splits", said_splits(own)),
        ),
    )


class _Chosen:
    """Some files of a container; it is written as a whole, so that places in it stay."""

    def __init__(self, container: PictureContainer, places: Sequence[int]) -> None:
        self._container, self._places = container, places

    def content(self, place: int) -> bytes:
        return self._container.content(self._places[place])

    def write(self, path: Path) -> None:
        self._container.write(path)


def folders_of(sources: Sequence[SourceFile], skipped: Sequence[Skipped], naming: Naming) -> Survey:
    """Return the pictures in the folders of an archive that is no zip; raises `DataError` where that is no data set."""
    taken, left_out = within_limit(sources)
    members = members_of(*described(taken))
    place_of = {member: place for place, member in enumerate(members)}
    surveyed = survey_members(Contents(list(members), [*skipped, *left_out]), naming)
    container = _Chosen(SourcePictures(taken), [place_of[member] for member in surveyed.files])
    return replace(surveyed, container=container)


def within_limit(sources: Sequence[SourceFile]) -> tuple[list[SourceFile], list[Skipped]]:
    """Return files that may be pictures, and those that are too large for one."""
    most = settings().max_upload_mb
    large = {source for source in sources if source.size is None or source.size > most * MB}
    skipped = [Skipped(source.name, f"larger than {most:,} MB") for source in large]
    return [source for source in sources if source not in large], skipped


def described(sources: Sequence[SourceFile]) -> tuple[list[str], list[int], list[int]]:
    """Return the names, sizes and checksums of files."""
    contents = ((source.name, source.read()) for source in sources)
    rows = [(name, len(content), zlib.crc32(content)) for name, content in contents]
    return [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]
