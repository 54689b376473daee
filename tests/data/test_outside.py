"""Archives as systems, programs and services really make them: names, splits, litter, locks, and full disks."""

import subprocess
import unicodedata
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data import split_assignment as drawing
from core.data import user_datasets
from core.data.arrangement import split_of
from core.data.importing.decoder_pool import DecoderPool
from core.data.importing.decoder_worker import CHANGES, ImageFormat
from core.data.importing.folder_layout import Naming, NoDataSetError, survey
from core.data.importing.importer import bring_in, import_images, opening_notes
from core.data.names import decode_name, guess_encoding
from core.errors import DataError, StorageError
from tests.data.archives import class_folders, packed, picture
from tests.data.test_colours import TO_XYZ_D50, matrix_profile

TWO = class_folders({"ds/cat": 2, "ds/dog": 2})


@pytest.mark.parametrize(
    "litter",
    [
        "ds/.ipynb_checkpoints/0-checkpoint.png", "__MACOSX/ds/cat/._0.png", "ds/cat/.AppleDouble/0.png",
        "ds/@eaDir/0.png", "ds/cat/@eaDir/0.png/SYNOPHOTO_THUMB_M.png", "ds/.git/objects/0.png", "ds/cat/Thumbs.db",
        "ds/cat/desktop.ini", "ds/cat/Icon\r", "ds/.DS_Store", "ds/#recycle/0.png", "$RECYCLE.BIN/0.png",
        ".Trash-1000/files/0.png", "ds/dog/._1.png", "ds/.thumbnails/0.png", "System Volume Information/0.png",
    ],
)  # fmt: skip
def test_litter_of_systems_and_programs_is_passed_over_at_any_depth(litter: str) -> None:
    found = survey(packed({**TWO, litter: picture(77)}))
    assert found.class_names == ("cat", "dog")
    assert len(found.files) == 4 and not found.skipped


def raw_zip(names: dict[bytes, bytes], extra: dict[bytes, bytes] | None = None) -> bytes:
    """Return a zip whose names are these bytes, without the flag for UTF-8."""
    content = BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for number, (name, data) in enumerate(names.items()):
            entry = zipfile.ZipInfo(chr(65 + number) * len(name))  # as many bytes, replaced below
            entry.extra = (extra or {}).get(name, b"")
            file.writestr(entry, data)
    whole = content.getvalue()
    for number, name in enumerate(names):
        whole = whole.replace(chr(65 + number).encode() * len(name), name)
    return whole


def named(encoding: str, folders: list[str]) -> bytes:
    return raw_zip({f"{folder}/picture{n}.png".encode(encoding): picture(n) for n, folder in enumerate(folders)})


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_unflagged_utf8_is_utf8_and_composed(form: str) -> None:
    folders = [unicodedata.normalize(form, name) for name in ("Hündin", "Käfer")]
    found = survey(named("utf-8", folders))
    assert found.class_names == ("Hündin", "Käfer") and not found.encoding and not found.notes


def test_zip_of_linux_itself(tmp_path: Path) -> None:
    import shutil

    if shutil.which("zip") is None:
        pytest.skip("no zip command here")
    for number, folder in enumerate(("Hündin", "Käfer")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "0.png").write_bytes(picture(number))
    subprocess.run(["zip", "-q", "-r", "x.zip", "Hündin", "Käfer"], cwd=tmp_path, check=True)
    assert survey(tmp_path / "x.zip").class_names == ("Hündin", "Käfer")


def test_the_same_name_composed_and_decomposed_is_one_class() -> None:
    files = class_folders({"e\u0301cole": 2, "école": 2, "jardin": 2})
    assert survey(packed(files)).class_names == ("jardin", "école")


