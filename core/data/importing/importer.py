"""Pictures of one's own: a zip of them, or files of a data set, become a data set here, whole or not at all."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.data import user_datasets
from core.data.importing.array_writer import repeated, write_arrays
from core.data.importing.dataset_writer import compact_rows, name_of, publish, record_of, staging_folder, write_header
from core.data.importing.decoder_pool import DecoderPool
from core.data.importing.decoder_worker import CHANGES, FITS, NOTE, ImageFormat
from core.data.importing.folder_layout import Naming, Survey, counted_reasons
from core.data.importing.format_registry import understand
from core.data.importing.labelled_images import LabelledImages, Orientation
from core.data.importing.picture_archive import Skipped
from core.data.importing.source_files import Content
from core.data.parts import Parts, parts_of
from core.data.split_assignment import SPLITS, contradictions, near_duplicates_by_class, remarks
from core.disk_quota import check_disk
from core.errors import DataError
from core.progress import Progress

if TYPE_CHECKING:
    from core.data.datasets import Dataset

SIZES = (8, 256)
MAX_BYTES = 2**30  # of all pixels: a data set is trained on from memory
MAX_SKIPPED = 300  # that are listed by name
Files = bytes | Path | Sequence[tuple[str, Content]]


def import_images(
    archive: Files,
    name: str,
    *,
    size: int | None = None,
    colour: bool | None = None,
    fit: str = "crop",
    shares: tuple[float, float] = (0.1, 0.1),
    seed: int = 0,
    stretch: bool = False,
    naming: Naming | None = None,
    orientation: Orientation | None = None,
    progress: Progress | None = None,
) -> "Dataset":
    """Make a data set of a zip of pictures: one folder for each class, or such folders in train, valid and test.

    Other data sets are recognised by their content, see `core.data.importing.format_registry`: IDX, NumPy arrays …

    Folders train, valid and test are honoured; what is missing of them is drawn from train, the same share of each
    class. Pictures that cannot be decoded are left out and listed, see `core.data.user_datasets.report`. The same
    pictures under the same name are the same data set again.

    Args:
        archive: The zip, or where it is; or several files, each with its name.
        name: What to call it, for people.
        size: Height and width of all pictures in pixels, 8 to 256; None for 32, and for arrays their own size.
        colour: Whether colours are kept; None for yes where there are any.
        fit: "crop" for the middle square of each picture, "pad" for all of it with black bars.
        shares: Of each class, what is drawn for valid and for test.
        seed: What that is drawn from.
        stretch: Whether 16-bit values are spread from the darkest to the lightest of each picture.
        naming: How names in the archive are read, and other names for classes.
        orientation: How arrays are turned and whether light and dark are swapped; None for what their format says.
        progress: Called with the pictures decoded so far and all; what it raises ends it, and leaves nothing behind.

    Raises:
        DataError: It is no such archive, or a choice is out of its range.
        StorageError: The data directory cannot be written.
    """
    from core.data.datasets import load_dataset

    contents = understood(archive, naming, orientation)
    usual = usual_look(contents)
    look = ImageFormat(usual.size if size is None else size, usual.colour if colour is None else colour, fit, stretch)
    return load_dataset(
        bring_in(archive, name, look=look, shares=shares, seed=seed, contents=contents, progress=progress)
    )


def understood(
    archive: Files, naming: Naming | None = None, orientation: Orientation | None = None
) -> Survey | LabelledImages:
    """Return what files hold, before any picture is decoded; raises `DataError` where that is nothing."""
    files = [("", archive)] if isinstance(archive, bytes | Path) else archive
    files = [(name or (content.name if isinstance(content, Path) else "archive"), content) for name, content in files]
    contents = understand(files, naming)
    return contents.oriented(orientation) if isinstance(contents, LabelledImages) and orientation else contents


def usual_look(contents: Survey | LabelledImages) -> ImageFormat:
    """Return what pictures are brought to unless somebody wishes for something else: arrays stay as they are."""
    if not isinstance(contents, LabelledImages):
        return ImageFormat()
    channels, height, width = contents.shape
    return ImageFormat(min(max(min(height, width), SIZES[0]), SIZES[1]), channels == 3)


def bring_in(
    archive: Files,
    title: str,
    *,
    look: ImageFormat,
    shares: tuple[float, float] = (0.1, 0.1),
    seed: int = 0,
    source: str = "",
    naming: Naming | None = None,
    contents: Survey | LabelledImages | None = None,
    progress: Progress | None = None,
) -> str:
    """Do what `import_images` does and return the name in `DATASETS`.

    `source` is what the archive was called, and `contents` what is in it, where that is known already.
    """
    title = user_datasets.clean_title(title)
    _check(look, shares)
    surveyed = contents or understood(archive, naming)
    if progress is not None:
        progress(0, len(surveyed))
    check_room(surveyed, look)
    check_disk(len(surveyed) * int(np.prod(look.shape)))
    if isinstance(surveyed, LabelledImages):
        return _bring_in_arrays(surveyed, title, look, shares, seed, source, progress)
    archive = archive if isinstance(archive, bytes | Path) else archive[0][1]
    with staging_folder() as folder:
        path = folder / "archive.zip"
        if surveyed.container is not None:
            surveyed.container.write(path)
        elif isinstance(archive, Path):
            path = archive.absolute()
        else:
            path.write_bytes(archive)
        decoded = _decoded(folder, path, surveyed, look, shares, seed, progress)
        warnings = tuple(_warnings(surveyed, decoded))
        notes = (*_said(surveyed.facts), *opening_notes(decoded.notes["shrunk"], decoded.notes["colours"]))
        report = user_datasets.Report(warnings, *_skipped(surveyed, decoded.reasons), archive=source[:80], notes=notes)
        marks = np.array([(member.crc, member.size) for member in surveyed.files], np.uint64)
        name = name_of(title, look, decoded.parts, marks)
        train = decoded.notes[: decoded.parts.sizes[0]]
        mean, squares = (train[which].mean(axis=0)[: look.shape[0]] for which in ("means", "squares"))
        publish(decoded.file, name, record_of(title, look, decoded.parts, mean, squares, report))
    return name


def _bring_in_arrays(
    contents: LabelledImages,
    title: str,
    look: ImageFormat,
    shares: tuple[float, float],
    seed: int,
    source: str,
    progress: Progress | None,
) -> str:
    parts = parts_of(contents, np.ones(len(contents), np.bool_), shares, seed)
    with staging_folder() as folder:
        file = folder / user_datasets.IMAGES
        written = write_arrays(file, contents, look, parts, progress)
        counts = np.bincount(parts.labels["train"], minlength=len(parts.class_names))
        warnings = (
            *contents.notes,
            *([f"Left out, since none of its images is for training: {', '.join(parts.lost)}."] if parts.lost else []),
            *remarks(parts.class_names, counts),
            *repeated(parts, written.marks),
        )
        skipped = tuple((_readable(name), reason) for name, reason in contents.skipped[:MAX_SKIPPED])
        notes = tuple(_said(contents.facts))
        report = user_datasets.Report(warnings, skipped, len(contents.skipped), archive=source[:80], notes=notes)
        name = name_of(title, look, parts, written.marks)
        publish(file, name, record_of(title, look, parts, written.means, written.squares, report))
    return name


def _said(facts: Sequence[tuple[str, str]]) -> Iterator[str]:
    return (f"{what}: {how[:1].lower()}{how[1:]}." for what, how in facts)


@dataclass(frozen=True, eq=False)
class _Kept:
    """What came out of an archive.

    Attributes:
        file: The images of the data set.
        begin: Where in it their pixels begin.
        shape: (N, C, H, W).
        parts: Which files they are.
        notes: (N,) what was noted of them.
        reasons: Why other files could not be decoded.
    """

    file: Path
    begin: int
    shape: tuple[int, ...]
    parts: Parts
    notes: NDArray[Any]
    reasons: dict[int, str]


def _decoded(
    folder: Path,
    archive: Path,
    surveyed: Survey,
    look: ImageFormat,
    shares: tuple[float, float],
    seed: int,
    progress: Progress | None,
) -> _Kept:
    """Decode all pictures, each at once to its place in the end, unless some turn out to be broken."""
    usable = np.ones(len(surveyed.files), np.bool_)
    parts = parts_of(surveyed, usable, shares, seed)
    order = parts.order
    file = folder / user_datasets.IMAGES
    begin = write_header(file, look, parts)
    crew = DecoderPool(archive, [surveyed.files[place] for place in order.tolist()], look, file, begin)
    crew.run(progress)
    notes = np.fromfile(crew.notes, NOTE)
    reasons = {int(order[row]): reason for row, reason in crew.reasons.items()}
    if reasons:
        usable[list(reasons)] = False
        try:
            parts = parts_of(surveyed, usable, shares, seed)
        except DataError as error:
            broken = counted_reasons(Skipped(surveyed.files[place].name, reason) for place, reason in reasons.items())
            raise DataError(f"{str(error).rstrip('.')} (left out: {broken}).") from error
        rows = np.argsort(order)[parts.order]
        pixels = np.memmap(file, np.uint8, "r", begin, (len(notes), *look.shape))
        file = folder / f"whole-{user_datasets.IMAGES}"
        begin = compact_rows(file, look, parts, rows, pixels)
        notes = notes[rows]
    return _Kept(file, begin, (len(notes), *look.shape), parts, notes, reasons)


def check_room(surveyed: Survey | LabelledImages, look: ImageFormat) -> None:
    """Raise `DataError` where the pictures of an archive are too many at this size."""
    needed = len(surveyed) * int(np.prod(look.shape))
    if needed > MAX_BYTES:
        most = int((MAX_BYTES / needed) ** 0.5 * look.size) // 8 * 8
        raise DataError(
            f"{len(surveyed):,} pictures of {look.size} × {look.size} pixels take {needed / 1e9:.1f} GB, and "
            f"{MAX_BYTES / 1e9:.1f} GB is the limit: choose a size of at most {most}, or fewer pictures."
        )


def _check(look: ImageFormat, shares: tuple[float, float]) -> None:
    least, most = SIZES
    if type(look.size) is not int or not least <= look.size <= most:
        raise DataError(f"The size must be a whole number from {least} to {most}, not {look.size!r}.")
    if look.fit not in FITS:
        raise DataError(f"A picture can be made square by {' or '.join(FITS)}, not by {look.fit!r}.")
    if not all(0 < share < 1 for share in shares) or sum(shares) > 0.8:
        raise DataError("Valid and test can each be more than nothing, and at most 80% of the pictures together.")


def _skipped(surveyed: Survey, reasons: dict[int, str]) -> tuple[tuple[tuple[str, str], ...], int]:
    broken = [Skipped(surveyed.files[place].name, reason) for place, reason in sorted(reasons.items())]
    every = [*broken, *surveyed.skipped]
    return tuple((_readable(name), reason) for name, reason in every[:MAX_SKIPPED]), len(every)


def _readable(name: str) -> str:
    plain = "".join(sign if sign.isprintable() else "\ufffd" for sign in name)
    return plain if len(plain) <= 100 else f"{plain[:60]}…{plain[-39:]}"


def _warnings(surveyed: Survey, decoded: _Kept) -> Iterator[str]:
    parts, order = decoded.parts, decoded.parts.order
    yield from surveyed.notes
    if parts.lost:
        yield f"Left out, since none of its pictures can be read: {', '.join(parts.lost)}."
    yield from remarks(parts.class_names, np.bincount(parts.labels["train"], minlength=len(parts.class_names)))
    black = int(np.count_nonzero(decoded.notes["black"]))
    if black:
        yield (
            f"{black:,} of {len(order):,} pictures have 16 bits a value and use only the lowest of them, so they look "
            "nearly black: bring them in again with 16-bit values stretched."
        )
    pixels = np.memmap(decoded.file, np.uint8, "r", decoded.begin, decoded.shape)
    yield from _doubled(surveyed, parts, pixels, decoded.notes["fingerprint"])


def opening_notes(shrunk: ArrayLike, colours: ArrayLike) -> Iterator[str]:
    """Yield a sentence on each thing that was done to some pictures as they were opened.

    Args:
        shrunk: Of each picture, whether it was opened at a fraction of its size, (N,).
        colours: Of each picture, what became of its colours, a place in `CHANGES`, (N,).
    """
    total, changes = np.size(shrunk), np.asarray(colours)
    counts = {"shrunk": int(np.count_nonzero(shrunk))}
    counts |= {change: int(np.count_nonzero(changes == place)) for place, change in enumerate(CHANGES) if change}
    for what, count in counts.items():
        if count:
            yield f"{_OPENED[what]}: {count:,} of {total:,} pictures."


_OPENED = {
    "shrunk": "Opened at a fraction of the size, since the file has very many pixels",
    "profile": "Colours converted to sRGB from the profile of the file",
    "stated": "Colours converted to sRGB from others that the file states",
    "hdr": "Colours for HDR screens, left as they are: export them in sRGB if they look pale",
}


def _doubled(
    surveyed: Survey, parts: Parts, pixels: NDArray[np.uint8], fingerprints: NDArray[np.uint64]
) -> Iterator[str]:
    """Yield a sentence on pictures that stand in two classes, and one for each two splits that share pictures."""
    order, labels = parts.order, np.concatenate([parts.labels[split] for split in SPLITS])

    def example(pair: tuple[int, int]) -> str:
        one, other = (_readable(surveyed.files[order[row]].name) for row in pair)
        return f"for instance {one} and {other}"

    contradicting = contradictions(pixels, fingerprints, labels)
    clashes, unchecked = contradicting.pairs, contradicting.unchecked
    if clashes:
        stand = "picture stands" if len(clashes) == 1 else "pictures stand"
        yield (
            f"{len(clashes):,} {stand} in more than one class or nearly so, {example(clashes[0])}: the network cannot "
            "learn which is right, and its accuracy cannot get near 100%."
        )
    places = dict(zip(SPLITS, np.split(np.arange(len(order)), np.cumsum(parts.sizes)[:-1]), strict=True))
    for ours, theirs in (("valid", "train"), ("test", "train"), ("test", "valid")):
        lookalikes = near_duplicates_by_class(pixels, fingerprints, labels, places[ours], places[theirs])
        pairs, unchecked = lookalikes.pairs, unchecked + lookalikes.unchecked
        if pairs:
            verb = "looks" if len(pairs) == 1 else "look"
            yield (
                f"{len(pairs):,} of the {len(places[ours]):,} {ours} pictures {verb} nearly the same as one in "
                f"{theirs} of the same class, {example(pairs[0])}: the accuracy on {ours} will look better than it is."
            )
    if unchecked:
        yield (
            f"{unchecked:,} further pairs of pictures with nearly the same light and dark were not compared: there may "
            "be more such pictures than are counted here."
        )
