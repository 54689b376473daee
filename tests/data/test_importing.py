"""A zip of pictures becomes exactly the data set that its folders say, whole or not at all."""

import json
import os
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from core.data import dataset_info, user_datasets
from core.data.catalog import DATASETS
from core.data.datasets import _statistics, load_dataset, without_images
from core.data.fitting import fit_image
from core.data.images import decode_image
from core.data.importing.decoder_pool import DEADLY, DecoderPool
from core.data.importing.decoder_worker import NOTE, ImageFormat, squared
from core.data.importing.folder_layout import survey
from core.data.importing.importer import bring_in, import_images
from core.data.importing.zip_builder import archive_of
from core.data.mapped_images import MappedImages
from core.errors import DataError
from core.model.build import build_model
from core.model.presets import preset
from core.train import TrainConfig, train
from tests.data.archives import class_folders, packed, picture

ROOT = Path(__file__).parents[2]


def left_over(home: Path) -> list[str]:
    return sorted(str(path.relative_to(home)) for path in (home / "data" / "own").rglob("*") if path.is_file())


def test_every_picture_arrives_with_its_class_and_in_one_split_only() -> None:
    files = class_folders({"pets/cat": 20, "pets/dog": 30, "pets/10": 10, "pets/9": 10})
    data = import_images(packed(files), "My  pets", size=20)
    assert data.class_names == ("9", "10", "cat", "dog")
    assert (len(data.train), len(data.valid), len(data.test)) == data.info.split_sizes == (56, 7, 7)
    assert data.info.title == "My pets"
    assert data.input_shape == (3, 20, 20)
    wanted = {}
    for name, content in files.items():
        pixels = np.asarray(Image.open(BytesIO(content))).transpose(2, 0, 1)
        wanted[pixels.tobytes()] = name.split("/")[1]
    for split in (data.train, data.valid, data.test):
        for image, label in zip(split.images, split.labels, strict=True):
            assert wanted.pop(image.numpy().tobytes()) == data.class_names[int(label)]
    assert not wanted
    assert data.valid.labels.bincount().tolist() == [1, 1, 2, 3]
    assert data.test.labels.bincount().tolist() == [1, 1, 2, 3]


def test_images_that_stay_in_their_file_are_learned_from_as_others_are(monkeypatch: pytest.MonkeyPatch) -> None:
    one = import_images(packed(class_folders({"a": 20, "b": 20})), "Letters", size=16)
    monkeypatch.setattr(dataset_info, "LARGE_BYTES", 1)
    other = load_dataset(one.name)
    assert type(one.train.images) is not type(other.train.images) is MappedImages
    config = TrainConfig(epochs=2, batch_size=8)
    first, second = (
        [(step.train_loss, step.valid) for step in train(build_model(preset("tutorial", (3, 16, 16), 2)), data, config)]
        for data in (one, other)
    )
    assert first == second
    with user_datasets.images_path(one.name).open("r+b") as file:
        file.truncate(1000)
    with pytest.raises(DataError, match="damaged"):
        load_dataset(one.name)


def test_the_seed_decides_the_splits_and_the_same_files_are_the_same_data_set() -> None:
    archive = packed(class_folders({"a": 20, "b": 20}))
    one, again, other = (import_images(archive, "Letters", size=16, seed=seed) for seed in (0, 0, 1))
    assert one.name == again.name != other.name
    assert torch.equal(one.test.images, again.test.images)
    assert not torch.equal(one.test.images, other.test.images)
    assert import_images(archive, "Others", size=16).name != one.name
    assert import_images(archive, "Letters", size=16, shares=(0.2, 0.3)).info.split_sizes == (20, 8, 12)


@pytest.mark.parametrize(
    ("folders", "sizes"),
    [
        ({"train/a": 10, "train/b": 10, "test/a": 4, "test/b": 2}, (18, 2, 6)),
        ({"Training/a": 10, "Training/b": 10, "val/a": 3, "val/b": 3, "testing/a": 1}, (20, 6, 1)),
        ({"x/y/train/a": 10, "x/y/train/b": 10, "x/y/valid/b": 5}, (18, 5, 2)),
        ({"x/train/a": 10, "x/train/b": 10, "x/readme.txt": 1}, (16, 2, 2)),
        ({"test/2020": 10, "control/2021": 10}, (16, 2, 2)),
    ],
)
def test_folders_of_splits_are_honoured(folders: dict[str, int], sizes: tuple[int, int, int]) -> None:
    files = class_folders(folders)
    files = {name.partition(".txt/")[0] + ".txt" * (".txt/" in name): data for name, data in files.items()}
    data = import_images(packed(files), "Split", size=8)
    assert data.info.split_sizes == sizes
    assert len(data.class_names) == 2


