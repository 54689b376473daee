"""Downloads arrive whole and checked, or leave one sentence and nothing on the disk."""

import gzip
import hashlib
import io
import socket
import struct
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch

from core import download
from core.compat import import_torchvision
from core.data.arrays import is_stored
from core.data.catalog import DATASETS
from core.data.datasets import load_dataset
from core.data.download import DOWNLOADS
from core.data.sources import CIFAR_BATCHES, READERS, read_idx
from core.download import Download
from core.errors import DataError, StorageError

RNG = np.random.default_rng(0)
CIFAR = {name: RNG.integers(0, 256, size=(20, 3073), dtype=np.uint8) for name in CIFAR_BATCHES}
for records in CIFAR.values():
    records[:, 0] = np.arange(20) % 10


def _cifar_archive() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        members = {**{name: CIFAR[name].tobytes() for name in reversed(CIFAR_BATCHES)}, "readme.html": b"<p>"}
        for name, content in members.items():
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def _idx(values: np.ndarray) -> bytes:
    header = bytes([0, 0, 8, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape)
    return gzip.compress(header + values.astype(np.uint8).tobytes())


class Server(ThreadingHTTPServer):
    """Serves bytes by path; `cut` ends every answer early, `silent` never answers."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.cut = 0
        self.silent = threading.Event()
        self.silent.set()

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{name}"

    def offer(self, name: str, content: bytes) -> Download:
        self.content[f"/{name}"] = content
        return Download((self.url(name),), hashlib.md5(content).hexdigest(), len(content))


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.requests.append(self.path)
        self.server.silent.wait(10)
        content = self.server.content.get(self.path)
        if content is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) - self.server.cut])

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "*")
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server
    server.silent.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def cifar(server: Server, monkeypatch: pytest.MonkeyPatch) -> Download:
    """Make CIFAR-10 a small archive on the local server."""
    file = server.offer("cifar-10-binary.tar.gz", _cifar_archive())
    _set(monkeypatch, file)
    monkeypatch.setitem(DATASETS, "cifar10", replace(DATASETS["cifar10"], split_sizes=(80, 20, 20)))
    return file


def _set(monkeypatch: pytest.MonkeyPatch, file: Download) -> None:
    monkeypatch.setitem(DOWNLOADS, "cifar10", (file,))


def test_cifar10_holds_the_records_of_its_archive(cifar: Download) -> None:
    dataset = load_dataset("cifar10")
    assert tuple(map(len, (dataset.train, dataset.valid, dataset.test))) == (80, 20, 20)
    test = CIFAR["test_batch.bin"]
    pairs = {(label, image.tobytes()) for label, image in zip(test[:, 0].tolist(), test[:, 1:], strict=True)}
    labels, images = dataset.test.labels.tolist(), dataset.test.images.numpy()
    assert {(label, image.tobytes()) for label, image in zip(labels, images, strict=True)} == pairs
    first = CIFAR["data_batch_1.bin"][0, 1:]  # 1024 red, 1024 green, 1024 blue values, rows first
    together = torch.cat([dataset.train.images, dataset.valid.images])
    match = next(image for image in together if image.numpy().tobytes() == first.tobytes())
    assert match[1, 2, 3] == first[1024 + 2 * 32 + 3]


def test_download_is_told_and_done_once(cifar: Download, server: Server, home: Path) -> None:
    told: list[tuple[int, int]] = []
    first = load_dataset("cifar10", progress=lambda done, total: told.append((done, total)))
    assert told == sorted(told)
    assert told[-1] == (cifar.num_bytes, cifar.num_bytes)
    assert [path.name for path in (home / "data").iterdir()] == ["cifar10-1.safetensors"]
    again = load_dataset("cifar10", progress=lambda done, total: pytest.fail("downloaded again"))
    assert torch.equal(first.train.images, again.train.images)
    assert len(server.requests) == 1


def test_mnist_holds_the_images_of_its_files(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    images, test_images = (RNG.integers(0, 256, size=(count, 28, 28)) for count in (60, 20))
    labels, test_labels = np.arange(60) % 10, np.arange(20) % 10
    files = [server.offer(f"{n}.gz", _idx(part)) for n, part in enumerate((images, labels, test_images, test_labels))]
    monkeypatch.setitem(DOWNLOADS, "fashion_mnist", tuple(files))
    told: list[int] = []
    arrays = READERS["fashion_mnist"](lambda done, total: told.append(done))
    assert np.array_equal(arrays.images[:, 0], np.concatenate([images, test_images]))
    assert np.array_equal(arrays.labels, np.concatenate([labels, test_labels]))
    assert told == sorted(told)
    assert told[-1] == sum(file.num_bytes for file in files)


def test_addresses_and_classes_agree_with_torchvision(tmp_path: Path) -> None:
    datasets = import_torchvision().datasets
    for name, theirs in {"mnist": datasets.MNIST, "fashion_mnist": datasets.FashionMNIST}.items():
        assert [file.md5 for file in DOWNLOADS[name]] == [md5 for _, md5 in theirs.resources]
        for file, (path, _) in zip(DOWNLOADS[name], theirs.resources, strict=True):
            assert file.urls == tuple(mirror + path for mirror in theirs.mirrors)
    assert DATASETS["fashion_mnist"].class_names == tuple(datasets.FashionMNIST.classes)
    packed = _idx(RNG.integers(0, 256, size=(5, 28, 28)))
    (tmp_path / "images").write_bytes(gzip.decompress(packed))
    expected = datasets.mnist.read_image_file(str(tmp_path / "images"))
    assert np.array_equal(read_idx(io.BytesIO(packed)), expected.numpy())


def _refused(match: str, home: Path) -> None:
    with pytest.raises(DataError, match=match) as caught:
        load_dataset("cifar10")
    sentence = str(caught.value)
    assert sentence.startswith("Photographs (CIFAR-10) could not be downloaded because 127.0.0.1 ")
    assert sentence.endswith(
        ": check the internet connection and try again, "
        "or choose a data set that needs no download: “Handwritten digits (MNIST, 5,000)”, “Small handwritten digits "
        "(8 × 8)”, “Shapes on textured backgrounds”."
    )
    assert not is_stored("cifar10")
    assert [path for path in home.rglob("*") if path.is_file()] == []


def test_broken_checksum(cifar: Download, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, replace(cifar, md5="0" * 32))
    _refused("127.0.0.1 sent a damaged file", home)


def test_cut_off_download(cifar: Download, server: Server, home: Path) -> None:
    server.cut = 1000
    _refused("127.0.0.1 stopped sending half-way", home)
    server.cut = 0
    assert len(load_dataset("cifar10").test) == 20


def test_answer_without_end_is_not_read_to_its_end(cifar: Download, server: Server, home: Path) -> None:
    server.content["/cifar-10-binary.tar.gz"] += bytes(10**7)
    _refused("127.0.0.1 sent a damaged file", home)


def test_missing_file(cifar: Download, server: Server, home: Path) -> None:
    server.content.clear()
    _refused("127.0.0.1 answers with error 404", home)
    assert list(home.iterdir()) == []


def test_refused_connection(cifar: Download, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening
        _set(monkeypatch, replace(cifar, urls=(f"http://127.0.0.1:{taken.getsockname()[1]}/file",)))
        _refused(r"127.0.0.1 cannot be reached \(.+\)", home)
    assert list(home.iterdir()) == []


def test_silent_server(cifar: Download, server: Server, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "CONNECT_SECONDS", 0.1)
    server.silent.clear()
    _refused("127.0.0.1 does not answer", home)
    assert list(home.iterdir()) == []


def test_server_that_falls_silent_half_way(cifar: Download, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "STALL_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        _set(monkeypatch, replace(cifar, urls=(f"http://127.0.0.1:{listening.getsockname()[1]}/file",)))

        def begin(held: list[socket.socket]) -> None:
            connection, _ = listening.accept()
            connection.recv(4096)
            connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 100000\r\n\r\nbeginning")
            held.append(connection)

        held: list[socket.socket] = []
        threading.Thread(target=begin, args=(held,), daemon=True).start()
        _refused("127.0.0.1 stopped sending half-way", home)
        held[0].close()


def test_second_address_helps_out(cifar: Download, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, replace(cifar, urls=(server.url("gone"), *cifar.urls)))
    assert len(load_dataset("cifar10").test) == 20
    assert server.requests == ["/gone", "/cifar-10-binary.tar.gz"]


def test_giving_up_leaves_nothing(cifar: Download, home: Path) -> None:
    def give_up(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load_dataset("cifar10", progress=give_up)
    assert [path for path in home.rglob("*") if path.is_file()] == []


def test_full_disk_while_downloading(cifar: Download, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.BytesIO):
        def write(self, block: object) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(download.tempfile, "TemporaryFile", lambda dir: Full())
    with pytest.raises(StorageError, match=r"is full: free some space and try again\.$"):
        load_dataset("cifar10")
    assert not is_stored("cifar10")
