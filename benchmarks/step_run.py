"""A recorded run of the tutorial's network in the app's own worker, of the version in whose folder this is started.

It is run by `benchmarks.step` and speaks over stdin and stdout: for every line that comes in, a line once the next
epoch and its validation are recorded.
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path.cwd()))

from core.model.presets import preset
from core.runs.store import RunStore
from core.train.config import TrainConfig
from core.train.engine import Engine

LOOK_SECONDS = 0.02


def main() -> None:
    images, precision = int(sys.argv[1]), sys.argv[2]
    store = RunStore()
    config = TrainConfig(epochs=1000, batch_size=64, train_images=images, precision=precision)
    run_id = store.create(preset("tutorial", (3, 32, 32), 10), config, "shapes")
    engine = Engine(store, slots=1)
    engine.submit(run_id)
    step = 0
    for _ in sys.stdin:
        while True:
            rows = store.metrics(run_id, after_step=step)
            ends = [row.step for row in rows if row.valid_loss is not None]
            if ends:
                step = ends[-1]
                break
            run = store.get(run_id)
            if run.message:
                raise SystemExit(run.message)
            time.sleep(LOOK_SECONDS)
        print(step, flush=True)
    engine.close()


if __name__ == "__main__":
    main()
