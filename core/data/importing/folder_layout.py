"""Which class and which split the files of an archive belong to: told by their folders, and by nothing else."""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from core.data.arrangement import Arrangement, arrange, split_of
from core.data.formats import EXTENSIONS
from core.data.importing.picture_archive import Contents, Skipped, checked_members
from core.data.importing.safezip import Member
from core.data.names import ENCODINGS
from core.errors import DataError

PICTURES = tuple(f".{ending}" for ending in EXTENSIONS)  # how most of their names end
MAX_CLASSES, MAX_CLASS_NAME = 1000, 40
_UNNAMED = "unnamed"
_TABLES = (".csv", ".tsv", ".json", ".xml", ".xlsx", ".xls", ".parquet")
_TEXTS = (".txt", ".md", ".yaml", ".yml", ".py", ".ipynb", ".html")
_ARCHIVES = (".zip", ".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst")
_NO_PICTURES = {
    **dict.fromkeys(_TABLES, "a table, which is not read"),
    **dict.fromkeys(_TEXTS, "a text, and no picture"),
    **dict.fromkeys(_ARCHIVES, "an archive inside the archive: unpack it first"),
}
_LAYOUT = "put the pictures of each class into a folder that bears its name, and pack these folders"


@dataclass(frozen=True)
class Naming:
    """How names in an archive are read.

    Attributes:
        encoding: That of names which the archive does not state, a key of `core.data.names.ENCODINGS`; guessed if
            empty.
        renamed: Pairs of the title of a class and what to call it instead; classes called the same become one.
    """

    encoding: str = ""
    renamed: tuple[tuple[str, str], ...] = ()

    def rename(self, title: str, new: str) -> "Naming":
        """Return the same, with another name for the class called `title`; raises `DataError` if it is empty."""
        new = _one_line(new)[:MAX_CLASS_NAME].strip()
        if not new:
            raise DataError("The class needs a name: type one.")
        pairs = {old: new if called == title else called for old, called in self.renamed}
        return replace(self, renamed=tuple((pairs if title in pairs else pairs | {title: new}).items()))


class PictureContainer(Protocol):
    """Picture files that are packed in another way than as a zip."""

    def content(self, place: int) -> bytes:
        """Return the file at a place; raises `DataError` or ValueError where it is damaged."""

    def write(self, path: Path) -> None:
        """Write all files one after the other; raises `DataError`, or OSError where the disk is full."""


@dataclass(frozen=True)
class Survey:
    """What an archive holds, before any of its pictures is decoded.

    Attributes:
        class_names: The classes, in the order of their labels.
        files: What to decode.
        labels: The class of each file.
        splits: The split of each file: "train", "valid", "test", or "" where it is yet to be drawn.
        skipped: Files that are left out by their place or their kind.
        notes: What a person should know of how it was read, a sentence each.
        encoding: That of names that had to be guessed, a key of `core.data.names.ENCODINGS`; else empty.
        container: Where the files are, if not in the zip itself.
        facts: How files of another format were understood, as (what, how).
    """

    class_names: tuple[str, ...]
    files: tuple[Member, ...]
    labels: tuple[int, ...]
    splits: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    notes: tuple[str, ...] = ()
    encoding: str = ""
    container: "PictureContainer | None" = field(default=None, repr=False, compare=False)
    facts: tuple[tuple[str, str], ...] = ()

    def __len__(self) -> int:
        return len(self.files)

    def renamed(self, naming: Naming) -> "Survey":
        """Return the same with other names for classes; those of one name become one class."""
        names, places = merged_classes(self.class_names, naming)
        return replace(self, class_names=names, labels=tuple(places[label] for label in self.labels))

    def counts(self) -> dict[str, tuple[int, ...]]:
        """Return how many files each class has, by split; "" for those whose split is yet to be drawn."""
        counts = Counter(zip(self.splits, self.labels, strict=True))
        order = [split for split in ("train", "valid", "test", "") if split in self.splits]
        return {split: tuple(counts[split, label] for label in range(len(self.class_names))) for split in order}