@pytest.mark.parametrize(
    ("encoding", "folders"),
    [
        ("cp850", ["Hündin", "Käfer"]), ("cp437", ["Bär", "Löwe"]), ("cp1252", ["Müll", "Gärten"]),
        ("cp850", ["forêt", "île", "château"]), ("cp932", ["犬", "猫"]), ("cp932", ["自転車", "飛行機"]),
        ("gbk", ["猫", "狗"]), ("gbk", ["向日葵", "蒲公英"]), ("big5", ["貓", "狗", "蘋果"]),
        ("cp949", ["고양이", "강아지"]), ("cp949", ["자동차", "비행기"]), ("cp866", ["кошка", "собака"]),
        ("cp1253", ["μήλο", "αχλάδι"]), ("cp737", ["γάτα", "σκύλος"]), ("cp1254", ["köpek", "ağaç", "kuş"]),
        ("cp1250", ["łyżka", "świnia"]), ("cp1250", ["židle", "kůň"]), ("cp1256", ["كلب", "قطة"]),
        ("cp1251", ["Корова", "Лошадь"]), ("cp852", ["kočka", "žirafa"]), ("cp850", ["señal", "montaña"]),
    ],
)  # fmt: skip
def test_names_in_old_encodings_are_guessed_told_and_can_be_chosen(encoding: str, folders: list[str]) -> None:
    found = survey(named(encoding, folders))
    assert set(found.class_names) == set(folders)
    assert found.encoding and found.encoding in found.notes[0]
    other = survey(named(encoding, folders), Naming("cp1251" if found.encoding != "cp1251" else "cp866"))
    assert set(other.class_names) != set(folders)


def test_a_stated_unicode_name_is_believed_where_it_belongs() -> None:
    import struct
    import zlib

    raw, name = "H\x81ndin/picture0.png".encode("latin-1"), "Hündin/picture0.png".encode()
    field = b"\1" + struct.pack("<I", zlib.crc32(raw)) + name
    extra = struct.pack("<2H", 0x7075, len(field)) + field
    found = survey(raw_zip({raw: picture(0), b"Katze/picture00.png": picture(1)}, {raw: extra}))
    assert found.class_names == ("Hündin", "Katze") and not found.encoding


def test_guessing_reads_what_it_wrote() -> None:
    raw = "Größe".encode("cp850")
    assert decode_name(raw, guess_encoding([raw])) == "Größe"
    assert guess_encoding([b"plain", "é".encode()]) == "utf-8"


@pytest.mark.parametrize(
    ("folders", "split"),
    [
        (
            ("train", "Training", "TRAIN", "training_set", "train-images", "TrainData", "seg_train", "train2017"),
            "train",
        ),
        (("valid", "val", "Validation", "validation_set", "val2017", "dev"), "valid"),
        (("test", "Testing", "test_set", "Test Images", "seg_test"), "test"),
        (("eval", "evaluation_set"), "eval"),
        (("trainer", "testimony", "contest", "device", "valley", "cat", "", "0" * 80, "dataset" * 50), ""),
    ],
)
def test_splits_are_known_by_their_usual_names(folders: tuple[str, ...], split: str) -> None:
    assert {split_of(folder) for folder in folders} == {split}


@pytest.mark.parametrize(
    ("folders", "counts"),
    [
        ({"training_set/a": 3, "training_set/b": 3, "test_set/a": 2, "test_set/b": 2},
         {"train": (3, 3), "test": (2, 2)}),
        ({"archive/seg_train/seg_train/a": 3, "archive/seg_train/seg_train/b": 3, "archive/seg_test/seg_test/a": 2,
          "archive/seg_pred/seg_pred": 5}, {"train": (3, 3), "test": (2, 0)}),
        ({"a/train": 3, "b/train": 3, "a/test": 2, "b/test": 1}, {"train": (3, 3), "test": (2, 1)}),
        ({"d/train/Cat": 3, "d/train/dog": 3, "d/val/cat": 2, "d/test/DOG": 1, "docs": 2},
         {"train": (3, 3), "valid": (2, 0), "test": (0, 1)}),
        ({"train/a": 3, "train/b": 3, "eval/a": 2, "test/a": 1}, {"train": (3, 3), "valid": (2, 0), "test": (1, 0)}),
        ({"x/y/z/a": 3, "x/y/z/b": 3, "x": 1}, {"": (3, 3)}),
    ],
    ids=["training_set", "twice", "class first", "capitals", "eval and test", "loose picture in a folder around"],
)  # fmt: skip
def test_arrangements_of_known_sources(folders: dict[str, int], counts: dict[str, tuple[int, ...]]) -> None:
    assert survey(packed(class_folders(folders))).counts() == counts


def test_valid_and_test_without_train_are_told() -> None:
    with pytest.raises(DataError, match="folders test and valid, and none of pictures to learn from"):
        survey(packed(class_folders({"valid/a": 2, "valid/b": 2, "test/a": 2, "test/b": 2})))
    (note,) = survey(packed(class_folders({"test/a": 3, "test/b": 3}))).notes
    assert "All pictures lie in the folder test" in note


