"""The catalogue is complete."""

import pytest

from core.data.catalog import DATASETS
from core.data.download import DOWNLOADS
from core.data.sources import READERS
from core.data.synthetic.shapes import SHAPES


def test_order_is_the_one_of_the_menu() -> None:
    assert list(DATASETS) == ["mnist5k", "digits", "shapes", "cifar10", "mnist", "fashion_mnist"]


def test_every_data_set_has_a_reader_and_only_downloads_have_addresses() -> None:
    assert set(READERS) == set(DATASETS)
    assert set(DOWNLOADS) == {name for name, info in DATASETS.items() if info.download_mb is not None}


@pytest.mark.parametrize("name", DATASETS)
def test_entry_is_complete(name: str) -> None:
    info = DATASETS[name]
    assert info.name == name
    assert len(set(info.class_names)) == len(info.class_names) == 10
    assert all((info.title, info.summary, info.source, info.licence))
    assert info.summary.endswith(".")
    assert info.num_images == sum(info.split_sizes)
    assert min(info.split_sizes) >= 300


@pytest.mark.parametrize("name", DOWNLOADS)
def test_stated_download_is_the_size_of_the_files(name: str) -> None:
    assert DATASETS[name].download_mb == round(sum(file.num_bytes for file in DOWNLOADS[name]) / 1e6, 1)


def test_shapes_are_drawn_for_every_class() -> None:
    assert tuple(SHAPES) == DATASETS["shapes"].class_names