def merged_classes(class_names: Sequence[str], naming: Naming) -> tuple[tuple[str, ...], list[int]]:
    """Return other names for classes and the place of each old one among them; raises `DataError` if one is left."""
    new = dict(naming.renamed)
    called = [new.get(name, name) for name in class_names]
    names = tuple(dict.fromkeys(called))
    if len(names) < 2:
        raise DataError("A network has to tell at least two classes apart: give two of them different names.")
    return names, [names.index(name) for name in called]


class NoDataSetError(DataError):
    """An archive holds no data set.

    Attributes:
        skipped: Its files that were left out, each with the reason.
    """

    def __init__(self, sentence: str, skipped: Iterable[Skipped]) -> None:
        super().__init__(sentence)
        self.skipped = tuple(skipped)


def survey(archive: bytes | Path, naming: Naming | None = None) -> Survey:
    """Read the table of contents of a zip of pictures: one folder for each class, or these in train and test folders.

    Folders around all of that are passed over; of folders within a class folder, the outermost one counts.

    Raises:
        DataError: It is no such archive.
    """
    naming = naming or Naming()
    return survey_members(checked_members(archive, naming.encoding), naming)


def survey_members(contents: Contents, naming: Naming) -> Survey:
    """Sort the files of an archive by their folders; raises `DataError` where that makes no data set."""
    listed, skipped, encoding = contents
    others = {member: _NO_PICTURES.get(f".{member.name.lower().rpartition('.')[2]}", "") for member in listed}
    candidates = [member for member in listed if not others[member]]
    skipped += [Skipped(member.name, reason) for member, reason in others.items() if reason]
    if not candidates:
        because = f" ({counted_reasons(skipped)})" if skipped else ""
        raise NoDataSetError(f"The archive holds no file that could be a picture{because}: {_LAYOUT}.", skipped)
    folders = [
        [_composed(part) for part in member.name.split("/")[:-1] if part and part != "."] for member in candidates
    ]
    arrangement = arrange(folders, [member.name.lower().endswith(PICTURES) for member in candidates])
    placed: list[tuple[Member, str, str]] = []
    for member, place in zip(candidates, arrangement.places, strict=True):
        if place.folder:
            placed.append((member, place.split, place.folder))
        else:
            skipped.append(Skipped(member.name, place.reason))
    read = _labelled(placed, skipped, naming, divided=arrangement.divided)
    return replace(read, notes=(*_notes(read, arrangement, encoding), *read.notes), encoding=encoding)


def counted_reasons(skipped: Iterable[Skipped]) -> str:
    """Say why files were left out, the most frequent reasons first: "12 locked with a password, 3 empty"."""
    counts = Counter(each.reason.rstrip(".") for each in skipped).most_common()
    more = f" and {len(counts) - 3} other reasons" if len(counts) > 3 else ""
    return ", ".join(f"{number:,} × {reason}" for reason, number in counts[:3]) + more


def _labelled(
    placed: Sequence[tuple[Member, str, str]], skipped: list[Skipped], naming: Naming, *, divided: bool
) -> Survey:
    titles = class_titles(folder for _, split, folder in placed if not divided or split == "train")
    titles = {folder: dict(naming.renamed).get(title, title) for folder, title in titles.items()}
    order = sorted(set(titles.values()), key=title_order)
    if len(order) < 2:
        because = f"; left out: {counted_reasons(skipped)}" if skipped else ""
        raise NoDataSetError(
            f"A network has to tell at least two classes apart, and the archive holds {len(order)}{because}: "
            f"{_LAYOUT}.",
            skipped,
        )
    if len(order) > MAX_CLASSES:
        raise DataError(f"The archive holds {len(order):,} classes, and a network has at most {MAX_CLASSES:,}.")
    labels = {title: label for label, title in enumerate(order)}
    similar = {_similar(folder): title for folder, title in titles.items()}
    labelled = []
    for member, split, folder in placed:
        title = titles.get(folder) or similar.get(_similar(folder))
        if title is None:
            skipped.append(Skipped(member.name, "of a class that the train folder does not have"))
        else:
            labelled.append((member, split, labels[title]))
    return Survey(
        tuple(order),
        tuple(member for member, _, _ in labelled),
        tuple(label for _, _, label in labelled),
        tuple(split for _, split, _ in labelled),
        tuple(skipped),
        (*_unnamed(titles), *_alike(order)),
    )


