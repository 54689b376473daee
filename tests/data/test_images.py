"""Every picture that can be opened comes out upright, opaque and 8 bits; everything else is refused in a sentence."""

import pickle
import random
import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageFile
from sklearn.datasets import load_digits

from core.data.crop import Crop
from core.data.exif import ExifOrientation, as_in_file
from core.data.fitting import fit_image, looks_inverted
from core.data.formats import PILLOW as FORMATS
from core.data.images import decode, decode_image
from core.errors import ImageError

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # about the EXIF that is damaged here

SAMPLES = Path(__file__).parents[2] / "assets" / "samples"
PIXELS = np.random.default_rng(0).integers(0, 256, size=(6, 9, 3), dtype=np.uint8)


def _file(image: Image.Image, format: str = "PNG", **options: object) -> bytes:
    file = BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def _decoded(image: Image.Image, format: str = "PNG", **options: object) -> np.ndarray:
    decoded = decode_image(_file(image, format, **options))
    assert decoded.mode == "RGB"
    assert decoded.info == {}
    return np.asarray(decoded)


def _refused(data: bytes, match: str) -> None:
    with pytest.raises(ImageError, match=match) as caught:
        decode_image(data)
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert ": " in sentence  # the remedy
    assert "\n" not in sentence


@pytest.mark.parametrize(("format", "options"), [("PNG", {}), ("BMP", {}), ("WEBP", {"lossless": True})])
def test_lossless_formats_keep_every_pixel(format: str, options: dict[str, object]) -> None:
    assert np.array_equal(_decoded(Image.fromarray(PIXELS), format, **options), PIXELS)


@pytest.mark.parametrize("format", ["JPEG", "GIF"])
def test_lossy_formats_keep_the_colour(format: str) -> None:
    assert np.abs(_decoded(Image.new("RGB", (20, 10), (200, 100, 50)), format).astype(int) - (200, 100, 50)).max() <= 4


