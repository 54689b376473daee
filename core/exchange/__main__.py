"""Command line to export, import and report runs: `python -m core.exchange export RUN FILE.zip`, …."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from tqdm import tqdm

from core.console import run_command, written_whole
from core.data.catalog import DATASETS
from core.errors import StorageError
from core.exchange.backbone import backbone_file
from core.exchange.card import model_card
from core.exchange.dataset import bring_in_images, offered_images
from core.exchange.export_archive import export_run
from core.exchange.foreign.command import add_arguments, import_file
from core.exchange.import_archive import import_run
from core.exchange.layout import ARCHIVE
from core.exchange.script_data import images_file
from core.model.zoo import ZOO
from core.runs.store import RunStore
from core.runs.training_data import dataset_title


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m core.exchange", description="Runs of ConvScope as files.")
    what = parser.add_subparsers(dest="what", required=True)
    export = what.add_parser("export", help="write a run into a zip file")
    export.add_argument("run", help="the run's id, as in the address of its page")
    export.add_argument("file", type=Path, help="the file to write")
    report = what.add_parser("report", help="write the lab report of a run: one HTML file that stands alone")
    report.add_argument("run", help="the run's id, as in the address of its page")
    report.add_argument("file", type=Path, help="the file to write")
    report.add_argument("--image", type=int, action="append", default=[], help="a test image to explain, repeatable")
    report.add_argument("--method", action="append", default=[], help="a method to explain by, repeatable")
    card = what.add_parser("card", help="write the model card of a run, as Markdown")
    card.add_argument("run", help="the run's id, as in the address of its page")
    card.add_argument("file", type=Path, help="the file to write")
    taken = what.add_parser("import", help="add the run of a zip file, or a network of another program, to the runs")
    taken.add_argument("file", type=Path, help="the file to read: zip, keras, h5, onnx, safetensors")
    taken.add_argument("--with-images", action="store_true", help="make a data set of the images that come with it")
    add_arguments(taken)
    images = what.add_parser("images", help="write the images of a data set, for a run's train.py")
    images.add_argument("dataset", choices=list(DATASETS), help="the data set")
    images.add_argument("file", type=Path, help="the file to write")
    images.add_argument("--train-images", type=int, default=0, help="how many training images; 0 for all")
    backbone = what.add_parser("backbone", help="write the weights of a pretrained network, for a run's train.py")
    backbone.add_argument("network", choices=list(ZOO), help="the network")
    backbone.add_argument("file", type=Path, help="the file to write")
    return parser


def _archive(store: RunStore, arguments: argparse.Namespace, file: IO[bytes]) -> None:
    export_run(store, arguments.run, file)


def _card(store: RunStore, arguments: argparse.Namespace, file: IO[bytes]) -> None:
    file.write(model_card(store, store.get(arguments.run)).encode())


def _report(store: RunStore, arguments: argparse.Namespace, file: IO[bytes]) -> None:
    from core.report.document import lab_report
    from core.report.explanations import DEFAULT_METHODS, ExplanationChoice

    choice = ExplanationChoice(tuple(arguments.image), tuple(arguments.method) or DEFAULT_METHODS)

    with tqdm(total=100, desc="Lab report", leave=False, disable=None) as bar:

        def show(done: int, total: int) -> None:
            bar.update(done - bar.n)

        file.write(lab_report(store, arguments.run, choice=choice, progress=show).encode())


WRITERS = {"export": _archive, "card": _card, "report": _report}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    arguments = _parser().parse_args(argv)
    return run_command(lambda: _exchange(arguments))


def _exchange(arguments: argparse.Namespace) -> int:
    if arguments.what in ("images", "backbone"):
        if arguments.what == "images":
            content = images_file(arguments.dataset, arguments.train_images)
        else:
            content = backbone_file(arguments.network)
        with written_whole(arguments.file) as file:
            file.write(content)
        return 0
    store = RunStore()
    if arguments.what in WRITERS:
        with written_whole(arguments.file) as file:
            WRITERS[arguments.what](store, arguments, file)
    else:
        _import(store, arguments)
    store.close()
    return 0


def _import(store: RunStore, arguments: argparse.Namespace) -> None:
    foreign = arguments.file.suffix.lower() != ARCHIVE
    try:
        run = store.get(import_file(store, arguments) if foreign else import_run(store, arguments.file))
    except OSError as error:
        raise StorageError(f"{arguments.file} cannot be read ({error.strerror}): give the path of a file.") from error
    print(f"run {run.id} ({run.name}): {run.status}")
    if count := offered_images(store, run):
        if arguments.with_images:
            bring_in_images(store, run)
            print(f"data set {run.dataset} ({dataset_title(run)}): {count:,} images")
        else:
            print("Its images came with it and are no data set yet: the page Runs, or --with-images, does that.")


if __name__ == "__main__":
    sys.exit(main())