def locked(files: dict[str, bytes]) -> bytes:
    whole, place = bytearray(packed(files)), 0
    while (place := whole.find(b"PK\x01\x02", place)) >= 0:
        whole[place + 8] |= 1
        place += 4
    return bytes(whole)


def test_an_archive_of_locked_files_says_that_they_are_locked() -> None:
    with pytest.raises(NoDataSetError, match=r"4 × locked with a password") as caught:
        survey(locked(TWO))
    assert [each.name for each in caught.value.skipped] == list(TWO)


def test_an_archive_of_foreign_pictures_says_what_they_are() -> None:
    files = {f"{kind}/{n}.tif": b"II*\0" + bytes(99) for kind in ("a", "b") for n in range(3)}
    with pytest.raises(DataError, match="6 × This is a TIFF picture"):
        import_images(packed(files), "Tiff", size=8)


def test_another_kind_of_archive_is_named() -> None:
    with pytest.raises(DataError, match="This is a RAR archive and no zip archive"):
        survey(b"Rar!\x1a\x07\x01\0" + bytes(99))


LOOSE = class_folders({"images": 4})


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({**LOOSE, "labels.csv": b"0.png,cat"}, "1 × a table, which is not read"),
        ({**LOOSE, "annotations/coco.json": b"{}"}, "1 × a table, which is not read"),
        (
            class_folders({"train": 2, "test": 2}),
            "The folders test and train hold pictures, no folders of classes and no table",
        ),
        (
            {"cat/a.zip": packed(LOOSE), "dog/b.zip": packed(LOOSE)},
            "2 × an archive inside the archive: unpack it first",
        ),
    ],
)
def test_labels_in_a_table_and_archives_inside_are_one_sentence(files: dict[str, bytes], sentence: str) -> None:
    with pytest.raises(DataError, match=sentence) as caught:
        survey(packed(files))
    assert str(caught.value).count(". ") == 0


def test_folders_without_a_name_to_read_are_told() -> None:
    found = survey(
        packed({**TWO, **{f"ds/{name}/{n}.png": picture(n + 70) for n, name in enumerate((" ", " . ", "\u200b"))}})
    )
    assert set(found.class_names) == {"cat", "dog", "unnamed", "unnamed (2)", "unnamed (3)"}
    assert found.notes == (
        "The names of some folders hold no letters, so their classes are called unnamed, unnamed (2), unnamed (3): "
        "rename them.",
    )


def test_classes_that_differ_in_capitals_are_told_and_merged_by_renaming() -> None:
    files = class_folders({"Cat": 3, "cat": 4, "dog": 3})
    found = survey(packed(files))
    assert found.class_names == ("Cat", "cat", "dog")
    assert "Cat and cat are 2 classes: rename" in found.notes[0]
    merged = survey(packed(files), Naming().rename("cat", "kitten").rename("kitten", " Cat\n"))
    assert merged.class_names == ("Cat", "dog") and merged.counts() == {"": (7, 3)} and not merged.notes
    data = import_images(packed(files), "Merged", size=8, naming=Naming().rename("cat", "Cat"))
    assert data.class_names == ("Cat", "dog")
    with pytest.raises(DataError, match="needs a name"):
        Naming().rename("cat", " ")


def test_pairs_that_are_not_compared_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {f"{kind}/{n}.png": picture(n) for kind in ("a", "b") for n in range(40)}
    monkeypatch.setattr(drawing, "_MOST_PAIRS", 30)
    warnings = user_datasets.report(import_images(packed(files), "Bounded", size=16).name).warnings
    assert any("60 pictures stand in more than one class or nearly so" in words for words in warnings)
    (words,) = (words for words in warnings if "were not compared" in words)
    assert words.startswith("10 further pairs of pictures")


