"""Data sets that come as arrays: what is understood equals what public readers make of the same files."""

import gzip
import io
import json
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.compat import import_torchvision
from core.data import user_datasets
from core.data.images import decode_image
from core.data.importing.folder_layout import Survey
from core.data.importing.importer import Files, bring_in, import_images, understood, usual_look
from core.data.importing.labelled_images import LabelledImages, Orientation
from core.errors import DataError
from tests.data.archives import packed, picture
from tests.data.array_files import COLOUR, GREY, LABELS, cifar, csv, idx, mat, mnist, npy, npz, parquet, tar

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


PLANES = np.random.default_rng(5).integers(0, 256, (8, 3, 32, 32), dtype=np.uint8)


@pytest.mark.parametrize("packing", ["tar.gz", "loose", "zip"])
def test_cifars_binary_version_has_planes_and_names(packing: str) -> None:
    files = {
        "cifar-10-batches-bin/batches.meta.txt": b"\n".join(b"kind %d" % n for n in range(10)) + b"\n\n",
        "cifar-10-batches-bin/data_batch_1.bin": cifar([[n] for n in range(4)], PLANES[:4]),
        "cifar-10-batches-bin/data_batch_2.bin": cifar([[n] for n in range(2)], PLANES[4:6]),
        "cifar-10-batches-bin/test_batch.bin": cifar([[9], [0]], PLANES[6:]),
    }
    given = {"tar.gz": tar(files, "w:gz"), "zip": packed(files), "loose": list(files.items())}[packing]
    contents = arrays(given)  # type: ignore[arg-type]
    assert np.array_equal(pixels(contents), PLANES)
    assert contents.labels.tolist() == [0, 1, 2, 3, 0, 1, 9, 0]
    assert contents.class_names == tuple(f"kind {n}" for n in range(10))
    assert contents.splits.tolist() == ["train"] * 6 + ["test"] * 2


def test_of_cifar_100s_two_labels_the_fine_one_counts() -> None:
    contents = arrays([("train.bin", cifar([[n % 20, 99 - n] for n in range(8)], PLANES))])
    assert [contents.class_names[label] for label in contents.labels] == [str(99 - n) for n in range(8)]
    assert np.array_equal(pixels(contents), PLANES)


def test_stl_10_is_stored_by_columns_as_torchvision_reads_it(tmp_path: Path) -> None:
    stored = np.random.default_rng(1).integers(0, 256, (4, 3, 96, 96), dtype=np.uint8)
    labels = np.array([1, 10, 2, 3], np.uint8)
    files = {"train_X.bin": stored.tobytes(), "train_y.bin": labels.tobytes()}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    public = PUBLIC.STL10.__new__(PUBLIC.STL10)
    public.root, public.base_folder = str(tmp_path), ""
    images, known = public._STL10__loadfile("train_X.bin", "train_y.bin")
    named = {"class_names.txt": b"\n".join(b"thing%d" % n for n in range(10))}
    contents = arrays(tar({f"stl10_binary/{name}": content for name, content in (files | named).items()}, "w:gz"))
    assert np.array_equal(pixels(contents), images)
    assert [contents.class_names[label] for label in contents.labels] == [f"thing{n}" for n in known]


def test_svhn_is_what_torchvision_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = np.random.default_rng(2).integers(0, 256, (32, 32, 3, 20), dtype=np.uint8)
    content = mat(X=images, y=np.arange(1, 21)[:, None] % 10 + 1)
    (tmp_path / "train_32x32.mat").write_bytes(content)
    monkeypatch.setattr(PUBLIC.SVHN, "_check_integrity", lambda self: True)
    public = PUBLIC.SVHN(tmp_path, "train")
    contents = arrays([("train_32x32.mat", content)])
    assert np.array_equal(pixels(contents), public.data)
    assert [contents.class_names[label] for label in contents.labels] == list(map(str, public.labels.tolist()))
    assert contents.class_names == tuple("0123456789")


