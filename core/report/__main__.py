"""Make the pictures of the first page anew: `python -m core.report` trains the network of its button and draws it."""

import sys
import tempfile
from pathlib import Path

from core.data.catalog import DATASETS
from core.inference.library import NetworkLibrary
from core.model.presets import preset
from core.report import shipped
from core.report.portrait import portrait
from core.runs.history import History
from core.runs.store import RunStore
from core.train.config import TrainConfig
from core.train.runner import Runner

DATASET, PRESET, EPOCHS = "mnist5k", "tutorial", 5
POINTS = 60  # of a curve


def main() -> int:
    """Train, draw, write and say how large the files are."""
    info = DATASETS[DATASET]
    with tempfile.TemporaryDirectory() as folder:
        store = RunStore(f"sqlite:///{folder}/runs.db", Path(folder) / "runs")
        spec = preset(PRESET, info.input_shape, len(info.class_names))
        run_id = store.create(spec, TrainConfig(epochs=EPOCHS), DATASET, owner="assets")
        Runner(store, run_id, "assets").run()
        run, history = store.get(run_id), History(store, run_id)
        history.update()
        points = history.points(run.steps_per_epoch)
        step = max(1, len(points["train"]) // POINTS)
        train, valid = (
            tuple((round(each.epochs, 3), round(each.accuracy, 4)) for each in chosen)
            for chosen in (points["train"][::step], points["valid"])
        )
        assert run.valid_accuracy is not None
        parts = portrait(NetworkLibrary(store).of_run(run))
        shipped.write(
            shipped.Shipped(DATASET, PRESET, EPOCHS, run.valid_accuracy, info.split_sizes[1], train, valid, parts)
        )
        store.close()
    size = sum(path.stat().st_size for path in shipped.FOLDER.iterdir())
    print(f"{shipped.FOLDER}: {size / 1000:.1f} kB, {run.valid_accuracy:.1%} of the validation images right")
    return 0


if __name__ == "__main__":
    sys.exit(main())
