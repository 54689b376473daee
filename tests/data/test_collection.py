"""Pictures on their way to a data set: classes that are edited, limits, codes, and what is left when visitors leave."""

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data import user_datasets
from core.data.catalog import DATASETS
from core.data.collection import collection as limits
from core.data.collection.codes import REFUSAL, VALID_SECONDS, Codes
from core.data.collection.collection import Collection
from core.data.collection.folders import sort_by_folder
from core.data.collection.making import make_dataset, obstacle, title_of
from core.data.collection.registry import Registry
from core.data.collection.thumbnail_decoder import ThumbnailDecoder
from core.data.collection.thumbnails import ThumbnailMaker
from core.data.datasets import load_dataset
from core.data.importing.decoder_pool import DEADLY
from core.data.importing.decoder_worker import ImageFormat
from core.errors import DataError
from tests.data.archives import picture


class Clock:
    """Seconds that pass when a test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def registry(home: Path, clock: Clock) -> Registry:
    return Registry(clock, kept=60)


@pytest.fixture
def collection(registry: Registry) -> Iterator[Collection]:
    made = registry.open("visitor")
    yield made
    registry.release(made.token)


def fill(collection: Collection, box: str, *files: bytes) -> list[str]:
    """Add files to a class, wait until they are decoded, and return why each was left out."""
    pictures = [collection.add(box, f"{place}.png", file) for place, file in enumerate(files)]
    return [each.outcome.result(60) if each else "at once" for each in pictures]


def names(collection: Collection) -> list[tuple[str, int]]:
    return [(box.name, len(box.pictures)) for box in collection.boxes]


def transparent(size: int) -> bytes:
    content = io.BytesIO()
    Image.new("RGBA", (size, size), (200, 0, 0, 0)).save(content, "PNG")
    return content.getvalue()


def test_classes_are_renamed_merged_and_removed_and_pictures_moved_and_deleted(collection: Collection) -> None:
    first, second = (box.id for box in collection.boxes)
    files = [picture(seed) for seed in range(5)]
    assert fill(collection, first, *files[:3]) + fill(collection, second, *files[2:]) == [""] * 6
    third = collection.add_class("  Dog\n<b> ")
    collection.rename(first, "Cat")
    assert names(collection) == [("Cat", 3), ("Class 2", 3), ("Dog <b>", 0)]
    assert [clash[1:] for clash in collection.clashes()] == [("Cat", "Class 2")]
    with pytest.raises(DataError, match="There is a class Cat already"):
        collection.rename(third, "Cat")
    moving = [picture.id for picture in collection.box(first).pictures[:1]]
    collection.move(moving, third)
    collection.merge(second, first)  # the picture that both have is there once
    assert names(collection) == [("Cat", 4), ("Dog <b>", 1)]
    assert collection.clashes() == []
    collection.delete(moving)
    collection.remove(third)
    assert names(collection) == [("Cat", 4)]
    assert collection.used == sum(map(len, files[1:]))
    with pytest.raises(DataError, match="removed meanwhile"):
        collection.box(third)


def test_what_is_no_picture_is_listed_and_odd_ones_are_taken(collection: Collection) -> None:
    box = collection.boxes[0].id
    large = picture(1, (4000, 3000), "JPEG")
    reasons = fill(collection, box, b"%PDF-1.7 not at all", large, picture(2, (1, 1)), transparent(40), large, b"")
    assert "This is a PDF" in reasons[0] and reasons[1:] == ["", "", "", "at once", "at once"]
    assert [refused.reason for refused in collection.refused[:2]] == [
        "The same picture is in this class already.",
        "It is empty.",
    ]
    assert collection.refused[2].name == "0.png" and collection.refused[2].reason == reasons[0]
    views = [np.asarray(Image.open(io.BytesIO(each.thumbnail))) for each in collection.box(box).pictures]
    assert [view.shape for view in views] == [(96, 96, 3)] * 3
    assert views[2].min() > 250  # what is transparent is white


def test_a_decoder_that_dies_costs_the_picture_at_hand_and_no_room(tmp_path: Path) -> None:
    file = tmp_path / "picture"
    file.write_bytes(picture(1, (300, 200), "JPEG"))
    with ThumbnailDecoder() as decoder:
        assert decoder.thumbnail(file)[1] == ""
        decoder.start()._process.kill()
        assert decoder.thumbnail(file) == (b"", DEADLY)
        for _ in range(40):
            thumbnail, reason = decoder.thumbnail(file)
            assert Image.open(io.BytesIO(thumbnail)).size == (96, 96) and not reason
        assert Path(decoder._archive.name).stat().st_blocks * 512 < 4 * file.stat().st_size + 16_384


def test_where_nothing_can_be_decoded_no_picture_waits_for_ever(
    collection: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    alone = Collection("another", tmp_path, collection._bytes, ThumbnailMaker())
    for _ in range(2):
        assert "try again" in fill(alone, alone.add_class(), picture(1))[0]
    assert [box.pictures for box in alone.boxes] == [(), ()]


def test_there_is_an_end_to_classes_pictures_and_bytes(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (box.id for box in collection.boxes)
    for _ in range(limits.MOST_CLASSES - 2):
        collection.add_class()
    with pytest.raises(DataError, match="30 classes are the most here"):
        collection.add_class()
    monkeypatch.setattr(limits, "MOST_OF_CLASS", 2)
    assert fill(collection, first, *(picture(seed) for seed in range(3))) == ["", "", "at once"]
    monkeypatch.setenv("CONVSCOPE_MAX_UPLOAD_MB", "1")
    monkeypatch.setenv("CONVSCOPE_MAX_VISITOR_MB", "2")
    padded = [picture(seed, kind="JPEG") + bytes(1_000_000) for seed in range(2)]
    assert collection.add(first, "x.png", bytes(2**20 + 1)) is None
    assert fill(collection, second, *padded) == ["", "at once"]
    reasons = [refused.reason for refused in collection.refused]
    assert "2 pictures of a class are the most here." in reasons[0]
    assert any("This collection is full" in reason for reason in reasons)
    with collection.incoming(second, "cut off.jpg") as incoming:
        incoming.write(b"half of it")
    assert not [each for each in collection.box(second).pictures if each.name == "cut off.jpg"]


def test_ten_at_once_lose_nothing(collection: Collection) -> None:
    boxes = [box.id for box in collection.boxes]

    def send(number: int) -> list[str]:
        return fill(collection, boxes[number % 2], *(picture(10 * number + each) for each in range(4)))

    with ThreadPoolExecutor(10) as threads:
        assert [*threads.map(send, range(10))] == [[""] * 4] * 10
    assert names(collection) == [("Class 1", 20), ("Class 2", 20)]


def test_a_collection_goes_once_nobody_holds_it(registry: Registry, clock: Clock, home: Path) -> None:
    made = registry.open("first visit")
    fill(made, made.boxes[0].id, picture(1))
    code = registry.codes.issue(made.token, made.boxes[0].id)
    registry.leave("first visit")
    with pytest.raises(DataError, match="not valid any more"):
        registry.codes.find(code)
    clock.now = 59
    assert registry.hold(made.token, "after a reload") is made
    clock.now = 900
    assert registry.find(made.token) is made
    assert [*(home / "collections").iterdir()]
    registry.leave("after a reload")
    clock.now = 960
    registry.sweep()
    assert registry.find(made.token) is None and not [*(home / "collections").iterdir()]
    registry.open("at the end")
    registry.close()
    assert not [*(home / "collections").iterdir()]


def test_codes_that_are_guessed_expired_or_withdrawn_get_the_same_words(clock: Clock) -> None:
    codes = Codes(clock)
    kept, shut = codes.issue("a", "box"), codes.issue("a", "other")
    codes.withdraw(code=shut)
    clock.now = VALID_SECONDS - 1
    assert (codes.find(kept).collection, codes.find(kept).box) == ("a", "box")
    for code in (shut, kept[:-1], kept + "A", "", "\ud800", "x" * 10_000):
        with pytest.raises(DataError) as refused:
            codes.find(code)
        assert str(refused.value) == REFUSAL
    clock.now = VALID_SECONDS
    with pytest.raises(DataError) as refused:
        codes.find(kept)
    assert str(refused.value) == REFUSAL
    ours, theirs = codes.issue("a", "box"), codes.issue("b", "box")
    codes.withdraw(collection="a")
    assert codes.find(theirs)
    with pytest.raises(DataError):
        codes.find(ours)


def test_folders_become_classes_and_one_folder_one_class() -> None:
    paths = ["pets/cat/1.jpg", "pets/dog/a/2.jpg", "pets/.git/x.png", "pets/cat/Thumbs.db", "pets/read me.txt"]
    classes, left_out = sort_by_folder(paths)
    assert classes == {"cat": [0], "dog": [1]}
    assert left_out == [(4, "It is in no folder of a class.")]
    assert sort_by_folder(["roses/1.jpg", "roses/2.jpg"]).classes == {"roses": [0, 1]}


def test_a_data_set_has_the_names_of_the_classes_whatever_they_are(collection: Collection) -> None:
    first, second = (box.id for box in collection.boxes)
    assert "two classes" in obstacle(collection.boxes)
    fill(collection, first, *(picture(seed) for seed in range(6)))
    fill(collection, second, picture(90))  # a class with one picture
    collection.add_class("Empty")
    for box, name in ((first, "test"), (second, "../<i>x")):
        collection.rename(box, name)
    assert obstacle(collection.boxes) == ""
    assert title_of(collection.boxes) == "test, ../<i>x"
    name = make_dataset(collection.boxes, ImageFormat(16))
    data = load_dataset(name)
    assert data.class_names == ("../<i>x", "test") and DATASETS[name].title == "test, ../<i>x"
    assert [len(split.labels) for split in (data.train, data.valid, data.test)] == [5, 1, 1]
    assert data.train.labels.tolist().count(0) == 1
    assert make_dataset(collection.boxes, ImageFormat(16)) == name  # the same again
    assert user_datasets.report(name).num_skipped == 0


def test_pictures_of_two_classes_are_told_of_with_the_data_set(collection: Collection) -> None:
    files = [picture(seed) for seed in range(5)]
    for box in collection.boxes:
        fill(collection, box.id, *files)
    assert len(collection.clashes()) == 5
    name = make_dataset(collection.boxes, ImageFormat(16))
    assert any("more than one class" in warning for warning in user_datasets.report(name).warnings)
