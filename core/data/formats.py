"""File formats: the pictures that are read, and the names of those that are not, known by their first bytes."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

READABLE = "PNG, JPEG, WebP, GIF, BMP, AVIF or HEIC"
PILLOW = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "AVIF")  # what Pillow calls them
# How their names end, in the order in which they are named: the one list for uploads and archives.
EXTENSIONS = (
    *("png", "jpg", "jpeg", "jpe", "jfif", "pjpeg", "pjp", "webp", "gif", "bmp", "dib"),
    *("avif", "heic", "heif", "hif"),
)
UPLOAD_TYPES = ["image", *EXTENSIONS]  # "image" lets others in as far as the sentence that names them
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")
_EXPORT = "open it in a picture program and export it as PNG or JPEG"
_UNPACK = "unpack it first"


class Foreign(NamedTuple):
    """A format that is not read.

    Attributes:
        name: What it is, after "This is".
        remedy: What to do about it.
    """

    name: str
    remedy: str = _EXPORT


def is_heic(data: bytes) -> bool:
    """Say whether a file is HEIC or HEIF, by its brands (ISO/IEC 23008-12, section 10)."""
    brands = _brands(data)
    return any(brand in _HEIC_BRANDS for brand in brands) and not any(brand[:3] == b"avi" for brand in brands)


def _brands(data: bytes) -> list[bytes]:
    """Return the major and the compatible brands of an ISO base media file, none for anything else."""
    if data[4:8] != b"ftyp":
        return []
    end = min(int.from_bytes(data[:4], "big"), 256)
    return [data[8:12], *(data[place : place + 4] for place in range(16, end, 4))]


_TIFF = Foreign("a TIFF picture or the raw file of a camera")
_PDF = Foreign("a PDF document", "export the page or take a screenshot as PNG")
_RAW = Foreign("the raw file of a camera", "develop it in a photo program and export it as JPEG")
_VIDEO = Foreign("a video", "save single frames of it as PNG or JPEG")
_PPM = Foreign("a PBM, PGM or PPM picture")
_SOUND = Foreign("a sound file", "choose a picture")
_ZIP = Foreign("a zip archive or an office document", _UNPACK)
_STARTS: Mapping[bytes, Foreign] = {
    b"II*\0": _TIFF,
    b"MM\0*": _TIFF,
    b"II+\0": _TIFF,
    b"MM\0+": _TIFF,
    **dict.fromkeys((b"IIU\0", b"IIRO", b"IIRS", b"FUJIFILMCCD-RAW", b"FOVb", b"\0MRM"), _RAW),
    b"8BPS": Foreign("a Photoshop file (PSD)"),
    b"gimp xcf": Foreign("a GIMP file (XCF)"),
    b"%PDF": _PDF,
    b"%!PS": Foreign("a PostScript file"),
    b"\xc5\xd0\xd3\xc6": Foreign("an EPS drawing"),
    b"\0\0\x01\0": Foreign("an icon (ICO)"),
    b"icns": Foreign("an icon (ICNS)"),
    **dict.fromkeys((b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51"), Foreign("a JPEG 2000 picture")),
    **dict.fromkeys((b"\0\0\0\x0cJXL ", b"\xff\x0a"), Foreign("a JPEG XL picture")),
    b"v/1\x01": Foreign("an OpenEXR picture"),
    b"#?RADIANCE": Foreign("an HDR picture"),
    b"DDS ": Foreign("a DDS texture"),
    b"SIMPLE  =": Foreign("a FITS picture"),
    b"\x89HDF": Foreign("an HDF5 file"),
    b"\x93NUMPY": Foreign("a NumPy array"),
    **{
        b"P%d" % digit + space: Foreign("a PBM, PGM or PPM picture") for digit in range(1, 8) for space in (b"\n", b" ")
    },
    **dict.fromkeys((b"\x1aE\xdf\xa3", b"FLV\x01", b"\x30\x26\xb2\x75", b"\0\0\x01\xba", b"\0\0\x01\xb3"), _VIDEO),
    **dict.fromkeys((b"ID3", b"OggS", b"fLaC"), _SOUND),
    b"PK\x03\x04": _ZIP,
    b"PK\x05\x06": _ZIP,
    b"Rar!": Foreign("a RAR archive", _UNPACK),
    b"7z\xbc\xaf\x27\x1c": Foreign("a 7z archive", _UNPACK),
    b"\x1f\x8b": Foreign("a gzip archive", _UNPACK),
    b"BZh": Foreign("a bzip2 archive", _UNPACK),
    b"\xfd7zXZ": Foreign("an xz archive", _UNPACK),
    b"\x28\xb5\x2f\xfd": Foreign("a Zstandard archive", _UNPACK),
    b"\0\x05\x16\x07": Foreign("what macOS keeps beside a file", "leave it out"),
    b"\0\x05\x16\0": Foreign("what macOS keeps beside a file", "leave it out"),
    b"version https://git-lfs": Foreign("only a pointer of Git LFS to a file", "fetch the file with git lfs pull"),
}


def _inside(data: bytes) -> Foreign | None:
    """Return a format that is known by what stands further inside."""
    head = data[:1024].lower()
    checks: tuple[tuple[Callable[[], bool], Foreign], ...] = (
        (lambda: data[8:12] == b"crx ", _RAW),
        (lambda: bool(_brands(data)) and not is_heic(data) and data[8:11] != b"avi", _VIDEO),
        (lambda: data[:4] == b"RIFF" and data[8:12] == b"AVI ", _VIDEO),
        (lambda: data[:4] == b"RIFF" and data[8:12] == b"WAVE", _SOUND),
        (lambda: data[128:132] == b"DICM", Foreign("a DICOM file")),
        (lambda: data[257:262] == b"ustar", Foreign("a tar archive", _UNPACK)),
        (lambda: b"<svg" in head, Foreign("an SVG drawing")),
        (
            lambda: head.lstrip().startswith((b"<!doctype html", b"<html")),
            Foreign("a web page", "open it and save the picture itself"),
        ),
    )
    return next((foreign for applies, foreign in checks if applies()), None)


def foreign(data: bytes) -> Foreign | None:
    """Return which format that is not read a file has; None where it is none that is known."""
    return next((kind for start, kind in _STARTS.items() if data.startswith(start)), None) or _inside(data)