def test_pictures_stay_in_the_split_of_their_folder() -> None:
    train, test = class_folders({"train/a": 6, "train/b": 6}), class_folders({"test/a": 3, "test/b": 3}, 100)
    data = import_images(packed({**train, **test}), "Split", size=20)
    wanted = {np.asarray(Image.open(BytesIO(content))).transpose(2, 0, 1).tobytes() for content in test.values()}
    assert {image.numpy().tobytes() for image in data.test.images} == wanted


def test_statistics_and_pixels_are_those_of_the_training_images() -> None:
    data = import_images(packed(class_folders({"a": 40, "b": 40}, size=(30, 24))), "Statistics", size=12)
    mean, std = _statistics(data.train.images.numpy())
    assert data.mean == pytest.approx(mean, abs=1e-6)
    assert data.std == pytest.approx(std, abs=1e-6)
    again = load_dataset(data.name)
    assert torch.equal(again.train.images, data.train.images)
    assert again.mean == data.mean


@pytest.mark.parametrize("size", [(20, 20), (57, 33), (9, 200), (16, 16)])
@pytest.mark.parametrize("colour", [True, False])
def test_pictures_are_cut_and_sized_as_an_uploaded_one_is(size: tuple[int, int], colour: bool) -> None:
    image = decode_image(picture(3, size))
    look = ImageFormat(16, colour)
    ours = np.asarray(squared(image, look)).reshape(16, 16, -1).transpose(2, 0, 1)
    theirs, _ = fit_image(image, look.shape)
    assert np.array_equal(ours, theirs.numpy())


def test_padding_keeps_all_of_a_picture_and_adds_black() -> None:
    white = Image.new("RGB", (40, 20), "white")
    pixels = np.asarray(squared(white, ImageFormat(16, fit="pad")))
    assert pixels[:4].max() == pixels[12:].max() == 0
    assert pixels[4:12].min() == 255


def test_grey_has_one_channel() -> None:
    data = import_images(packed(class_folders({"a": 5, "b": 5})), "Grey", size=20, colour=False)
    assert data.input_shape == (1, 20, 20)
    assert len(data.mean) == 1
    assert data.train.images.shape[1] == 1


def test_broken_files_are_listed_by_name_and_the_others_come_in() -> None:
    files = class_folders({"a": 12, "b": 12})
    files |= {"a/broken.jpg": b"\xff\xd8\xff nonsense", "b/cut.png": picture(1)[:60], "b/notes.txt": b"hello"}
    files |= {"loose.png": picture(2), ".DS_Store": b"x", "__MACOSX/a/._0.png": b"x", "b/none.png": b""}
    data = import_images(packed(files), "Broken", size=20)
    assert data.info.num_images == 24
    report = user_datasets.report(data.name)
    assert report.num_skipped == 5
    assert {name for name, _ in report.skipped} == {
        "a/broken.jpg",
        "b/cut.png",
        "b/notes.txt",
        "loose.png",
        "b/none.png",
    }
    assert all(reason for _, reason in report.skipped)
    good = {np.asarray(Image.open(BytesIO(files[f"a/{n}.png"]))).transpose(2, 0, 1).tobytes() for n in range(12)}
    came = [
        image.numpy().tobytes()
        for split in (data.train, data.valid, data.test)
        for image in split.images[split.labels == 0]
    ]
    assert set(came) == good and len(came) == 12


def test_warnings_name_few_uneven_and_doubled_pictures() -> None:
    train, test = class_folders({"train/a": 120, "train/b": 12}), class_folders({"test/a": 8, "test/b": 8}, 500)
    test["test/a/copy.jpg"] = picture(5, (40, 40), "JPEG", quality=60)  # the sixth picture of train/a, larger
    few, uneven, doubled = user_datasets.report(
        import_images(packed({**train, **test}), "Warned", size=20).name
    ).warnings
    assert few.startswith("Few pictures to learn from: b (")
    assert uneven.startswith("Uneven classes: ")
    assert doubled.startswith("1 of the 17 test pictures looks nearly the same")
    assert "test/a/copy.jpg and train/a/5.png" in doubled


def test_a_class_without_a_readable_picture_is_left_out() -> None:
    files = class_folders({"a": 5, "c": 5}) | {"b/0.png": b"nonsense"}
    data = import_images(packed(files), "Lost", size=8)
    assert data.class_names == ("a", "c")
    assert "Left out, since none of its pictures can be read: b." in user_datasets.report(data.name).warnings


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({}, "holds no file"),
        ({"a/0.png": picture(0), "a/1.png": picture(1)}, "at least two classes"),
        ({"0.png": picture(0), "1.png": picture(1)}, "at least two classes"),
        ({"a/0.png": picture(0), "b/1.png": picture(1)}, "at least three pictures"),
        ({"a/0.png": b"x", "a/1.png": b"x", "a/2.png": b"x", "b/0.png": b"x"}, "can be read"),
    ],
)
def test_what_is_no_data_set_gets_one_sentence_and_leaves_nothing(
    files: dict[str, bytes], sentence: str, home: Path
) -> None:
    with pytest.raises(DataError, match=sentence) as caught:
        import_images(packed(files), "None", size=8)
    assert str(caught.value).count(". ") == 0
    assert not left_over(home)


