"""Text in Pillow pictures: an installed font, and line breaking to a width."""

import importlib.util
import unicodedata
from collections.abc import Callable
from functools import cache
from pathlib import Path

from PIL import ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
_PLAIN = {"×": "x", "−": "-", "–": "-", "—": "-", "→": ">"}  # for a font that knows few letters


@cache
def font(size: int, *, bold: bool = False) -> Font:
    """Return a font of so many pixels: DejaVu Sans of matplotlib, or else Pillow's own, which has fewer letters."""
    package = importlib.util.find_spec("matplotlib")
    for folder in (package.submodule_search_locations or ()) if package else ():
        path = Path(folder, "mpl-data", "fonts", "ttf", f"DejaVuSans{'-Bold' * bold}.ttf")
        if path.is_file():
            return ImageFont.truetype(str(path), size)
    return ImageFont.load_default(size)


def spelled(text: str, letters: Font) -> str:
    """Return a text on one line, in letters that a font has: without its accents, or "?", where one is missing."""
    has_letter = _glyph_test(letters)
    return "".join(_nearest(letter, has_letter) for letter in " ".join(text.split()) if letter.isprintable())


@cache
def _glyph_test(letters: Font) -> Callable[[str], bool]:
    missing = _drawn(letters, "\uffff")
    return cache(lambda letter: letter == " " or _drawn(letters, letter) != missing)


def _drawn(letters: Font, letter: str) -> tuple[tuple[int, int], bytes]:
    mask = letters.getmask(letter)
    return mask.size, bytes(mask)


def _nearest(letter: str, has_letter: Callable[[str], bool]) -> str:
    if has_letter(letter):
        return letter
    plain = _PLAIN.get(letter) or "".join(part for part in unicodedata.normalize("NFKD", letter) if has_letter(part))
    return plain or "?"


def lines(text: str, letters: Font, width: int) -> list[str]:
    """Break a text into lines of at most so many pixels, at spaces; a longer word is broken anywhere."""
    broken: list[str] = []
    line = ""
    for word in spelled(text, letters).split(" "):
        longer = f"{line} {word}" if line else word
        if letters.getlength(longer) <= width:
            line = longer
            continue
        if line:
            broken.append(line)
        while letters.getlength(word) > width and len(word) > 1:
            fits = _fitting(word, letters, width)
            broken.append(word[:fits])
            word = word[fits:]
        line = word
    return [*broken, line] if line else broken


def _fitting(word: str, letters: Font, width: int) -> int:
    """Return how many letters of a word fit, at least one."""
    return max(1, next((count for count in range(len(word), 0, -1) if letters.getlength(word[:count]) <= width), 1))
