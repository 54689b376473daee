"""Train without the app: `python -m core.train --dataset mnist5k --preset tutorial --epochs 3`."""

import argparse
import sys
import uuid
from collections.abc import Sequence

from tqdm import tqdm

from core.console import FAILED, run_command
from core.data.arrays import is_stored
from core.data.catalog import DATASETS
from core.model.presets import PRESETS, preset
from core.options import matters, options
from core.runs.records import Run, Status
from core.runs.store import RunStore
from core.train.config import TrainConfig
from core.train.process_tuning import tune_process


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m core.train",
        description="Train a preset network on a data set and record the run, as the app does.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--dataset", choices=list(DATASETS), default="mnist5k", help="Images to train on.")
    parser.add_argument("--preset", choices=list(PRESETS), default="tutorial", help="Network to train.")
    parser.add_argument("--name", default=None, help="What the run is called; by default network and data set.")
    for setting in options(TrainConfig):
        text = setting.label + ": " + setting.help.replace("%", "%%")
        parser.add_argument(
            "--" + setting.name.replace("_", "-"),
            type=type(setting.default),
            choices=tuple(setting.choices) or None,
            default=setting.default,
            help=text,
        )
    return parser


def _fetch(dataset: str) -> None:
    """Have the data set at hand before the run is recorded; a download shows its progress."""
    from core.data.datasets import load_dataset

    with tqdm(unit="B", unit_scale=True, desc=dataset, disable=is_stored(dataset), leave=False) as bar:

        def show(received: int, expected: int) -> None:
            bar.total = expected
            bar.update(received - bar.n)

        load_dataset(dataset, progress=show)


def _idle(config: TrainConfig) -> list[str]:
    """Return the options that were set, but have no effect beside the others."""
    values = vars(config)
    return [
        "--" + setting.name.replace("_", "-")
        for setting in options(TrainConfig)
        if values[setting.name] != setting.default and not matters(setting, values)
    ]


def _train(arguments: argparse.Namespace) -> Run:
    """Record and train one run in this process, with a progress bar."""
    from core.train.loop import Training
    from core.train.metrics import Step
    from core.train.runner import Runner

    config = TrainConfig(**{setting.name: getattr(arguments, setting.name) for setting in options(TrainConfig)})
    if idle := _idle(config):
        print(f"Beside the other settings these have no effect: {', '.join(idle)}.", file=sys.stderr)
    info = DATASETS[arguments.dataset]
    spec = preset(arguments.preset, info.input_shape, len(info.class_names))
    store, owner = RunStore(), uuid.uuid4().hex
    _fetch(arguments.dataset)
    run_id = store.create(spec, config, arguments.dataset, arguments.name, owner=owner)
    with tqdm(unit="step", dynamic_ncols=True) as bar:

        def show(training: Training, step: Step) -> None:
            bar.total = training.total_steps
            bar.n = step.step
            bar.set_postfix(epoch=step.epoch, loss=f"{step.train_loss:.3f}", refresh=False)
            bar.update(0)
            if step.valid:
                bar.write(
                    f"epoch {step.epoch}: validation loss {step.valid.loss:.4f}, accuracy {step.valid.accuracy:.2%}"
                )

        try:
            Runner(store, run_id, owner, on_step=show).run()
        except KeyboardInterrupt:
            store.worker.worker_died(run_id, "It was interrupted from the keyboard: press Resume in the app to go on.")
            raise
    return store.get(run_id)


def main(argv: Sequence[str] | None = None) -> int:
    """Train as the command line says and return the exit code: 0 when the run finished."""
    tune_process()
    arguments = _parser().parse_args(argv)
    return run_command(lambda: _report(_train(arguments)))


def _report(run: Run) -> int:
    """Print how a training ended."""
    print(f"run {run.id} ({run.name}): {run.status}")
    if run.message:
        print(run.message)
    if run.status is not Status.FINISHED:
        return FAILED
    print(f"validation: loss {run.valid_loss:.4f}, accuracy {run.valid_accuracy:.2%}")
    print(f"test:       loss {run.test_loss:.4f}, accuracy {run.test_accuracy:.2%}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