# How a stored picture is shown for each EXIF orientation: EXIF 2.32, section 4.6.4, tag 0x0112.
UPRIGHT: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.transpose(1, 0, 2),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: stored[::-1, ::-1].transpose(1, 0, 2),
    8: lambda stored: np.rot90(stored, 1),
}


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_exif_rotation_is_applied(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert np.array_equal(_decoded(Image.fromarray(PIXELS), exif=exif), UPRIGHT[orientation](PIXELS))


def test_damaged_exif_does_not_spoil_the_picture() -> None:
    data = _file(Image.fromarray(PIXELS), exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x12\0\x03\xff\xff\xff\xff")
    assert np.array_equal(np.asarray(decode_image(data)), PIXELS)


def test_transparent_parts_are_white() -> None:
    image = Image.new("RGBA", (3, 1), (255, 0, 0, 255))
    image.putpixel((1, 0), (255, 0, 0, 102))
    image.putpixel((2, 0), (9, 9, 9, 0))
    assert _decoded(image).tolist() == [[[255, 0, 0], [255, 153, 153], [255, 255, 255]]]


def test_transparent_grey_and_palette_are_white() -> None:
    grey = Image.new("LA", (2, 1), (50, 255))
    grey.putpixel((1, 0), (50, 0))
    assert _decoded(grey).tolist() == [[[50, 50, 50], [255, 255, 255]]]
    palette = Image.new("P", (2, 1))
    palette.putpalette([10, 20, 30, 200, 0, 0])
    palette.putpixel((1, 0), 1)
    assert _decoded(palette).tolist() == [[[10, 20, 30], [200, 0, 0]]]
    for format in ("PNG", "GIF"):
        assert _decoded(palette, format, transparency=1).tolist() == [[[10, 20, 30], [255, 255, 255]]]


def test_grey_and_black_and_white() -> None:
    grey = Image.fromarray(PIXELS[..., 0])
    assert np.array_equal(_decoded(grey), PIXELS[..., :1].repeat(3, axis=2))
    assert np.array_equal(
        _decoded(grey.point(lambda value: 255 * (value > 99), "1"))[..., 0], 255 * (PIXELS[..., 0] > 99)
    )


def test_cmyk_becomes_the_colours_it_prints() -> None:
    red = _decoded(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=95)
    assert np.abs(red.astype(int) - (255, 0, 0)).max() <= 3
    dark = _decoded(Image.new("CMYK", (16, 16), (0, 0, 0, 204)), "JPEG", quality=95)
    assert np.abs(dark.astype(int) - 51).max() <= 3


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    values = np.arange(0, 65536, 257, dtype=np.uint16).reshape(16, 16)
    assert _decoded(Image.fromarray(values))[..., 0].flatten().tolist() == list(range(256))


def test_sixteen_bit_colour_is_scaled() -> None:
    rows = b"".join(b"\0" + struct.pack(">6H", 0, 0x8000, 0xFFFF, 0xFFFF, 0x0100, 0) for _ in range(2))
    decoded = np.asarray(decode_image(_png(2, 2, rows, depth=16, colour=2)))
    assert decoded.tolist() == [[[0, 128, 255], [255, 1, 0]]] * 2


@pytest.mark.parametrize(("format", "options"), [("GIF", {}), ("WEBP", {"lossless": True}), ("PNG", {})])
def test_first_frame_of_an_animation(format: str, options: dict[str, object]) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    decoded = _decoded(frames[0], format, save_all=True, append_images=frames[1:], **options)
    assert (decoded == (255, 0, 0)).all()


def _png(width: int, height: int, rows: bytes = b"", depth: int = 8, colour: int = 2) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def _claiming(width: int, height: int) -> dict[str, bytes]:
    """Return one small file of each format that claims to be a picture of another size."""
    small = Image.new("RGB", (8, 8))
    jpeg, bmp, gif, webp = (bytearray(_file(small, format)) for format in ("JPEG", "BMP", "GIF", "WEBP"))
    frame = jpeg.index(b"\xff\xc0") + 5
    jpeg[frame : frame + 4] = struct.pack(">HH", height, width)
    bmp[18:26] = struct.pack("<ii", width, height)
    gif[6:10] = struct.pack("<HH", width, height)
    canvas = b"".join((side - 1).to_bytes(3, "little") for side in (width, height))
    webp[12:12] = b"VP8X" + struct.pack("<II", 10, 0) + canvas
    webp[4:8] = struct.pack("<I", len(webp) - 8)
    files = {"PNG": _png(width, height), "JPEG": jpeg, "BMP": bmp, "GIF": gif, "WEBP": webp}
    return {format: bytes(data) for format, data in files.items()}


@pytest.mark.parametrize("format", ["PNG", "JPEG", "BMP", "GIF"])
@pytest.mark.parametrize("size", [(50_000, 50_000), (65_000, 30), (9_000, 8_000)])
def test_bomb_is_refused_by_its_header(format: str, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    data = _claiming(*size)[format]
    monkeypatch.setenv("CONVSCOPE_MAX_PIXELS", "400000")
    for class_ in (Image.Image, ImageFile.ImageFile):
        monkeypatch.setattr(class_, "load", lambda image: pytest.fail("pixels were decoded"))
    _refused(data, r"pixels, more than the limit of 0\.4 million: make it smaller")


def test_bomb_in_webp(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVSCOPE_MAX_PIXELS", "1000000")
    _refused(_file(Image.new("RGB", (1_200, 900)), "WEBP", lossless=True, method=0), "1,200 × 900 pixels")
    _refused(_claiming(16_000, 16_000)["WEBP"], "upload")


def test_pixel_limit_is_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    data = _file(Image.new("RGB", (100, 100)))
    monkeypatch.setenv("CONVSCOPE_MAX_PIXELS", "10000")
    assert decode_image(data).size == (100, 100)
    monkeypatch.setenv("CONVSCOPE_MAX_PIXELS", "9999")
    _refused(data, r"The picture has 100 × 100 pixels, more than the limit of 0\.01 million")


def test_file_over_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVSCOPE_MAX_UPLOAD_MB", "1")
    data = _file(Image.fromarray(PIXELS))
    assert decode_image(data + bytes(2**20 - len(data))).size == (9, 6)
    _refused(data + bytes(2**20 * 3 // 2), r"The file has 1\.5 MB and the limit is 1 MB: make")


@pytest.mark.parametrize(
    "data",
    [
        b"not a picture",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7",
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a",
        b"BM",
        b"\xff\xd8\xff",
        pickle.dumps(Path("x")),
        _file(Image.fromarray(PIXELS), "TIFF"),
        _file(Image.fromarray(PIXELS), "PPM"),
        _file(Image.fromarray(PIXELS), "ICO"),
        bytes(1000),
    ],
)  # fmt: skip
def test_what_is_no_picture(data: bytes) -> None:
    _refused(data, r"no PNG, JPEG, WebP, GIF, BMP, AVIF or HEIC picture|damaged or incomplete|not read here")


def test_empty_file() -> None:
    _refused(b"", r"The file is empty: choose the picture again\.")


@pytest.mark.parametrize("format", FORMATS)
def test_truncated_file(format: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, size=(50, 50, 3), dtype=np.uint8)
    data = _file(Image.fromarray(noise), format)
    assert decode_image(data).size == (50, 50)
    _refused(data[: len(data) // 2], "damaged")


@pytest.mark.parametrize("format", FORMATS)
def test_damage_anywhere_gives_a_picture_or_a_sentence(format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVSCOPE_MAX_PIXELS", "100000")
    exif = Image.Exif()
    exif[0x0112] = 6
    whole = _file(Image.fromarray(PIXELS).resize((24, 16)), format, **({"exif": exif} if format != "BMP" else {}))
    chance = random.Random(format)
    outcomes = set()
    for _ in range(300):
        data = bytearray(whole[: chance.randrange(len(whole))] if chance.random() < 0.3 else whole)
        for _ in range(chance.randrange(1, 6)):
            if data:
                data[chance.randrange(min(len(data), chance.choice((60, 10**6))))] ^= 1 << chance.randrange(8)
        try:
            outcomes.add(decode_image(bytes(data)).mode)
        except ImageError as error:
            outcomes.add(type(error).__name__)
    assert outcomes == {"RGB", "ImageError"}


def test_fitting_picture_keeps_every_pixel() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, size=(32, 32, 3), dtype=np.uint8)
    tensor, stages = fit_image(Image.fromarray(pixels), (3, 32, 32))
    assert tensor.dtype == torch.uint8
    assert np.array_equal(tensor.permute(1, 2, 0).numpy(), pixels)
    assert [stage.title for stage in stages] == ["Your picture", "What the network receives"]


def test_grey_picture_keeps_every_pixel() -> None:
    digit = np.array(load_digits().images[0] * 15, dtype=np.uint8)
    tensor, stages = fit_image(decode_image(_file(Image.fromarray(digit))), (1, 8, 8))
    assert np.array_equal(tensor[0].numpy(), digit)
    assert [stage.title for stage in stages] == ["Your picture", "What the network receives"]


def test_stages_lead_from_the_original_to_what_is_received() -> None:
    picture = Image.open(SAMPLES / "cat.jpg")
    tensor, stages = fit_image(picture, (1, 28, 28), invert=True)
    assert [(stage.title, stage.image.size) for stage in stages] == [
        ("Your picture", (451, 300)),
        ("Cropped to its middle", (300, 300)),
        ("Resized to 28 × 28", (28, 28)),
        ("Turned grey", (28, 28)),
        ("Dark and light swapped", (28, 28)),
        ("What the network receives", (28, 28)),
    ]
    assert stages[0].image is picture
    assert np.array_equal(np.asarray(stages[-1].image), tensor[0].numpy())
    assert np.array_equal(255 - np.asarray(stages[3].image), tensor[0].numpy())


@pytest.mark.parametrize("shape", [(3, 10, 10), (3, 10, 5), (3, 5, 10)])
@pytest.mark.parametrize("lying", [True, False])
def test_the_middle_is_kept_in_the_right_proportions(shape: tuple[int, int, int], lying: bool) -> None:
    bands = np.zeros((900, 90, 3), np.uint8)
    bands[:300, :, 0] = bands[300:600, :, 1] = bands[600:, :, 2] = 255
    picture = Image.fromarray(bands.transpose(1, 0, 2) if lying else bands)
    tensor, stages = fit_image(picture, shape)
    assert tensor.shape == shape
    assert (tensor == torch.tensor([0, 255, 0]).view(3, 1, 1)).all()
    width, height = stages[1].image.size
    assert width / height == shape[2] / shape[1]


@pytest.mark.parametrize("size", [(90, 60), (61, 90), (7, 7), (5, 400)])
def test_the_crop_can_be_moved_and_made_smaller(size: tuple[int, int]) -> None:
    width, height = size
    rows, cols = np.indices((height, width))
    picture = Image.fromarray(np.stack([rows % 256, cols % 256, 0 * rows], axis=-1).astype(np.uint8))
    side = min(size)
    assert Crop().box(size, (8, 8)) == (
        (width - side) // 2,
        (height - side) // 2,
        (width - side) // 2 + side,
        (height - side) // 2 + side,
    )
    for place, corner in (((0, 0), (0, 0)), ((1, 1), (width, height)), ((7, -3), (width, 0))):
        box = Crop(*place, zoom=2).box(size, (8, 8))
        half = max(1, round(8 * side / 8 / 2))
        assert (box[2] - box[0], box[3] - box[1]) == (half, half)
        assert {corner[0]} & {box[0], box[2]}
        assert {corner[1]} & {box[1], box[3]}
        tensor, stages = fit_image(picture, (3, half, half), crop=Crop(*place, zoom=2 if half < side else 1))
        if half < side:
            assert stages[1].title == "Cropped where you chose"
            assert np.array_equal(tensor.numpy().transpose(1, 2, 0), np.asarray(picture.crop(box)))


def test_a_large_jpeg_is_opened_no_larger_than_needed() -> None:
    picture = Image.open(SAMPLES / "cat.jpg").resize((3200, 2000))
    exif = Image.Exif()
    exif[0x0112] = 6
    file = BytesIO()
    picture.save(file, "JPEG", quality=90, exif=exif)
    whole, quick = decode_image(file.getvalue()), decode_image(file.getvalue(), room=500)
    assert (whole.size, quick.size) == ((2000, 3200), (500, 800))
    small = (np.asarray(each.resize((50, 80), Image.Resampling.BOX)).astype(int) for each in (whole, quick))
    assert np.abs(next(small) - next(small)).mean() < 2


def test_fine_patterns_turn_grey() -> None:
    checks = (np.indices((300, 300)).sum(axis=0) % 2 * 255).astype(np.uint8)
    tensor, _ = fit_image(Image.fromarray(checks), (1, 28, 28))
    assert (tensor.float() - 127.5).abs().max() < 4


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (2, 3)])
def test_tiny_and_narrow_pictures(size: tuple[int, int]) -> None:
    for shape in ((1, 28, 28), (3, 32, 32)):
        tensor, _ = fit_image(Image.new("RGB", size, (80, 80, 80)), shape)
        assert tensor.shape == shape
        assert (tensor == 80).all()


def test_dark_on_light_is_noticed() -> None:
    for digit in load_digits().images[:100]:
        light = Image.fromarray((digit * 15).astype(np.uint8)).resize((64, 64))
        assert not looks_inverted(light)
        assert looks_inverted(light.point(lambda value: 230 - value))
    assert looks_inverted(Image.open(SAMPLES / "three-on-paper.jpg"))


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.jpg")), ids=lambda path: path.name)
def test_sample_is_small_opens_and_states_its_licence(path: Path) -> None:
    assert path.stat().st_size <= 100_000
    assert min(decode_image(path.read_bytes()).size) >= 200
    assert f"`{path.name}`" in (SAMPLES / "README.md").read_text()


def test_how_a_picture_lies_in_its_file_is_read_from_its_header() -> None:
    exif, file = Image.Exif(), BytesIO()
    exif[0x0112] = 6
    Image.new("RGB", (40, 30)).save(file, "JPEG", exif=exif)
    assert decode(file.getvalue()).lie == ExifOrientation(6, (40, 30))
    upright = as_in_file(decode_image(file.getvalue()), 6)
    assert upright.size == (40, 30)
    exif[0x0112] = 99
    Image.new("RGB", (40, 30)).save(file := BytesIO(), "PNG", exif=exif)
    assert decode(file.getvalue()).lie == ExifOrientation(1, (40, 30))
