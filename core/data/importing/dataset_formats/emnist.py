"""What is peculiar to EMNIST in every format: images lie on their side, and labels stand for characters.

Its makers wrote the columns of MATLAB's matrices one after the other.
"""

import io
from collections.abc import Sequence

from core.data.importing.source_files import SourceFile


def mapping_of(sources: Sequence[SourceFile]) -> dict[int, str]:
    """Return the names in EMNIST's files "…-mapping.txt": a label and the codes of its characters in each line."""
    names: dict[int, str] = {}
    for source in sources:
        if source.name.lower().endswith("mapping.txt"):
            for line in io.StringIO(source.read(2**20).decode("ascii", "replace")):
                label, *codes = line.split()
                if label.isdecimal() and codes and all(code.isdecimal() and int(code) < 0x110000 for code in codes):
                    names[int(label)] = chr(int(codes[0]))
    return names


CHARACTERS = "Characters, as EMNIST numbers them"
_DIGITS, _UPPER = "0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_MERGED = set("cijklmopsuvwxyz")  # small letters that EMNIST takes for their capitals
_EMNIST = {
    "byclass": _DIGITS + _UPPER + _UPPER.lower(),
    "bymerge": _DIGITS + _UPPER + "".join(letter for letter in _UPPER.lower() if letter not in _MERGED),
    "letters": "\0" + _UPPER,
    "digits": _DIGITS,
    "mnist": _DIGITS,
}
_EMNIST["balanced"] = _EMNIST["bymerge"]


def is_emnist(sources: Sequence[SourceFile]) -> bool:
    """Say whether files are called EMNIST's: nothing in their content tells."""
    return any("emnist" in source.name.lower() for source in sources)


def orientation_fact(turned: bool) -> tuple[str, str]:
    """Return what is said of the orientation."""
    return "Orientation", "Rows and columns swapped, as EMNIST stores them" if turned else "As in the file"


def character_names(sources: Sequence[SourceFile]) -> dict[int, str]:
    """Return the characters of EMNIST's labels: from its mapping, else from the part that the names of files say."""
    if mapping := mapping_of(sources):
        return mapping
    parts = {part for part in _EMNIST for source in sources if f"emnist-{part}-" in source.name.lower()}
    if len(parts) != 1:
        return {}
    return {label: letter for label, letter in enumerate(_EMNIST[parts.pop()]) if letter != "\0"}
