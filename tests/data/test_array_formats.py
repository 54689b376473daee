"""Data sets that come as arrays: what is understood equals what public readers make of the same files."""

import gzip
import io
import struct
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.compat import import_torchvision
from core.data import user_datasets
from core.data.importing.importer import Files, bring_in, import_images, understood, usual_look
from core.data.importing.labelled_images import LabelledImages, Orientation
from core.errors import DataError
from tests.data.archives import packed
from tests.data.array_files import COLOUR, GREY, LABELS, idx, mnist, npy, npz

PUBLIC = import_torchvision().datasets


def arrays(files: Files) -> LabelledImages:
    contents = understood(files)
    assert isinstance(contents, LabelledImages)
    return contents


def pixels(contents: LabelledImages) -> NDArray[np.uint8]:
    return np.concatenate(list(contents.blocks()))


def test_idx_files_hold_what_torchvision_reads(tmp_path: Path) -> None:
    contents = arrays(mnist())
    for name, content in (("images", idx(GREY[:6])), ("labels", idx(LABELS[:6]))):
        (tmp_path / name).write_bytes(content)
    assert np.array_equal(pixels(contents)[:6, 0], PUBLIC.mnist.read_image_file(str(tmp_path / "images")).numpy())
    assert contents.labels[:6].tolist() == PUBLIC.mnist.read_label_file(str(tmp_path / "labels")).tolist()
    assert np.array_equal(pixels(contents)[6:, 0], GREY[6:])
    assert contents.splits.tolist() == ["train"] * 6 + ["test"] * 2
    assert contents.class_names == ("0", "1", "2")


@pytest.mark.parametrize("part", ["letters", "balanced", "byclass", "digits"])
def test_emnist_is_turned_upright_and_its_labels_are_letters(part: str) -> None:
    names = PUBLIC.EMNIST.classes_split_dict[part]
    labels = np.arange(part == "letters", len(names), dtype=np.uint8)
    upright = np.random.default_rng(0).integers(0, 256, (len(labels), 10, 10), dtype=np.uint8)
    lying = np.ascontiguousarray(upright.swapaxes(1, 2))
    contents = arrays(
        [
            (f"emnist-{part}-train-images-idx3-ubyte", idx(lying)),
            (f"emnist-{part}-train-labels-idx1-ubyte", idx(labels)),
        ]
    )
    assert np.array_equal(pixels(contents)[:, 0], upright)
    called = [contents.class_names[label] for label in contents.labels]
    assert [name.casefold() for name in called] == [names[label].casefold() for label in labels]
    assert contents.orientation.transposed and ("Orientation", "Rows and columns swapped, as EMNIST stores them") in (
        contents.facts
    )


def test_keras_and_medmnist_archives_bring_their_splits() -> None:
    for compressed in (False, True):
        keras = {"x_train": GREY[:6], "y_train": LABELS[:6], "x_test": GREY[6:], "y_test": LABELS[6:]}
        contents = arrays(npz(keras, compressed=compressed))
        assert np.array_equal(pixels(contents)[:, 0], GREY) and contents.labels.tolist() == LABELS.tolist()
        assert contents.splits.tolist() == ["train"] * 6 + ["test"] * 2
    med = {"train_images": COLOUR[:5], "val_images": COLOUR[5:6], "test_images": COLOUR[6:]}
    med |= {"train_labels": LABELS[:5, None], "val_labels": LABELS[5:6, None], "test_labels": LABELS[6:, None]}
    contents = arrays(npz(med))
    assert np.array_equal(pixels(contents), COLOUR.transpose(0, 3, 1, 2))
    assert contents.splits.tolist() == ["train"] * 5 + ["valid"] + ["test"] * 2
    with pytest.raises(DataError, match="several classes"):
        arrays(npz(med | {"train_labels": np.ones((5, 14), np.uint8)}))


def test_kuzushiji_and_quick_draw_come_as_several_files() -> None:
    files = [
        ("kmnist-train-imgs.npz", npz({"arr_0": GREY})),
        ("kmnist-train-labels.npz", npz({"arr_0": LABELS})),
        ("kmnist-test-imgs.npz", npz({"arr_0": GREY[:2]})),
        ("kmnist-test-labels.npz", npz({"arr_0": LABELS[:2]})),
    ]
    assert arrays(files).counts() == {"train": (3, 3, 2), "test": (1, 1, 0)}
    drawings = [
        ("full_numpy_bitmap_hot air balloon.npy", npy(GREY.reshape(8, 144))),
        ("cat.npy", npy(GREY[:3].reshape(3, 144))),
    ]
    for given in (drawings, packed(dict(drawings))):
        contents = arrays(given)
        assert contents.class_names == ("cat", "hot air balloon")
        assert {name: int((contents.labels == label).sum()) for label, name in enumerate(contents.class_names)} == {
            "cat": 3,
            "hot air balloon": 8,
        }
        assert contents.shape == (1, 12, 12) and set(contents.splits) == {""}