def test_emnists_matlab_file_holds_both_splits_in_a_structure() -> None:
    upright = GREY.swapaxes(1, 2).reshape(8, 144)
    part = {"images": upright[:6], "labels": LABELS[:6, None] + 1, "writers": LABELS[:6, None]}
    test = {"images": upright[6:], "labels": LABELS[6:, None] + 1, "writers": LABELS[6:, None]}
    mapping = np.array([[1, 65, 97], [2, 66, 98], [3, 67, 99]])
    contents = arrays(mat(dataset={"train": part, "test": test, "mapping": mapping}))
    assert np.array_equal(pixels(contents)[:, 0], GREY)
    assert [contents.class_names[label] for label in contents.labels] == ["ABC"[label] for label in LABELS]
    assert contents.counts() == {"train": (2, 2, 2), "test": (1, 1, 0)}


@pytest.mark.parametrize("place", ["first", "last"])
@pytest.mark.parametrize("header", [True, False])
def test_tables_of_pixels_have_their_label_first_or_last(place: str, header: bool) -> None:
    dark = GREY.copy()
    dark[:, [0, -1]] = 0
    names = [f"pixel{n}" for n in range(144)]
    rows: list[list[object]] = [
        [label, *image.ravel()] if place == "first" else [*image.ravel(), label]
        for label, image in zip(LABELS, dark, strict=True)
    ]
    titles = (["label", *names] if place == "first" else [*names, "label"]) if header else []
    contents = arrays([("mnist_train.csv", csv(rows, titles)), ("mnist_test.csv", csv(rows[:2], titles))])
    assert np.array_equal(pixels(contents)[:8, 0], dark) and contents.labels[:8].tolist() == LABELS.tolist()
    assert contents.counts() == {"train": (3, 3, 2), "test": (1, 1, 0)}


def test_hugging_faces_tables_bring_pictures_names_and_splits(home: Path) -> None:
    files = [
        ("train-00000-of-00002.parquet", parquet([2, 0, 1, -1, 2, 0], ["ant", "bee", "cat"])),
        ("train-00001-of-00002.parquet", parquet([0, 1, 2, 0, 1, 2], ["ant", "bee", "cat"], compression="zstd")),
        ("test-00000-of-00001.parquet", parquet([1, 2], ["ant", "bee", "cat"])),
    ]
    contents = understood(files)
    assert isinstance(contents, Survey) and contents.container is not None
    assert contents.class_names == ("ant", "bee", "cat")
    assert contents.counts() == {"train": (4, 3, 4), "test": (0, 1, 1)}
    assert [skipped.reason for skipped in contents.skipped] == ["it has no label"]
    data = import_images(files, "Animals", size=20)
    shown = {
        image.numpy().tobytes(): int(label) for image, label in zip(data.test.images, data.test.labels, strict=True)
    }
    wanted = [np.asarray(decode_image(picture(n))).transpose(2, 0, 1).tobytes() for n in range(2)]
    assert shown == {wanted[0]: 1, wanted[1]: 2}
    assert contents.container.content(5) == picture(4)  # after two of test, and one without a label


def test_webdatasets_pair_files_by_key_and_tars_of_folders_are_read(home: Path) -> None:
    files = {}
    for number in range(6):
        files[f"{number:06d}.png"] = picture(number)
        files[f"{number:06d}.cls" if number % 2 else f"{number:06d}.json"] = (
            b"%d" % (number % 3) if number % 2 else b'{"label": %d, "caption": "x"}' % (number % 3)
        )
    shards = [("train-000.tar", tar(files)), ("val-000.tar.gz", tar(files, "w:gz"))]
    contents = understood(shards)
    assert contents.counts() == {"train": (2, 2, 2), "valid": (2, 2, 2)}
    assert import_images(shards, "Shards", size=8).info.split_sizes == (3, 6, 3)
    folders = understood([("flowers.tgz", tar({f"photos/{n % 2}/{n}.png": picture(n) for n in range(6)}, "w:gz"))])
    assert folders.class_names == ("0", "1") and folders.counts() == {"": (3, 3)}
    assert (
        import_images(tar({f"photos/{n % 2}/{n}.png": picture(n) for n in range(6)}), "F", size=8).info.num_images == 6
    )


