"""How many digits on paper the tutorial's network reads: fifty photographs made of test digits.

`python -m benchmarks.paper_digits [epochs]` trains the network on mnist5k and asks it about the photographs of each
kind, once as the app reads them, once with the whole picture shrunk.
"""

import os
import sys
import tempfile

from core.data.catalog import DATASETS
from core.inference.library import open_network
from core.inference.network import Network
from core.model.presets import preset
from core.runs.store import RunStore
from core.train.config import TrainConfig
from core.train.runner import Runner
from tests.data.paper_photographs import KINDS, fifty


def train(epochs: int) -> str:
    """Train the tutorial's network and return its run's id."""
    info, store = DATASETS["mnist5k"], RunStore()
    spec = preset("tutorial", info.input_shape, len(info.class_names))
    run_id = store.create(spec, TrainConfig(epochs=epochs, device="cpu"), "mnist5k", "Digits", owner="benchmark")
    Runner(store, run_id, "benchmark").run()
    store.close()
    return run_id


def right(network: Network, kind: str) -> tuple[int, int]:
    """Return how many of the ten of a kind are right: as the app reads them, and bare."""
    import torch

    read = bare = 0
    for photo, _, label in fifty(kind):
        images = [network.fit(photo, paper=paper)[0] for paper in (network.read_paper(photo), None)]
        with torch.no_grad():
            answers = network.model(network.normalize(torch.stack(images))).argmax(dim=1).tolist()
        read, bare = read + (answers[0] == label), bare + (answers[1] == label)
    return read, bare


def main() -> None:
    epochs = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    with tempfile.TemporaryDirectory() as home:
        os.environ.setdefault("CONVSCOPE_HOME", home)
        network = open_network(train(epochs))
        found = {kind: right(network, kind) for kind in KINDS}
    for kind, (read, bare) in found.items():
        print(f"{kind:8} found {read:2} of 10, bare {bare:2} of 10")
    print(f"all      found {sum(read for read, _ in found.values())} of 50, bare {sum(b for _, b in found.values())}")


if __name__ == "__main__":
    main()