def test_pictures_that_stand_in_two_classes_are_told_and_not_called_better() -> None:
    files = {f"{kind}/{n}.png": picture(n) for kind in ("a", "b") for n in range(40)}
    assert "80 files stand in more than one class" in survey(packed(files)).notes[0]
    report = user_datasets.report(import_images(packed(files), "Twice", size=16).name)
    assert any("80 pictures stand in more than one class or nearly so" in words for words in report.warnings)
    assert not any("will look better" in words for words in report.warnings)
    near = files | {f"b/{n}.png": picture(n, (40, 40), "JPEG", quality=70) for n in range(40)}
    warnings = user_datasets.report(import_images(packed(near), "Near", size=16).name).warnings
    assert any("stand in more than one class or nearly so" in words for words in warnings)
    same = {f"{kind}/{n}.png": picture(n % 20 + 100 * (kind == "b")) for kind in ("a", "b") for n in range(40)}
    warnings = user_datasets.report(import_images(packed(same), "Same", size=16).name).warnings
    assert any("will look better" in words for words in warnings)
    assert not any("more than one class" in words for words in warnings)


def test_pictures_whose_colours_were_converted_or_that_were_shrunk_are_counted() -> None:
    wide = {"icc_profile": matrix_profile(TO_XYZ_D50["Display P3"])}
    files = {
        f"{kind}/{n}.png": picture(n + 50 * (kind == "b"), **(wide if n < 2 else {})) for kind in "ab" for n in range(5)
    }
    report = user_datasets.report(import_images(packed(files), "Wide", size=16).name)
    assert report.notes == ("Colours converted to sRGB from the profile of the file: 4 of 10 pictures.",)
    assert not any("olours" in words for words in report.warnings)
    both = tuple(opening_notes([True, False, True], [0, CHANGES.index("hdr"), 0]))
    assert [words.rpartition(": ")[2] for words in both] == ["2 of 3 pictures.", "1 of 3 pictures."]
    assert "fraction of the size" in both[0] and "HDR" in both[1]


def deep(seed: int) -> bytes:
    content = BytesIO()
    values = np.random.default_rng(seed).integers(0, 4096, (16, 16)).astype(np.uint16)
    Image.fromarray(values).save(content, "PNG")
    return content.getvalue()


def test_twelve_bit_pictures_are_told_at_import_and_stretched_on_request() -> None:
    archive = packed({f"{kind}/{n}.png": deep(n + 50 * (kind == "b")) for kind in ("a", "b") for n in range(5)})
    plain = import_images(archive, "Deep", size=16)
    assert any("10 of 10 pictures have 16 bits" in words for words in user_datasets.report(plain.name).warnings)
    stretched = import_images(archive, "Deep", size=16, stretch=True)
    assert plain.name != stretched.name
    assert int(plain.train.images.max()) <= 15 and int(stretched.train.images.max()) == 255
    assert not any("16 bits" in words for words in user_datasets.report(stretched.name).warnings)


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Path":
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1400k", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("no small disk can be mounted here")
    monkeypatch.setenv("CONVSCOPE_HOME", str(disk))
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def noise(seed: int) -> bytes:
    content = BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(content, "PNG")
    return content.getvalue()


@pytest.mark.parametrize("reserved", [True, False])
def test_a_disk_that_fills_is_one_sentence_at_once(
    small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reserved: bool
) -> None:
    from core.data.importing import decoder_pool

    started = []
    start = subprocess.Popen
    monkeypatch.setattr(
        decoder_pool.subprocess, "Popen", lambda *args, **words: started.append(0) or start(*args, **words)
    )
    if not reserved:  # as where the system cannot reserve room: the disk is met by the process that decodes
        monkeypatch.delattr(decoder_pool.os, "posix_fallocate")
    archive = tmp_path / "noise.zip"
    archive.write_bytes(packed({f"{'ab'[n % 2]}/{n}.png": noise(n) for n in range(60)}))
    with pytest.raises(StorageError, match="is full: free some space"):
        bring_in(archive, "Noise", look=ImageFormat(128))
    assert len(started) <= 1
    assert not [path for path in small_disk.rglob("*") if path.is_file()]


def test_a_decoder_that_does_not_start_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.data.importing import decoder_pool

    started = []
    start = subprocess.Popen
    monkeypatch.setattr(
        decoder_pool.subprocess, "Popen", lambda command, **words: started.append(0) or start(["false"], **words)
    )
    archive, pixels = tmp_path / "a.zip", tmp_path / "pixels"
    archive.write_bytes(packed(TWO))
    pixels.touch()
    with pytest.raises(StorageError, match="does not start"):
        DecoderPool(archive, survey(archive).files, ImageFormat(8), pixels, 0).run(None)
    assert len(started) == 1
