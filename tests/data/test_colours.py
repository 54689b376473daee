"""Pictures keep their colours, whatever their file says of profiles, bits and transparency; foreign ones are named."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from core.data.images import decode, decode_image, decode_upload
from core.errors import ImageError
from tests.data.hostile import chunk, png, saved

TO_XYZ_D50 = {  # of linear red, green and blue (columns), adapted to D50: from the primaries, by Bradford
    "Display P3": [[0.5151, 0.2920, 0.1571], [0.2412, 0.6922, 0.0666], [-0.0011, 0.0419, 0.7841]],
    "Adobe RGB": [[0.6097, 0.2053, 0.1492], [0.3111, 0.6257, 0.0632], [0.0195, 0.0609, 0.7446]],
    "Rec. 2020": [[0.6734, 0.1657, 0.1251], [0.2790, 0.6753, 0.0456], [-0.0019, 0.0300, 0.7973]],
}
# The same way for sRGB (IEC 61966-2-1), inverted.
FROM_XYZ_D50 = np.linalg.inv([[0.4361, 0.3851, 0.1431], [0.2225, 0.7169, 0.0606], [0.0139, 0.0971, 0.7141]])
D50 = np.array([0.9642, 1.0, 0.8249])
GAMMA = 2.2


def s15(*values: float) -> bytes:
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def profile(space: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    """Return an ICC profile of version 2 (ICC.1:2001-04)."""
    table, body, start = b"", b"", 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        table += name + struct.pack(">II", start + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    size = start + len(body)
    kind = b"prtr" if space == b"CMYK" else b"mntr"
    head = struct.pack(">I4sI4s4s4s", size, b"test", 0x02400000, kind, space, connection) + bytes(12) + b"acsp"
    head += bytes(28) + s15(*D50)
    return head + bytes(128 - len(head)) + struct.pack(">I", len(tags)) + table + body


def text(kind: bytes, words: bytes) -> bytes:
    if kind == b"desc":
        return b"desc" + bytes(4) + struct.pack(">I", len(words) + 1) + words + bytes(1 + 8 + 3 + 67)
    return b"text" + bytes(4) + words + b"\0"


def matrix_profile(columns: list[list[float]]) -> bytes:
    tags = {b"desc": text(b"desc", b"test"), b"cprt": text(b"text", b"none"), b"wtpt": b"XYZ " + bytes(4) + s15(*D50)}
    for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), np.transpose(columns), strict=True):
        tags[name] = b"XYZ " + bytes(4) + s15(*column)
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(GAMMA * 256))
    return profile(b"RGB ", b"XYZ ", tags | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve))


def cmyk_profile(lab_of: dict[tuple[int, int, int, int], tuple[float, float, float]]) -> bytes:
    """Return a profile whose table has two steps an ink; all but the stated inks are black."""
    cells = b""
    for number in range(16):
        inks = tuple(number >> shift & 1 for shift in (3, 2, 1, 0))
        lightness, a, b = lab_of.get(inks, (0.0, 0.0, 0.0))
        cells += bytes([round(lightness * 2.55), round(a + 128), round(b + 128)])
    ramp = bytes(range(256))
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + s15(1, 0, 0, 0, 1, 0, 0, 0, 1) + ramp * 4 + cells + ramp * 3
    tags = {b"desc": text(b"desc", b"test"), b"cprt": text(b"text", b"none"), b"wtpt": b"XYZ " + bytes(4) + s15(*D50)}
    return profile(b"CMYK", b"Lab ", tags | {b"A2B0": table, b"A2B1": table})


def srgb(xyz: np.ndarray) -> np.ndarray:
    """Return 8-bit sRGB of XYZ relative to D50, cut off at what a screen can show."""
    linear = np.clip(FROM_XYZ_D50 @ xyz, 0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


COLOURS = [(200, 60, 60), (60, 180, 80), (70, 90, 200), (230, 200, 40), (128, 128, 128), (255, 255, 255), (20, 30, 25)]


@pytest.mark.parametrize("space", ["Display P3", "Adobe RGB"])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "AVIF", "HEIF"])
def test_colours_of_another_space_are_converted_to_srgb(space: str, kind: str) -> None:
    if kind == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    options = {"PNG": {}, "JPEG": {"quality": 100, "subsampling": 0}, "WEBP": {"lossless": True}}
    for colour in COLOURS:
        image = Image.new("RGB", (64, 64), colour)
        file = saved(image, kind, icc_profile=matrix_profile(TO_XYZ_D50[space]), **options.get(kind, {"quality": 100}))
        got = decode(file)
        wanted = srgb(np.array(TO_XYZ_D50[space]) @ (np.array(colour) / 255) ** GAMMA)
        limit = 2 if kind in ("PNG", "WEBP") else 6  # the others lose colour, and a profile makes more of it
        assert np.abs(np.asarray(got.image)[32, 32] - wanted).max() <= limit, (colour, wanted)
        assert got.colours == "profile" and "profile" in got.notes()[0]


GAMA, D65 = b"gAMA", (31_270, 32_900)  # numbers of PNG are in 100,000ths


def stated(colours: list[tuple[int, ...]], *chunks: tuple[bytes, bytes], kind: int = 2) -> bytes:
    """Return a PNG of one row with chunks that state its colours."""
    extra = b"".join(chunk(name, content) for name, content in chunks)
    return png(len(colours), 1, b"\0" + b"".join(map(bytes, colours)), 8, kind, extra)


def gamma(value: int) -> tuple[bytes, bytes]:
    return GAMA, struct.pack(">I", value)


def primaries(*xy: int) -> tuple[bytes, bytes]:
    return b"cHRM", struct.pack(">8I", *D65, *xy)


SRGB_XY, ADOBE_XY = (64_000, 33_000, 30_000, 60_000, 15_000, 6_000), (64_000, 33_000, 21_000, 71_000, 15_000, 6_000)
P3_XY = (68_000, 32_000, 26_500, 69_000, 15_000, 6_000)
SRGB_MATRIX = np.linalg.inv(FROM_XYZ_D50)


def linear(colour: tuple[int, ...], exponent: float) -> np.ndarray:
    values = np.array(colour) / 255
    if exponent:
        return values**exponent
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


@pytest.mark.parametrize(
    ("chunks", "matrix", "exponent"),
    [
        ([gamma(45_455), primaries(*ADOBE_XY)], TO_XYZ_D50["Adobe RGB"], 2.2),
        ([gamma(45_455), primaries(*P3_XY)], TO_XYZ_D50["Display P3"], 2.2),
        ([gamma(100_000)], SRGB_MATRIX, 1.0),
        ([gamma(55_556), primaries(*SRGB_XY)], SRGB_MATRIX, 1.8),
        ([(b"cICP", bytes([12, 13, 0, 1]))], TO_XYZ_D50["Display P3"], 0.0),
        ([(b"cICP", bytes([9, 14, 0, 1]))], TO_XYZ_D50["Rec. 2020"], 0.0),
        ([(b"cICP", bytes([1, 8, 0, 1])), (b"sRGB", b"\0"), gamma(45_455)], SRGB_MATRIX, 1.0),
    ],
    ids=["Adobe RGB", "Display P3", "linear", "1.8", "cICP of P3", "cICP of Rec. 2020", "cICP comes first"],
)
def test_colours_that_a_png_states_without_a_profile_are_converted(
    chunks: list[tuple[bytes, bytes]], matrix: list[list[float]], exponent: float
) -> None:
    got = decode(stated(COLOURS, *chunks))
    wanted = np.array([srgb(np.array(matrix) @ linear(colour, exponent)) for colour in COLOURS])
    assert np.abs(np.asarray(got.image)[0] - wanted).max() <= 2
    assert got.colours == "stated" and got.notes() == (
        "It states other colours than those of sRGB: they were converted.",
    )


@pytest.mark.parametrize(
    "chunks",
    [
        [gamma(45_455)],
        [gamma(45_455), primaries(*SRGB_XY)],
        [gamma(45_454), primaries(63_999, 33_001, 30_000, 60_000, 15_000, 5_999)],  # rounded
        [primaries(*P3_XY)],  # without a curve: nobody converts these
        [gamma(100_000), (b"sRGB", b"\0")],
        [(b"cICP", bytes([1, 13, 0, 1])), gamma(100_000)],
        [(b"cICP", bytes([12, 13, 1, 1]))],  # no RGB
        [(b"cICP", bytes([2, 2, 0, 1]))],  # unknown
        [gamma(0)],
        [gamma(2**31), primaries(*[0] * 6)],
        [gamma(60_000), primaries(*[0] * 6)],
        [gamma(60_000), primaries(*[33_000] * 6)],
    ],
)
def test_what_is_srgb_or_makes_no_sense_changes_nothing(chunks: list[tuple[bytes, bytes]]) -> None:
    got = decode(stated(COLOURS, *chunks))
    assert np.array_equal(np.asarray(got.image)[0], COLOURS) and not got.colours


def test_grey_pictures_and_palettes_have_their_curve_too() -> None:
    wanted = [round(float(srgb(D50 * (value / 255))[1])) for value in (0, 10, 55, 128, 255)]
    assert wanted == [0, 56, 128, 188, 255]  # 255 × (1.055 × (v / 255)^(1 / 2.4) − 0.055)
    for kind in (0, 4):
        got = decode(
            stated([(value, 255)[: 1 + kind // 4] for value in (0, 10, 55, 128, 255)], gamma(100_000), kind=kind)
        )
        assert np.abs(np.asarray(got.image)[0] - np.array(wanted)[:, None]).max() <= 1 and got.colours == "stated"
    palette = (b"PLTE", bytes(value for value in (0, 10, 55, 128, 255) for _ in range(3)))
    got = decode(stated([(index,) for index in range(5)], gamma(100_000), palette, kind=3))
    assert np.abs(np.asarray(got.image)[0] - np.array(wanted)[:, None]).max() <= 1


@pytest.mark.parametrize("curve", [16, 18])
def test_colours_for_hdr_screens_stay_and_are_told(curve: int) -> None:
    got = decode(stated(COLOURS, (b"cICP", bytes([9, curve, 0, 1]))))
    assert np.array_equal(np.asarray(got.image)[0], COLOURS)
    assert "HDR" in got.notes()[0]


def marked(space: int, index: str) -> bytes:
    """Return EXIF as cameras write it: a colour space, and the mark of DCF."""
    exif = Image.Exif()
    exif.get_ifd(0x8769).update({0xA001: space, 0xA005: {1: index, 2: b"0100"}})
    return exif.tobytes()


def test_a_jpeg_that_a_camera_marks_as_adobe_rgb_is_converted() -> None:
    for colour in COLOURS:
        image = Image.new("RGB", (64, 64), colour)
        got = decode(saved(image, "JPEG", quality=100, subsampling=0, exif=marked(65_535, "R03")))
        wanted = srgb(np.array(TO_XYZ_D50["Adobe RGB"]) @ (np.array(colour) / 255) ** 2.2)
        assert np.abs(np.asarray(got.image)[32, 32] - wanted).max() <= 4, (colour, wanted)
        assert got.colours == "stated"
    plain = decode(saved(image, "JPEG", quality=100, subsampling=0))
    for space, index in ((1, "R98"), (65_535, "R98"), (1, "R03"), (65_535, "")):
        other = decode(saved(image, "JPEG", quality=100, subsampling=0, exif=marked(space, index)))
        assert np.array_equal(other.image, plain.image) and not other.colours
    profile = matrix_profile(TO_XYZ_D50["Display P3"])
    own = decode(saved(image, "JPEG", quality=100, icc_profile=profile, exif=marked(65_535, "R03")))
    assert own.colours == "profile"


def test_code_points_of_avif_are_read() -> None:
    whole = saved(Image.new("RGB", (16, 16), (200, 60, 60)), "AVIF", quality=100, subsampling="4:4:4")
    place = whole.find(b"colrnclx") + 8
    assert place >= 8 and not decode(whole).colours
    for points, colours in (((12, 13), "stated"), ((9, 16), "hdr"), ((2, 2), ""), ((1, 1), "")):
        got = decode(whole[:place] + struct.pack(">HH", *points) + whole[place + 4 :])
        assert got.colours == colours
        wanted = srgb(np.array(TO_XYZ_D50["Display P3"]) @ linear((200, 60, 60), 0)) if colours == "stated" else 200
        assert abs(np.asarray(got.image)[8, 8, 0] - np.ravel(wanted)[0]) <= 4


def test_inks_with_a_profile_become_the_colours_that_it_states() -> None:
    lab = {
        (0, 0, 0, 0): (100, 0, 0),
        (1, 0, 0, 0): (56, -36, -49),
        (0, 1, 0, 0): (48, 73, -4),
        (0, 0, 1, 0): (89, -5, 92),
    }
    lab = {inks: tuple(map(float, values)) for inks, values in lab.items()}
    content = cmyk_profile(lab)  # type: ignore[arg-type]
    for inks, (lightness, a, b) in lab.items():
        image = Image.new("CMYK", (16, 16), tuple(255 * ink for ink in inks))
        f = np.array([(lightness + 16) / 116 + a / 500, (lightness + 16) / 116, (lightness + 16) / 116 - b / 200])
        wanted = srgb(D50 * np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)))
        got = np.asarray(decode_image(saved(image, "JPEG", quality=100, icc_profile=content)))[8, 8]
        assert np.abs(got - wanted).max() <= 4, (inks, wanted)
        plain = np.asarray(decode_image(saved(image, "JPEG", quality=100)))[8, 8]
        assert sum(inks) == 0 or np.abs(plain - wanted).max() > 10


def test_a_profile_that_is_srgb_or_damaged_changes_nothing() -> None:
    from PIL import ImageCms

    noise = np.random.default_rng(0).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    whole = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    p3 = matrix_profile(TO_XYZ_D50["Display P3"])
    inks = cmyk_profile({})
    for content in (whole, whole[:50], b"x" * 500, p3[:200], p3[:128] + bytes(400), inks, b"\0" * 2**23):
        decoded = decode(saved(Image.fromarray(noise), "WEBP", lossless=True, icc_profile=content))
        assert np.array_equal(np.asarray(decoded.image), noise)
        assert not decoded.colours


def test_transparency_and_profile_go_together() -> None:
    image = Image.new("RGBA", (2, 1), (200, 60, 60, 255))
    image.putpixel((1, 0), (0, 0, 0, 0))
    got = np.asarray(decode_image(saved(image, "PNG", icc_profile=matrix_profile(TO_XYZ_D50["Display P3"]))))[0]
    wanted = srgb(np.array(TO_XYZ_D50["Display P3"]) @ (np.array((200, 60, 60)) / 255) ** GAMMA)
    assert np.abs(got[0] - wanted).max() <= 2
    assert got[1].tolist() == [255, 255, 255]


def transparent(values: list[int], depth: int, colour: int, key: list[int]) -> bytes:
    """Return a PNG of one row in which one colour is transparent."""
    if depth == 16:
        row = struct.pack(f">{len(values)}H", *values)
    else:
        row = int("".join(f"{value:0{depth}b}" for value in values).ljust(8, "0"), 2).to_bytes(
            len(values) * depth // 8 or 1
        )
    width = len(values) // (3 if colour == 2 else 1)
    extra = chunk(b"tRNS", struct.pack(f">{len(key)}H", *key))
    return png(width, 1, b"\0" + row, depth, colour, extra)


@pytest.mark.parametrize(
    ("file", "wanted"),
    [
        (transparent([0x1234, 0x8000, 0x1235], 16, 0, [0x1234]), [255, 128, 18]),
        (transparent([0, 1, 2, 3], 2, 0, [1]), [0, 255, 170, 255]),
        (transparent([3, 15], 4, 0, [3]), [255, 255]),
        (transparent([0x1234] * 3 + [0x1235] * 3 + [0x34FF] * 3, 16, 2, [0x1234] * 3), [255, 18, 52]),
    ],
    ids=["16 bits", "2 bits", "4 bits", "16-bit colour"],
)
def test_a_transparent_colour_is_white_and_no_other(file: bytes, wanted: list[int]) -> None:
    assert np.asarray(decode_image(file))[0, :, 0].tolist() == wanted


@pytest.mark.parametrize("channels", [1, 3])
def test_twelve_bits_in_sixteen_are_told_and_stretched(channels: int) -> None:
    values = np.linspace(0, 4095, 64).round().astype(int).repeat(channels).tolist()
    file = png(64, 1, b"\0" + struct.pack(f">{64 * channels}H", *values), 16, 0 if channels == 1 else 2)
    plain, stretched = decode(file), decode(file, stretch=True)
    assert plain.looks_black and "stretch" in plain.notes()[0]
    assert np.asarray(plain.image).max() == 15
    got = np.asarray(stretched.image)[0, :, 0]
    assert np.abs(got - np.linspace(0, 255, 64)).max() <= 1
    assert len(set(got.tolist())) == 64
    full = png(2, 1, b"\0" + struct.pack(">2H", 0, 65_535), 16, 0)
    assert not decode(full).looks_black


def test_heic_and_avif_are_pictures() -> None:
    heif = pytest.importorskip("pillow_heif")
    heif.register_heif_opener()
    image = Image.new("RGB", (64, 48), (200, 100, 50))
    for kind in ("HEIF", "AVIF"):
        got = decode_image(saved(image, kind, quality=95))
        assert got.size == (64, 48)
        assert np.abs(np.asarray(got).astype(int) - (200, 100, 50)).max() <= 4
    cut = saved(image, "HEIF")[:200]
    with pytest.raises(ImageError, match="damaged"):
        decode_image(cut)


@pytest.mark.parametrize(
    ("start", "name"),
    [
        (b"II*\0" + bytes(99), "a TIFF picture or the raw file of a camera"),
        (b"8BPS" + bytes(99), "a Photoshop file"),
        (b"%PDF-1.7", "a PDF document"),
        (b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing"),
        (b"<!DOCTYPE html><p>", "a web page"),
        (b"\0\0\0\x18ftypmp42" + bytes(99), "a video"),
        (b"\0\0\0\x18ftypcrx " + bytes(99), "the raw file of a camera"),
        (b"PK\x03\x04" + bytes(99), "a zip archive"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL picture"),
        (b"version https://git-lfs.github.com/spec/v1\n", "only a pointer of Git LFS"),
    ],
)
def test_foreign_formats_are_named_with_the_way_out(start: bytes, name: str) -> None:
    with pytest.raises(ImageError, match=f"This is {name}.*not read here: ") as caught:
        decode_image(start)
    assert str(caught.value).count(". ") == 0


def test_a_jpeg_above_the_limit_is_opened_at_a_fraction_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVSCOPE_MAX_PIXELS", "10000")
    image = Image.new("RGB", (200, 150), (10, 200, 30))  # three times the limit
    got = decode(saved(image, "JPEG"))
    assert (got.image.size, got.lie.size, got.shrunk) == ((100, 75), (200, 150), 2)
    assert "half of its size" in got.notes()[0]
    for file in (saved(image, "JPEG", progressive=True), saved(image, "PNG"), saved(image.resize((300, 200)), "JPEG")):
        with pytest.raises(ImageError, match="more than the limit"):
            decode_image(file)


def test_all_names_of_a_jpeg_are_known() -> None:
    from core.data.importing.folder_layout import PICTURES, survey
    from tests.data.archives import packed

    image = saved(Image.new("RGB", (9, 9)), "JPEG")
    endings = ("jfif", "JFIF", "jpe", "pjpeg", "pjp", "JPG", "heic", "HEIC", "avif")
    assert all(f".{ending.lower()}" in PICTURES for ending in endings)
    found = survey(packed({f"x/{'ab'[n % 2]}/{n}.{ending}": image for n, ending in enumerate(endings)}))
    assert found.class_names == ("a", "b") and len(found.files) == len(endings)


def photograph(width: int, height: int) -> Image.Image:
    """Return a picture with structure of all sizes, as photographs have."""
    rng, total = np.random.default_rng(0), np.zeros((height, width), np.float32)
    for cells in (4, 16, 64, 256):
        coarse = rng.normal(size=(cells * height // width + 2, cells + 2)).astype(np.float32)
        total += np.asarray(Image.fromarray(coarse).resize((width, height))) * 60 / cells**0.5
    return Image.fromarray((128 + total).clip(0, 255).astype(np.uint8)).convert("RGB")


def test_the_same_file_is_the_same_picture_at_every_door() -> None:
    from core.data.fitting import fit_image
    from core.data.importing.decoder_worker import ImageFormat, decode_members
    from core.data.importing.folder_layout import survey
    from tests.data.archives import packed

    file = saved(Image.new("RGB", (16, 16), (200, 60, 60)), "PNG", icc_profile=matrix_profile(TO_XYZ_D50["Adobe RGB"]))
    large = saved(photograph(2400, 1600), "JPEG", quality=90)
    archive = packed({"a/0.png": file, "b/0.jpg": large})
    found = survey(archive)
    pixels, notes, reasons = decode_members(io.BytesIO(archive), found.files, ImageFormat(16))
    assert not reasons and notes["colours"].tolist() == [1, 0]
    for got, data in zip(pixels, (file, large), strict=True):
        assert np.array_equal(got, fit_image(decode_upload(data).image, (3, 16, 16))[0].numpy())
    assert np.array_equal(pixels[0].transpose(1, 2, 0), np.asarray(decode_image(file)))


@pytest.mark.parametrize("size", [(2400, 1800), (3000, 300), (300, 3000)])
@pytest.mark.parametrize("side", [32, 256])
def test_a_large_picture_loses_nothing_that_a_network_would_see(size: tuple[int, int], side: int) -> None:
    from core.data.fitting import fit_image

    file = saved(photograph(*size), "JPEG", quality=90)
    reduced = decode_upload(file).image
    assert max(reduced.size) <= 2560 and reduced.size != size
    whole, ours = (fit_image(image, (3, side, side))[0].numpy().astype(int) for image in (decode_image(file), reduced))
    assert np.abs(whole - ours).max() <= 2 and np.abs(whole - ours).mean() <= 0.5
