"""What trainings need of the memory, by hand; and which of them fit beside each other."""

import mmap
import os

import pytest

from core.model.layers import Conv, Dense, Flatten
from core.model.spec import ModelSpec
from core.runs.store import RunStore
from core.train import memory
from core.train.config import TrainConfig
from core.train.memory import MB, estimated_bytes, fits, measured_bytes

SPEC = ModelSpec("Line", (1, 8, 8), 10, (Conv(4), Flatten(), Dense(10)))


@pytest.fixture
def runs(home):
    store = RunStore()
    configs = (TrainConfig(batch_size=512), TrainConfig(batch_size=64), TrainConfig(batch_size=64, train_images=100))
    yield [store.get(store.create(SPEC, config, "digits")) for config in configs]
    store.close()


def test_weights_count_for_each_run_images_once_and_activations_for_the_largest(runs):
    params = 4 * (9 + 1) + (4 * 8 * 8 + 1) * 10
    outputs = 4 * 8 * 8 + 4 * 8 * 8 + 10
    train, valid, test = runs[0].dataset_info.split_sizes
    weights = memory.RUN_BYTES + 16 * params
    images = 2 * (train + valid + test) * 64
    alone = memory.WORKER_BYTES + weights + images + 4 * 3 * 512 * outputs
    assert estimated_bytes(runs[:1]) == alone
    assert estimated_bytes(runs[:2]) == alone + weights
    assert estimated_bytes(runs) == alone + 2 * weights + 2 * (100 + valid + test) * 64


def test_a_run_alone_always_fits_and_beside_others_up_to_the_limit(runs):
    both = estimated_bytes(runs[:2])
    assert fits(runs[0], (), 1)
    assert fits(runs[0], runs[1:2], both) and not fits(runs[0], runs[1:2], both - 1)


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="only Linux says so")  # noqa: PTH110
def test_what_a_process_has_taken_is_measured_and_counts(runs):
    before = measured_bytes(os.getpid())
    with mmap.mmap(-1, 64 * MB) as held:  # from the system itself: other memory may be there already, kept and free
        for page in range(0, len(held), mmap.PAGESIZE):
            held[page] = 1
        assert measured_bytes(os.getpid()) - before > 50 * MB
    limit = estimated_bytes(runs[:2]) + 10_000 * MB
    assert fits(runs[0], runs[1:2], limit, os.getpid())
    assert not fits(runs[0], runs[1:2], measured_bytes(os.getpid()), os.getpid())
