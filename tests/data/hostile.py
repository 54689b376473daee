"""More than two hundred files that were made to do harm, or came to harm: pictures and archives of pictures.

`python -m tests.data.hostile FOLDER` writes them all, to try by hand.
"""

import io
import stat
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms

from tests.data.archives import class_folders, packed, picture


@dataclass(frozen=True)
class Hostile:
    """One of them.

    Attributes:
        name: What is wrong with it.
        data: Its content.
        accepted: Whether it is a picture, or a data set, all the same; None where either will do.
    """

    name: str
    data: bytes
    accepted: bool | None = False


def chunk(kind: bytes, data: bytes) -> bytes:
    """Return a chunk of a PNG file."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    width: int, height: int, rows: bytes | None = None, depth: int = 8, colour: int = 0, extra: bytes = b""
) -> bytes:
    """Return a PNG that claims so many pixels, whatever its rows are."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = zlib.compress(bytes(100) if rows is None else rows)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    """Return a picture as a file."""
    content = io.BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()


@cache
def pictures() -> tuple[Hostile, ...]:
    """Make files that a person may give as a picture."""
    return (*_cut(), *_bent(), *_lying(), *_odd(), *_rotated())


def _cut() -> Iterator[Hostile]:
    for kind in ("PNG", "JPEG", "WEBP", "BMP", "GIF"):
        whole = picture(1, (64, 64), kind)
        for part in (0, 1, 4, 8, 12, 16, 24, 40, len(whole) // 3, len(whole) // 2, 9 * len(whole) // 10):
            yield Hostile(f"{kind} cut after {part} bytes", whole[:part])
        yield Hostile(f"{kind} followed by rubbish", whole + b"\0rubbish" * 99, True)
        yield Hostile(f"{kind} after rubbish", b"rubbish" + whole)
        yield Hostile(f"{kind} followed by a zip", whole + packed({"a/b.txt": b"x"}), True)


def _bent() -> Iterator[Hostile]:
    rng = np.random.default_rng(0)
    for kind in ("PNG", "JPEG", "WEBP", "BMP", "GIF"):
        for seed in range(8):
            whole = bytearray(picture(seed, (48, 48), kind))
            for place in rng.integers(0, len(whole), 1 + 3 * seed):
                whole[place] = rng.integers(0, 256)
            yield Hostile(f"{kind} with {1 + 3 * seed} bytes changed", bytes(whole), None)


def _lying() -> Iterator[Hostile]:
    for width, height in ((0, 0), (0, 9), (65_000, 65_000), (2**31 - 1, 2**31 - 1), (2**31 - 1, 1), (60_000, 1_000)):
        yield Hostile(f"PNG that claims {width} × {height}", png(width, height))
    yield Hostile("PNG bomb of 20,000 × 20,000", png(20_000, 20_000, bytes(20_001) * 200))
    yield Hostile(
        "PNG bomb of text", png(8, 8, bytes(72), extra=chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(2**26)))), None
    )
    yield Hostile(
        "PNG bomb of a profile",
        png(8, 8, bytes(72), extra=chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(2**26)))),
        None,
    )
    yield Hostile("PNG with a wrong checksum", png(8, 8, bytes(72))[:-20] + bytes(20))
    yield Hostile("PNG of a thousand empty chunks", png(8, 8, bytes(72), extra=chunk(b"tEXt", b"a\0b") * 1000), True)
    gif = bytearray(picture(0, (8, 8), "GIF"))
    gif[6:10] = struct.pack("<HH", 65_000, 65_000)
    yield Hostile("GIF that claims 65,000 × 65,000", bytes(gif))
    bmp = bytearray(picture(0, (8, 8), "BMP"))
    bmp[18:26] = struct.pack("<ii", 65_000, 65_000)
    yield Hostile("BMP that claims 65,000 × 65,000", bytes(bmp))
    bmp[18:26] = struct.pack("<ii", 8, -(2**31))
    yield Hostile("BMP that is upside down without end", bytes(bmp))
    jpeg = bytearray(picture(0, (16, 16), "JPEG"))
    place = jpeg.find(b"\xff\xc0") + 5
    jpeg[place : place + 4] = struct.pack(">HH", 65_500, 65_500)
    yield Hostile("JPEG that claims 65,500 × 65,500", bytes(jpeg))
    for name, data in {
        "SVG": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        "HTML": b"<!doctype html><script>alert(1)</script>",
        "GIF that is a script": b"GIF89a/*" + bytes(40) + b"*/=1;alert(1)",
        "PDF": b"%PDF-1.7\n" + bytes(100),
        "pickle": b"\x80\x04\x95\x1b\0\0\0\0\0\0\0\x8c\x05posix\x8c\x06system\x93\x8c\x02id\x85R.",
        "ELF": b"\x7fELF" + bytes(200),
        "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) run",
        "TIFF": saved(Image.new("RGB", (8, 8)), "TIFF"),
        "PPM": b"P6 8 8 255\n" + bytes(192),
        "ICO": saved(Image.new("RGB", (16, 16)), "ICO"),
        "text": b"hello",
        "zeros": bytes(4096),
        "ones": b"\xff" * 4096,
        "zip": packed({"a.png": picture(0)}),
    }.items():
        yield Hostile(f"{name} called a picture", data)


def _odd() -> Iterator[Hostile]:
    grey = Image.fromarray(np.linspace(0, 65_535, 256).reshape(16, 16).astype(np.uint16))
    yield Hostile("PNG of 16 bits", saved(grey, "PNG"), True)
    yield Hostile("JPEG in CMYK", saved(Image.new("CMYK", (16, 16), (9, 99, 0, 9)), "JPEG"), True)
    palette = Image.new("P", (16, 16))
    yield Hostile("PNG of a palette with transparency", saved(palette, "PNG", transparency=0), True)
    yield Hostile("PNG with an alpha channel", saved(Image.new("RGBA", (9, 9), (1, 2, 3, 4)), "PNG"), True)
    yield Hostile("PNG of grey and alpha", saved(Image.new("LA", (9, 9), (1, 2)), "PNG"), True)
    yield Hostile("PNG in black and white", saved(Image.new("1", (9, 9)), "PNG"), True)
    frames = [Image.new("RGB", (16, 16), (shade, 0, 0)) for shade in range(0, 250, 5)]
    for kind in ("GIF", "WEBP", "PNG"):
        moving = saved(frames[0], kind, save_all=True, append_images=frames[1:])
        yield Hostile(f"{kind} that moves", moving, True)
        yield Hostile(f"{kind} that moves, cut", moving[: len(moving) * 2 // 3], None)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    yield Hostile("JPEG with a colour profile", saved(frames[3], "JPEG", icc_profile=profile), True)
    yield Hostile("JPEG with a broken colour profile", saved(frames[3], "JPEG", icc_profile=profile[:50]), True)
    for width, height in ((1, 1), (1, 50_000), (50_000, 1), (65_000, 10), (2, 3)):
        yield Hostile(f"PNG of {width} × {height}", saved(Image.new("L", (width, height)), "PNG"), True)
    yield Hostile("JPEG of 65,500 × 1", saved(Image.new("L", (65_500, 1)), "JPEG"), True)
    yield Hostile("progressive JPEG", picture(0, (64, 64), "JPEG", progressive=True), True)
    large = saved(Image.new("L", (7_000, 7_000)), "PNG")
    yield Hostile("PNG of 49 million pixels", large, True)
    yield Hostile("PNG of 56 million pixels", saved(Image.new("L", (7_500, 7_500)), "PNG"))


def _rotated() -> Iterator[Hostile]:
    for orientation in (0, 1, 3, 6, 8, 9, 255, 65_535):
        exif = Image.Exif()
        exif[0x0112] = orientation
        yield Hostile(
            f"JPEG turned by EXIF {orientation}", saved(Image.new("RGB", (9, 5)), "JPEG", exif=exif.tobytes()), True
        )
    loop = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<HHHII", 1, 0x8769, 4, 1, 8) + struct.pack("<I", 8)
    endless = b"Exif\0\0II*\0\xff\xff\xff\xff"
    many = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", 65_535) + struct.pack("<HHII", 0x0112, 3, 2**31, 8) * 50
    for name, exif in {
        "loop": loop,
        "leads nowhere": endless,
        "claims 65,535 entries": many,
        "rubbish": b"Exif\0\0" + b"?" * 99,
    }.items():
        yield Hostile(f"JPEG whose EXIF is a {name}", saved(Image.new("RGB", (9, 5)), "JPEG", exif=exif), True)


GOOD = class_folders({"a": 4, "b": 4}, size=(8, 8))


def archives() -> Iterator[Hostile]:
    """Make files that a person may give as a zip of pictures; good ones hold eight good pictures of two classes."""
    good = packed(GOOD)
    for part in (0, 1, 4, 30, len(good) // 2, len(good) - 30, len(good) - 1):
        yield Hostile(f"zip cut after {part} bytes", good[:part])
    for place in (0, 14, 18, 26, 28, len(good) - 300, len(good) - 12, len(good) - 6):
        bent = bytearray(good)
        bent[place] ^= 0xFF
        yield Hostile(f"zip with byte {place} changed", bytes(bent), None)
    yield Hostile("zip after rubbish", b"rubbish" * 50 + good, True)
    yield Hostile("zip that is a picture as well", picture(3) + good, True)
    yield Hostile("no zip but a picture", picture(3))
    yield Hostile("zip of nothing", packed({}))
    yield from _names()
    yield from _entries()
    yield from _bombs(good)


FILE_NAMES = (
        "../../escaped.png", "/escaped.png", "C:\\escaped.png", "a/../../../escaped.png", "..\\..\\escaped.png",
        "a\\escaped.png", "//host/escaped.png", "a/b\0.png", "a/" + "n" * 300 + ".png", "a/" + "ü" * 120 + ".png",
        "a/\u202egnp.exe.png", "a/\n\r\t.png", "a/ .png", "a/CON.png", "a/.png", "a/" + "d/" * 200 + "x.png",
        "a/%2e%2e%2fescaped.png", "a/$(touch escaped).png", "a/'; drop table runs; --.png", "~/escaped.png",
    )  # fmt: skip
CLASS_NAMES = (
        "<img src=x onerror=alert(1)>", "[x](javascript:alert(1))", "**bold** $x^2$ :smile:", "{{7*7}}", "e\u0301",
        "日本語", "\u202eabc", "c" * 300, "..", ".", " ", "\x1b[31m", "own-x", "nul", "-rf", "0" * 60, "a.b,c;d=e",
    )  # fmt: skip


def _names() -> Iterator[Hostile]:
    files = {name: picture(50 + number) for number, name in enumerate(FILE_NAMES)}
    yield Hostile("zip with files of bad names", packed({**GOOD, **files}), True)
    yield Hostile("zip with one file that would escape", packed({**GOOD, "../../escaped.png": picture(50)}), True)
    classes = {f"{name}/{number}.png": picture(number) for name in CLASS_NAMES for number in range(60, 64)}
    yield Hostile("zip with classes of bad names", packed(GOOD | classes), True)


def _entries() -> Iterator[Hostile]:
    for name, mode in {"link": stat.S_IFLNK, "device": stat.S_IFCHR, "pipe": stat.S_IFIFO}.items():
        entry = zipfile.ZipInfo("a/special.png")
        entry.external_attr = (mode | 0o777) << 16
        yield Hostile(f"zip with a {name}", _with(lambda file, entry=entry: file.writestr(entry, b"/etc/passwd")), True)
    yield Hostile("zip with a file twice", _with(lambda file: file.writestr("a/0.png", picture(9))), True)
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        yield Hostile(
            f"zip packed by method {method}",
            _with(lambda file, m=method: file.writestr("a/x.png", picture(9), m)),
            True,
        )
    locked = bytearray(packed({**GOOD, "a/locked.png": picture(9)}))
    locked[locked.rfind(b"PK\x01\x02") + 8] |= 1
    yield Hostile("zip with a locked file", bytes(locked), True)
    yield Hostile("zip in a zip", packed({**GOOD, "a/inner.zip": packed(GOOD)}), True)
    yield Hostile("zip of nothing but a zip", packed({"inner.zip": packed(GOOD)}))
    yield Hostile("zip with a file that lies about its size", _patched(24, struct.pack("<I", 10)), True)
    yield Hostile("zip with a file that lies about its checksum", _patched(16, b"\0\0\0\0"), True)
    yield Hostile("zip with a file that begins nowhere", _patched(42, struct.pack("<I", 2**31)), True)
    yield Hostile("zip with a file that overlaps another", _patched(42, bytes(4)), True)
    inside = {f"{'ab'[number % 2]}/{number}.png": hostile.data for number, hostile in enumerate(pictures())}
    yield Hostile("zip with all hostile pictures", packed({**GOOD, **inside}), True)


def _bombs(good: bytes) -> Iterator[Hostile]:
    yield Hostile("zip with a bomb of 8 MB of zeros", packed({**GOOD, "a/bomb.png": bytes(2**23)}), True)
    yield Hostile("zip with a file above the limit", packed({**GOOD, "a/bomb.png": bytes(11 * 2**20)}), True)
    yield Hostile("zip with a file that claims 4 GB", _patched(24, b"\xfe\xff\xff\xff"), True)
    place = good.rfind(b"PK\x05\x06")
    for name, at, value in (("65,535 files", 10, b"\xff\xff"), ("a table of 4 GB", 12, b"\xff\xff\xff\x7f")):
        bent = bytearray(good)
        bent[place + at : place + at + len(value)] = value
        yield Hostile(f"zip that claims {name}", bytes(bent), None)
    entry = good[good.find(b"PK\x01\x02") : good.find(b"PK\x01\x02", good.find(b"PK\x01\x02") + 4)]
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 500, 500, 500 * len(entry), good.find(b"PK\x01\x02"), 0)
    yield Hostile("zip of one file five hundred times", good[: good.find(b"PK\x01\x02")] + entry * 500 + end, None)
    yield Hostile("zip of 3,000 empty files", packed({**GOOD, **{f"a/e{n}.png": b"" for n in range(3_000)}}), True)
    yield Hostile("zip of 1,200 classes", packed({f"c{n}/x.png": b"x" for n in range(1_200)}))


def _with(add: Callable[[zipfile.ZipFile], None]) -> bytes:
    import warnings

    content = io.BytesIO(packed(GOOD))
    with zipfile.ZipFile(content, "a") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        add(file)
    return content.getvalue()


def _patched(at: int, value: bytes) -> bytes:
    """Return the good pictures and one more, of which the table of contents says something else."""
    whole = bytearray(packed({**GOOD, "a/lying.png": picture(9)}))
    place = whole.rfind(b"PK\x01\x02") + at
    whole[place : place + len(value)] = value
    return bytes(whole)


if __name__ == "__main__":
    for kind, made in (("picture", pictures()), ("archive", archives())):
        for number, hostile in enumerate(made):
            Path(sys.argv[1], f"{kind}-{number:03d}.bin").write_bytes(hostile.data)
