"""Names of files in zip archives: which letters their bytes stand for, told by the archive or guessed."""

import re
import struct
import unicodedata
import zlib
from collections.abc import Sequence

UTF8 = "utf-8"
# Encodings that programs write without saying so, the likelier first where two read the same bytes equally well.
# Windows Explorer and older programs take the OEM code page of the system.
ENCODINGS = {
    "cp850": "Western European",
    "cp1252": "Western European (Windows)",
    "cp852": "Central European",
    "cp1250": "Central European (Windows)",
    "cp866": "Cyrillic",
    "cp1251": "Cyrillic (Windows)",
    "cp737": "Greek",
    "cp1253": "Greek (Windows)",
    "cp857": "Turkish",
    "cp1254": "Turkish (Windows)",
    "cp862": "Hebrew",
    "cp1255": "Hebrew (Windows)",
    "cp720": "Arabic",
    "cp1256": "Arabic (Windows)",
    "gbk": "Chinese (simplified)",
    "big5": "Chinese (traditional)",
    "cp932": "Japanese",
    "cp949": "Korean",
}
_UNICODE_PATH = 0x7075  # extra field with the name in UTF-8 (APPNOTE.TXT 4.6.9)
# Lead bytes of the characters that each of these encodings puts first, since they are the common ones.
_COMMON = {"gbk": range(0xB0, 0xD8), "big5": range(0xA4, 0xC7), "cp932": range(0x82, 0x98), "cp949": range(0xB0, 0xC9)}
# The syllables of Korean words that are met most often.
_HANGUL = set(
    "가강개거게고공과구국귀그기김꽃나난날남내너노논는니다단달대더도동두드들등라람랑래러렁레로론루류르를리린마만말망매머메면모목무문물미"
    "바박반발밤방배버벌범베별병보복부북분불비빵사산상새생서선설성세소손송수스시식신실아악안앵야양어언얼여역연염영오옥온와왕외요용우운울원"
    "위유은을음의이인일임자작잔장재저적전점정제조종주중쥐지직진집차참책천초촌추축치카커컵코콩크키타터토통트파팔포표풀풍프피하학한해향헤현"
    "형호홍화황회후흑희흰"
)
# Letters beside a to z of the languages for which an encoding was made.
_WESTERN = set("äöüßéèêëàâáçñóòôúùûíìîïåæøÄÖÜÉÈÀÁÇÑÓÚÅÆØ")
_CENTRAL = set("áčďéěíňóřšťúůýžąćęłńśźżőűăâîșțđÁČĎÉĚÍŇÓŘŠŤÚŮÝŽĄĆĘŁŃŚŹŻŐŰäöüßÄÖÜ")
_TURKISH = set("çğıöşüâîÇĞİÖŞÜ")
_LATIN = {
    **dict.fromkeys(("cp850", "cp1252"), _WESTERN),
    **dict.fromkeys(("cp852", "cp1250"), _CENTRAL),
    **dict.fromkeys(("cp857", "cp1254"), _TURKISH),
}


def name_bytes(name: str) -> bytes:
    """Return the bytes of a name that `zipfile` read as code page 437, for want of a word which it is."""
    return name.encode("cp437")


def unicode_path(extra: bytes, raw: bytes) -> str | None:
    """Return the name that the extra fields of an entry give in UTF-8, if it belongs to the name in the header."""
    place = 0
    while place + 4 <= len(extra):
        kind, size = struct.unpack_from("<2H", extra, place)
        field = extra[place + 4 : place + 4 + size]
        if kind == _UNICODE_PATH and field[:1] == b"\1" and field[1:5] == zlib.crc32(raw).to_bytes(4, "little"):
            return _decoded(field[5:], UTF8)
        place += 4 + size
    return None


def guess_encoding(names: Sequence[bytes]) -> str:
    """Return the encoding in which names make most sense: UTF-8 where all are valid, else a key of `ENCODINGS`.

    By the letters themselves, since names of folders are far too short for the statistics of texts: what is decoded
    has to be words of letters of one script, of common ones, and not capitals amid small letters.
    """
    raw = [name for name in dict.fromkeys(names) if not name.isascii()]
    if all(_decoded(name, UTF8) is not None for name in raw):
        return UTF8
    scores = {encoding: _score(raw, encoding) for encoding in ENCODINGS}
    return max(scores, key=scores.__getitem__)


def decode_name(raw: bytes, encoding: str) -> str:
    """Return a name in an encoding, or in one that can read it."""
    candidates = (_decoded(raw, each) for each in (encoding, UTF8, "cp437"))
    return next(name for name in candidates if name is not None)


def _decoded(raw: bytes, encoding: str) -> str | None:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return None


def _score(names: Sequence[bytes], encoding: str) -> float:
    """Return how much sense names make, for each of their characters beyond ASCII; -inf where they cannot be read."""
    total, count = 0.0, 0
    for raw in names:
        text = _decoded(raw, encoding)
        if text is None:
            return float("-inf")
        for word in re.findall(r"[^\s/\\._-]+", text):
            for before, sign, after in zip(" " + word, word, word[1:] + " ", strict=False):
                if not sign.isascii():
                    count += 1
                    total += _sense(before, sign, after, encoding, amid_latin=any(map(_latin, word)))
    return total / max(1, count)


def _latin(sign: str) -> bool:
    return sign.isascii() and sign.isalpha()


def _sense(before: str, sign: str, after: str, encoding: str, *, amid_latin: bool) -> float:
    """Return from -1 to 2 how likely a character is to stand in a word between two others."""
    kind = unicodedata.category(sign)
    if (kind[0] != "L" and kind != "Mn") or unicodedata.normalize("NFKC", sign) != sign:
        return -1.0
    if encoding in _COMMON:
        raw = sign.encode(encoding, "replace")
        if _latin(before) or _latin(after) or len(raw) < 2:
            return -1.0
        if encoding == "cp949":
            return 2.0 if sign in _HANGUL else 0.3
        low = encoding == "gbk" and raw[1] < 0xA1
        return 1.5 if raw[0] in _COMMON[encoding] and not low else 0.0
    if encoding in _LATIN:
        likely = (1.2 if amid_latin else 0.2) if sign in _LATIN[encoding] else 0.0
    else:
        likely = -0.5 if amid_latin else 1.0
    capital = kind == "Lu" and before.isalpha()
    return likely - (0.7 if capital and before.islower() else 0.3 if capital else 0.0)