@pytest.mark.parametrize("table", ["csv", "no ending", "fiftyone"])
def test_a_flat_folder_takes_its_labels_from_a_table(table: str, home: Path) -> None:
    pictures = {f"data/p{n}.png": picture(n) for n in range(7)}
    labels = {f"p{n}": "ant" if n % 2 else "bee" for n in range(6)} | {"gone": "ant"}  # p6 has none
    ending = ".png" if table == "csv" else ""
    rows = [[f"{name}{ending}", "x", label] for name, label in labels.items()]
    known = {"classes": ["bee", "ant"], "labels": {name: int(label == "ant") for name, label in labels.items()}}
    content = json.dumps(known).encode() if table == "fiftyone" else csv(rows, ["id", "source", "label"])
    files = packed(pictures | {"labels.json" if table == "fiftyone" else "train.csv": content})
    contents = understood(files)
    assert contents.class_names == ("ant", "bee") and contents.counts() == {"": (3, 3)}
    assert {skipped.name.rpartition("/")[2]: skipped.reason for skipped in contents.skipped} == {
        "p6.png": "it has no label",
        "gone": "named in the table and not there",
    }
    data = import_images(files, "Flat", size=20)
    odd = {np.asarray(decode_image(picture(n))).transpose(2, 0, 1).tobytes() for n in (1, 3, 5)}
    for split in (data.train, data.valid, data.test):
        for image, label in zip(split.images, split.labels, strict=True):
            assert (image.numpy().tobytes() in odd) == (data.class_names[int(label)] == "ant")


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
    "CIFAR pickles": ([("data_batch_1", pickle.dumps({b"data": GREY, b"labels": [1]}))], "binary version"),
    "CIFAR bad label": ([("a.bin", cifar([[1], [2], [77]], PLANES[:3]))], "a label 77"),
    "CIFAR.tar.gz cut": ([("a.tar.gz", _cut(tar({"a.bin": cifar([[1]], PLANES[:1])}, "w:gz")))], "damaged"),
    "MATLAB 7.3": ([("a.mat", b"MATLAB 7.3 MAT-file".ljust(128) + b"x")], "-v7"),
    "MATLAB cut": ([("a.mat", mat(X=GREY, y=LABELS)[:300])], "damaged"),
    "MATLAB without labels": ([("a.mat", mat(X=GREY))], "no matrix"),
    "CSV other rows": ([("a.csv", csv([[1, *GREY[0].ravel()], [2, 3]]))], "other lengths"),
    "CSV out of range": ([("a.csv", csv([[1, *[7] * 144], [2, *[700] * 144]]))], "0 to 255"),
    "CSV without labels": ([("a.csv", csv([[*GREY[0].ravel()]] * 2))], "none for labels"),
    "parquet paths": ([("a.parquet", parquet([0, 1], inside=False))], "by path"),
    "parquet cut": ([("a.parquet", parquet([0, 1])[:-9])], "damaged"),
    "parquet bent": ([("a.parquet", parquet([0, 1]).replace(b"PNG", b"\x15\xff\xff", 1)[:900])], "damaged"),
    "parquet several labels": ([("a.parquet", parquet([[0, 1], [1]]))], "several labels"),
    "parquet label without a name": ([("a.parquet", parquet([0, 5], ["a", "b"]))], "has no name"),
    "WebDataset lists": ([("a.tar", tar({"1.png": picture(1), "1.json": b'{"label": [1, 2]}'}))], "2 labels"),
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