@pytest.mark.parametrize(
    ("choice", "sentence"),
    [
        ({"size": 4}, "from 8 to 256"),
        ({"size": 4000}, "from 8 to 256"),
        ({"size": 32.0}, "from 8 to 256"),
        ({"fit": "stretch"}, "crop or pad"),
        ({"shares": (0.0, 0.1)}, "more than nothing"),
        ({"shares": (0.5, 0.4)}, "at most 80%"),
        ({"name": " \n"}, "needs a name"),
    ],
)
def test_choices_out_of_range_get_a_sentence(choice: dict[str, object], sentence: str) -> None:
    wanted = {"name": "Choice", "size": 16} | choice
    with pytest.raises(DataError, match=sentence):
        import_images(packed(class_folders({"a": 5, "b": 5})), **wanted)  # type: ignore[arg-type]


def test_too_much_for_the_memory_is_refused_before_anything_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.data.importing.importer.MAX_BYTES", 10 * 3 * 64**2)
    with pytest.raises(DataError, match=r"choose a size of at most 40"):
        import_images(packed(class_folders({"a": 11, "b": 11})), "Large", size=64)


def test_class_names_are_text_of_one_line_and_no_two_are_alike() -> None:
    folders = {"<b>x</b>": 4, "[a](http://b)": 4, "e\u0301": 2, "é": 2, "tab\there": 3, "y" * 300: 4, "y" * 299: 4}
    data = import_images(packed(class_folders(folders)), "<script>", size=8)
    assert {"<b>x<", "[a](http:", "é", "tab here"} < set(data.class_names)  # a slash parts folders
    assert len(set(data.class_names)) == len(data.class_names) == 6
    assert max(map(len, data.class_names)) <= 40
    assert data.name.startswith("own-script-")
    assert data.info.title == "<script>"


class Stopped(BaseException):
    pass


@pytest.mark.parametrize("at", [0, 1, 200, 10_000])
def test_cancelling_leaves_nothing_behind(at: int, home: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done >= min(at, total):
            raise Stopped

    with pytest.raises(Stopped):
        bring_in(
            packed(class_folders({"a": 150, "b": 150}, size=(8, 8))), "Cancelled", look=ImageFormat(8), progress=stop
        )
    assert not list((home / "data" / "own").glob("*"))
    assert not [name for name in DATASETS if name.startswith("own")]


def test_progress_rises_to_the_number_of_files() -> None:
    told: list[tuple[int, int]] = []
    archive = packed(class_folders({"a": 150, "b": 150}, size=(8, 8)))
    bring_in(archive, "Told", look=ImageFormat(8), progress=lambda *at: told.append(at))
    assert told == sorted(told)
    assert told[0] == (0, 300) and told[-1] == (300, 300)


def test_a_killed_import_shows_nothing_and_the_next_one_sweeps_up(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "a.zip").write_bytes(packed(class_folders({"a": 40, "b": 40})))
    code = "import sys; from pathlib import Path; from core.data.importing.importer import ImageFormat, bring_in\n"
    code += "def hold(done, total): done and (print(done, flush=True), sys.stdin.read())\n"
    code += "bring_in(Path(sys.argv[1]), 'Killed', look=ImageFormat(8), progress=hold)"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code, str(home / "a.zip")], cwd=ROOT, **pipes) as process:
        assert process.stdout is not None and int(process.stdout.readline()) > 0  # pictures are decoded, not published
        process.kill()
    assert not [name for name in DATASETS if name.startswith("own")]
    assert list((home / "data").glob("own/.import-*"))
    monkeypatch.setattr("core.leftovers.STALE_SECONDS", -1.0)
    name = bring_in(packed(class_folders({"a": 5, "b": 5})), "Next", look=ImageFormat(8))
    assert [path.name for path in (home / "data" / "own").iterdir()] == [name]


