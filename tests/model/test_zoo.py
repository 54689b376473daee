"""The pretrained network that comes with the app knows what it sees; the others arrive whole and checked, or not."""

import hashlib
import io
import os
import re
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
import torch.fx
from torch import nn

from core import assets, download
from core.compat import import_torchvision
from core.data.fitting import fit_image
from core.data.images import decode_image
from core.errors import StorageError, ZooError
from core.inference.prediction import predict
from core.model import zoo
from core.model.zoo import ZOO
from core.model.zoo_weights import load_pretrained

SAMPLES = Path(__file__).parents[2] / "assets" / "samples"
BUNDLED = "efficientnet_lite0"
OTHERS = [name for name, info in ZOO.items() if info.download_mb is not None]


def normalized(picture: str, name: str) -> torch.Tensor:
    info = ZOO[name]
    pixels, _ = fit_image(decode_image((SAMPLES / f"{picture}.jpg").read_bytes()), info.input_shape)
    mean, std = (torch.tensor(values)[:, None, None] for values in (info.mean, info.std))
    return ((pixels / 255 - mean) / std)[None]


def untrained(name: str) -> nn.Module:
    """Return torchvision's own network of this name, with random weights that always are the same."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return import_torchvision().models.get_model(name, weights=None).eval()


@pytest.mark.parametrize(
    ("picture", "word", "probability", "logits"),
    [  # the first three logits of the package efficientnet-lite-pytorch 0.1.0 with the same weights
        ("cat", "Egyptian cat", 0.387, [-0.84135, 1.14785, -2.55421]),
        ("coffee", "espresso", 0.915, [0.56217, 0.2219, -1.02311]),
    ],
)
def test_the_bundled_network_names_the_samples_as_its_makers_code_does(
    picture: str, word: str, probability: float, logits: list[float], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torchvision", None)  # which nobody has to wait for
    zoo.imagenet_classes.cache_clear()
    model, image = load_pretrained(BUNDLED), normalized(picture, BUNDLED)
    probabilities = predict(model, image)[0]
    assert ZOO[BUNDLED].class_names[int(probabilities.argmax())] == word
    assert float(probabilities.max()) == pytest.approx(probability, abs=5e-4)
    with torch.no_grad():
        assert model(image)[0, :3].tolist() == pytest.approx(logits, abs=1e-4)
    assert list(home.iterdir()) == []


def test_damaged_weights_of_the_bundled_network_are_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged = bytearray((assets.ASSETS / ZOO[BUNDLED].file).read_bytes())
    damaged[9_000_000] ^= 1
    (tmp_path / BUNDLED).mkdir()
    (tmp_path / ZOO[BUNDLED].file).write_bytes(damaged)
    monkeypatch.setattr(assets, "ASSETS", tmp_path)
    with pytest.raises(StorageError, match=r"^The file assets/efficientnet_lite0/weights-\w+\.safetensors .* damaged"):
        load_pretrained(BUNDLED)


def test_the_registry_says_what_torchvision_does() -> None:
    models = import_torchvision().models
    for name in OTHERS:
        info = ZOO[name]
        weights = next(each for each in models.get_model_weights(name) if each.url.endswith(info.file))
        assert info.download is not None and info.download.urls == (weights.url,)
        assert info.download_mb == pytest.approx(weights.meta["_file_size"] * 1.048576, abs=0.06)
        assert info.accuracy == pytest.approx(weights.meta["_metrics"]["ImageNet-1K"]["acc@1"], abs=0.051)
        assert info.parameters == pytest.approx(weights.meta["num_params"] / 1e6, abs=0.05)
        assert info.class_names == tuple(weights.meta["categories"])
        applied = weights.transforms()
        assert (list(info.mean), list(info.std)) == (applied.mean, applied.std)
        assert info.input_shape[1:] == tuple(applied.crop_size * 2)
    assert len(ZOO[BUNDLED].class_names) == 1000


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content: dict[str, bytes] = {}
        self.requests = 0


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.requests += 1
        content = self.server.content.get(self.path)
        self.send_response(404 if content is None else 200)
        self.end_headers()
        with suppress(OSError):  # who asked has left
            self.wfile.write(content or b"")

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "*")
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    monkeypatch.setattr(zoo, "PLACE", f"http://127.0.0.1:{server.server_port}/")
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def offer(server: Server, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, object], None]:
    """Return a function that puts a file of weights of a network on the local server."""

    def put(name: str, weights: object) -> None:
        file = io.BytesIO()
        torch.save(weights, file)
        content = file.getvalue()
        title = f"{name}-{hashlib.sha256(content).hexdigest()[:8]}.pth"
        monkeypatch.setitem(ZOO, name, replace(ZOO[name], file=title, download_mb=len(content) / 1e6))
        server.content[f"/{title}"] = content

    return put


def files(home: Path) -> list[str]:
    return [path.name for path in home.rglob("*") if path.is_file()]


@pytest.mark.parametrize("name", [name for name in OTHERS if ZOO[name].parameters < 30])
def test_downloaded_networks_compute_what_torchvisions_do(name: str, offer: Callable[[str, object], None]) -> None:
    theirs = untrained(name)
    offer(name, {key: value for key, value in theirs.state_dict().items() if not key.endswith("num_batches_tracked")})
    before = torch.get_rng_state()
    ours = load_pretrained(name)
    assert torch.equal(before, torch.get_rng_state())
    images = normalized("cat", name)
    with torch.no_grad():
        assert torch.equal(ours(images), theirs(images))
    assert not any(module.training or getattr(module, "inplace", False) for module in ours.modules())
    graph = torch.fx.Tracer().trace(ours)
    called = [node.target for node in graph.nodes if node.op == "call_module"]
    assert len(called) == len(set(called))


def test_weights_are_fetched_once_and_kept_as_tensors(
    server: Server, offer: Callable[[str, object], None], home: Path
) -> None:
    offer("squeezenet1_1", untrained("squeezenet1_1").state_dict())
    told: list[tuple[int, int]] = []
    assert not ZOO["squeezenet1_1"].is_here
    first = load_pretrained("squeezenet1_1", lambda done, total: told.append((done, total)))
    assert ZOO["squeezenet1_1"].is_here
    assert told == sorted(told) and told[-1][0] == told[-1][1] > 4e6
    assert [Path(name).suffix for name in files(home)] == [".safetensors"]
    again = load_pretrained("squeezenet1_1", lambda done, total: pytest.fail("downloaded again"))
    for one, other in zip(first.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)
    assert server.requests == 1
    (kept,) = (home / "zoo").iterdir()
    kept.write_bytes(kept.read_bytes()[:1000])  # damaged: fetched again
    load_pretrained("squeezenet1_1")
    assert server.requests == 2


def test_names_from_before_torch_forbade_dots_are_read(offer: Callable[[str, object], None]) -> None:
    theirs = untrained("densenet121")
    old = {
        re.sub(r"(denselayer\d+\.(?:norm|conv))(\d\.)", r"\1.\2", key): value
        for key, value in theirs.state_dict().items()
    }
    assert "features.denseblock1.denselayer1.norm.1.weight" in old
    offer("densenet121", old)
    ours = load_pretrained("densenet121")
    assert torch.equal(
        ours.features.denseblock1.denselayer1.conv2.weight, theirs.features.denseblock1.denselayer1.conv2.weight
    )


def refused(match: str, home: Path, error: type[Exception] = ZooError, name: str = "squeezenet1_1") -> str:
    with pytest.raises(error, match=match) as caught:
        load_pretrained(name)
    assert not ZOO[name].is_here
    assert files(home) == []
    return str(caught.value)


def test_a_file_with_another_checksum_is_refused(
    offer: Callable[[str, object], None], home: Path, server: Server
) -> None:
    offer("squeezenet1_1", {"a": torch.zeros(2000)})
    server.content = {path: content[:-4] + b"oops" for path, content in server.content.items()}
    sentence = refused("127.0.0.1 sent a damaged file", home)
    assert sentence.startswith("The weights of SqueezeNet 1.1 could not be downloaded because")
    assert sentence.endswith("or choose a network that is here already (EfficientNet-Lite0).")


def test_offline_is_one_sentence_at_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening
        monkeypatch.setattr(zoo, "PLACE", f"http://127.0.0.1:{taken.getsockname()[1]}/")
        refused(r"cannot be reached \(.+\): check the internet connection", home)


def test_a_server_that_does_not_answer_is_not_waited_for(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "CONNECT_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(zoo, "PLACE", f"http://127.0.0.1:{silent.getsockname()[1]}/")
        refused("does not answer", home)


class Trap:
    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("touch trapped",)


def test_code_in_a_file_of_weights_is_never_run(
    offer: Callable[[str, object], None], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    offer("squeezenet1_1", {"a": Trap()})
    refused("The weights of SqueezeNet 1.1 are damaged", home, StorageError)


@pytest.mark.parametrize(
    "spoil", [dict, lambda weights: {**weights, "classifier.1.bias": torch.full((1000,), torch.nan)}]
)
def test_weights_of_another_network_or_no_numbers_are_refused(
    spoil: Callable[..., object], offer: Callable[[str, object], None], home: Path
) -> None:
    weights = untrained("squeezenet1_1").state_dict()
    offer("squeezenet1_1", spoil() if spoil is dict else spoil(weights))
    refused("damaged", home, StorageError)


def test_giving_up_leaves_nothing(offer: Callable[[str, object], None], home: Path) -> None:
    def give_up(done: int, total: int) -> None:
        raise KeyboardInterrupt

    offer("squeezenet1_1", untrained("squeezenet1_1").state_dict())
    with pytest.raises(KeyboardInterrupt):
        load_pretrained("squeezenet1_1", give_up)
    assert files(home) == []


def test_an_unknown_name_is_one_sentence() -> None:
    with pytest.raises(ZooError, match=r"no pretrained network named 'lenet': choose one of efficientnet_lite0, "):
        load_pretrained("lenet")