def _notes(read: Survey, arrangement: Arrangement, encoding: str) -> Iterator[str]:
    if encoding:
        yield (
            f"The archive does not say which letters its names are made of: read as {ENCODINGS[encoding]} "
            f"({encoding}). If they look wrong, choose other letters or rename the classes."
        )
    named = [folder for folder in arrangement.around if split_of(folder) in ("valid", "test", "eval")]
    if named:
        yield f"All pictures lie in the folder {named[0]}: train, valid and test are drawn from them."
    yield from _twice(read)


def _unnamed(titles: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for folders whose names hold nothing to read."""
    names = [title for title in titles.values() if title == _UNNAMED or title.startswith(f"{_UNNAMED} (")]
    if names:
        yield f"The names of some folders hold no letters, so their classes are called {', '.join(names)}: rename them."


def _alike(titles: Sequence[str]) -> Iterator[str]:
    """Yield a sentence for classes whose names differ in next to nothing."""
    groups = defaultdict(list)
    for title in titles:
        groups[_similar(title)].append(title)
    for group in groups.values():
        if len(group) > 1:
            names = " and ".join(group)
            yield f"{names} are {len(group)} classes: rename one to the other if they mean the same."


def _twice(read: Survey) -> Iterator[str]:
    """Yield a sentence where files of the same content stand in more than one class."""
    places = defaultdict(list)
    for place, member in enumerate(read.files):
        places[member.crc, member.size].append(place)
    clashing = [group for group in places.values() if len({read.labels[place] for place in group}) > 1]
    if clashing:
        total = sum(map(len, clashing))
        one = clashing[0][0]
        other = next(place for place in clashing[0] if read.labels[place] != read.labels[one])
        yield (
            f"{total:,} files stand in more than one class with the same content, for instance "
            f"{read.files[one].name[-80:]} and {read.files[other].name[-80:]}: a network cannot learn which is right."
        )


def _composed(folder: str) -> str:
    return unicodedata.normalize("NFC", folder)


def _similar(title: str) -> str:
    """Return what names have in common that differ in capitals, spaces, hyphens or the width of their letters."""
    plain = unicodedata.normalize("NFKC", title).casefold()
    return " ".join(plain.replace("_", " ").replace("-", " ").split())


def class_titles(folders: Iterable[str]) -> Mapping[str, str]:
    """Return what to call the class of each folder: one line of at most `MAX_CLASS_NAME` signs, no two alike."""
    titles: dict[str, str] = {}
    taken: set[str] = set()
    for folder in dict.fromkeys(folders):
        plain = _one_line(folder)
        plain = plain if plain.strip(". ") else _UNNAMED
        title = plain if len(plain) <= MAX_CLASS_NAME else plain[: MAX_CLASS_NAME - 1] + "…"
        number = 2
        while title in taken:
            title = f"{plain[: MAX_CLASS_NAME - 6]} ({number})"
            number += 1
        taken.add(title)
        titles[folder] = title
    return titles


def _one_line(text: str) -> str:
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def title_order(title: str) -> tuple[int, str, str]:
    """Return what class names are sorted by: numbers by their value, then the rest by letters."""
    number = int(title) if title.isdecimal() and len(title) < 10 else 10**10
    return number, title.casefold(), title