def test_a_file_that_kills_its_decoder_is_named_and_the_others_come_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.data.importing import decoder_pool

    (tmp_path / "die.py").write_text(
        "import os, core.data.importing.decoder_worker as decoding\n"
        "decode = decoding.decode_members\n"
        "def deadly(archive, members, look):\n"
        "    if any('deadly' in member.name for member in members): os.abort()\n"
        "    return decode(archive, members, look)\n"
        "decoding.decode_members = deadly\n"
        "decoding.main()\n"
    )
    start = subprocess.Popen
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setattr(
        decoder_pool.subprocess,
        "Popen",
        lambda command, **words: start([sys.executable, str(tmp_path / "die.py")], **words),
    )
    files = class_folders({"a": 6, "b": 6}) | {"a/deadly.png": picture(77)}
    name = bring_in(packed(files), "Deadly", look=ImageFormat(8))
    assert user_datasets.report(name).skipped == (("a/deadly.png", DEADLY),)
    assert DATASETS[name].num_images == 12


def test_the_decoders_are_gone_afterwards_and_more_than_one_works(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    archive.write_bytes(packed(class_folders({"a": 100, "b": 100}, size=(8, 8))))
    found, pixels = survey(archive), tmp_path / "pixels"
    pixels.touch()
    crew = DecoderPool(archive, found.files, ImageFormat(8), pixels, 0)
    crew.run(None)
    assert np.fromfile(crew.notes, NOTE)["ok"].all()
    assert pixels.stat().st_size == 200 * 3 * 64


def test_loose_files_make_the_same_data_set_as_their_zip() -> None:
    files = class_folders({"cat": 6, "dog": 6})
    loose = [(kind, [(name, data) for name, data in files.items() if name.startswith(kind)]) for kind in ("cat", "dog")]
    one = import_images(archive_of(loose), "Loose", size=20)
    other = import_images(packed(files), "Zip", size=20)
    assert one.class_names == other.class_names
    assert torch.equal(one.train.images, other.train.images)
    with pytest.raises(DataError, match="name of its own"):
        archive_of([loose[0], ("cat", loose[1][1])])
    with pytest.raises(DataError, match="no picture yet"):
        archive_of([loose[0], ("dog", [])])


def test_the_same_loose_files_are_the_same_archive_at_any_time_of_the_day(monkeypatch: pytest.MonkeyPatch) -> None:
    loose = [(name, [("1.png", picture(seed))]) for seed, name in enumerate(("cat", "dog"))]
    before = archive_of(loose)
    monkeypatch.setattr("time.time", lambda: 1.7e9)
    assert archive_of(loose) == before


def test_it_is_listed_renamed_and_deleted_and_the_rest_of_the_catalogue_stays(home: Path) -> None:
    before = list(DATASETS)
    archive = packed(class_folders({"a": 5, "b": 5}))
    data = import_images(archive, "Mine", size=8)
    assert list(DATASETS) == [*before, data.name] and len(DATASETS) == len(before) + 1
    user_datasets.rename_dataset(data.name, "<i>Ours</i>")
    assert DATASETS[data.name].title == load_dataset(data.name).info.title == "<i>Ours</i>"
    with pytest.raises(DataError, match="needs a name"):
        user_datasets.rename_dataset(data.name, "\x00")
    user_datasets.delete_dataset(data.name, remember=True)
    assert list(DATASETS) == before and data.name not in DATASETS
    known = user_datasets.remembered(data.name)
    assert known is not None and known.class_names == ("a", "b")
    assert torch.equal(without_images(known).normalize(data.test.images), data.normalize(data.test.images))
    with pytest.raises(DataError, match="were deleted: bring the same files in again"):
        load_dataset(data.name)
    assert import_images(archive, "Mine", size=8).name == data.name in DATASETS
    user_datasets.delete_dataset(data.name, remember=False)
    assert not list((home / "data" / "own").iterdir())
    assert user_datasets.remembered(data.name) is None
    with pytest.raises(DataError, match="no data set of your own"):
        user_datasets.delete_dataset("digits", remember=False)


@pytest.mark.parametrize("name", ["../x", "own-../x", "own-", "own-A", "own-a/b", "", "own-" + "x" * 99])
def test_names_lead_nowhere_else(name: str, home: Path) -> None:
    (home / "data" / "own").mkdir(parents=True)
    assert user_datasets.remembered(name) is None
    assert name not in DATASETS


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"format": 1}', '{"format": 2, "title": "x"}'])
def test_a_damaged_record_is_as_if_it_were_not_there(text: str) -> None:
    name = import_images(packed(class_folders({"a": 5, "b": 5})), "Damaged", size=8).name
    path = user_datasets.root() / name / user_datasets.INFO
    kept = path.read_text()
    path.write_text(text)
    os.utime(path, ns=(1, 1))
    assert name not in DATASETS
    path.write_text(json.dumps(json.loads(kept)))
    assert name in DATASETS


def test_damaged_images_get_a_sentence() -> None:
    name = import_images(packed(class_folders({"a": 5, "b": 5})), "Damaged", size=8).name
    user_datasets.images_path(name).write_bytes(b"nonsense")
    with pytest.raises(DataError, match="are damaged: delete the data set"):
        load_dataset(name)