@pytest.mark.parametrize(
    ("stored", "wanted"),
    [
        (GREY.astype(np.int64), GREY),
        (GREY / 255, GREY),
        (GREY.astype(np.uint16) * 257, GREY),
        (np.asfortranarray(GREY), GREY),
        (GREY > 127, (GREY > 127) * np.uint8(255)),
    ],
    ids=["int64", "unit", "16 bits", "by columns", "bool"],
)
def test_values_of_other_types_become_bytes(stored: NDArray[np.generic], wanted: NDArray[np.uint8]) -> None:
    assert np.array_equal(pixels(arrays(npz({"images": stored, "labels": np.eye(3)[LABELS]})))[:, 0], wanted)


def test_arrays_become_the_data_set_that_they_say_whatever_they_are_packed_in(home: Path) -> None:
    data = import_images(mnist(), "Digits")
    assert (data.input_shape, len(data.test)) == ((1, 12, 12), 2)
    assert {image.numpy().tobytes() for image in data.test.images} == {image.tobytes() for image in GREY[6:]}
    taught = np.concatenate([data.train.images.numpy(), data.valid.images.numpy()])
    labels = [*data.train.labels.tolist(), *data.valid.labels.tolist()]
    place = {image.tobytes(): number for number, image in enumerate(GREY)}
    assert [LABELS[place[image.tobytes()]] for image in taught] == labels
    assert data.mean == pytest.approx([float(data.train.images.float().mean()) / 255])
    assert data.std == pytest.approx([float(data.train.images.double().std(unbiased=False)) / 255])
    assert import_images(packed(dict(mnist(prefix="raw/"))), "Digits").name == data.name
    other = import_images(
        mnist(), "Digits", orientation=Orientation(transposed=True, inverted=True), size=16, colour=True
    )
    assert other.name != data.name and other.input_shape == (3, 16, 16)


def test_images_that_stand_twice_are_said(home: Path) -> None:
    twice = np.concatenate([GREY[:6], GREY[:2]])
    report = user_datasets.report(import_images(mnist(twice, np.append(LABELS[:7], np.uint8(2))), "Twice").name)
    assert sum("in more than one class" in words for words in report.warnings) == 1
    assert any("2 of the 2 test images are the same" in words for words in report.warnings)


class _Harm:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path.touch, ("harm",))


def _cut(data: bytes) -> bytes:
    return data[:-5]


HUGE = struct.pack(">BBBB3I", 0, 0, 8, 3, 2**32 - 1, 2**16, 2**16)
LYING = io.BytesIO()
np.lib.format.write_array_header_1_0(LYING, {"descr": "|u1", "fortran_order": False, "shape": (8, 10**8, 10**8)})
HOSTILE: dict[str, tuple[Files, str]] = {
    "IDX cut": ([("images", _cut(idx(GREY))), ("labels", idx(LABELS))], "incomplete or damaged"),
    "IDX with more": ([("images", idx(GREY) + b"x"), ("labels", idx(LABELS))], "incomplete or damaged"),
    "IDX.gz cut": ([("i.gz", _cut(gzip.compress(idx(GREY)))), ("l", idx(LABELS))], "damaged or incomplete"),
    "IDX.gz of terabytes": ([("i.gz", gzip.compress(HUGE)), ("l", idx(LABELS))], "are the most"),
    "IDX other counts": ([("images", idx(GREY)), ("labels", idx(LABELS[:7]))], "7 labels"),
    "IDX without labels": ([("images", idx(GREY))], "no labels"),
    "IDX two sets": (mnist(prefix="emnist-digits-") + mnist(prefix="emnist-mnist-"), "2 data sets"),
    "one class": ([("images", idx(GREY)), ("labels", idx(LABELS * 0))], "at least two classes"),
    "labels below 0": ([("a.npz", npz({"x": GREY, "y": LABELS.astype(int) - 9}))], "below 0"),
    "labels that are no numbers": ([("a.npz", npz({"x": GREY, "y": LABELS / 7}))], "no whole numbers"),
    "objects": ([("a.npz", npz({"x": GREY, "y": np.array([_Harm()] * 8)}))], "Python objects"),
    "npy of terabytes": ([("a.npy", LYING.getvalue()), ("b.npy", npy(GREY))], "incomplete or damaged"),
    "npz cut": ([("a.npz", npz({"x": GREY, "y": LABELS})[:500])], "damaged"),
    "no pixels": ([("a.npz", npz({"x": GREY * 7.5, "y": LABELS}))], "from 0 to 1"),
    "volumes": ([("a.npz", npz({"x": np.zeros((4, 9, 9, 9), np.uint8), "y": LABELS[:4]}))], "shape"),
    "rubbish": ([("a", b"rubbish"), ("b", b"more")], "no data set that is read here"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_damaged_and_hostile_files_get_one_sentence_and_keep_nothing(case: str, home: Path) -> None:
    files, words = HOSTILE[case]
    with pytest.raises(DataError, match=words) as refusal:
        contents = understood(files)
        bring_in(files, "Harm", look=usual_look(contents), contents=contents)
    assert len(str(refusal.value)) < 300 and "\n" not in str(refusal.value)
    assert not [path for path in home.rglob("*") if path.is_file() and path.stat().st_size]
    assert not Path("harm").exists()
