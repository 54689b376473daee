"""Command line to explain a picture: `python -m core.explain IMAGE --model RUN --method all -o out.png`."""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image
from torch import Tensor
from tqdm import tqdm

from core.console import run_command, written_whole
from core.data.formats import READABLE
from core.data.images import decode_upload
from core.errors import ConvScopeError, ExplainError
from core.explain.attribution import Attribution, attribute
from core.explain.cli.arguments import CliRequest, from_arguments, from_settings
from core.explain.cli.record import (
    ExplanationCall,
    NetworkExplanations,
    NetworkReference,
    arrays_npz,
    digest,
    fingerprint,
    read_settings,
    settings_json,
)
from core.explain.methods.registry import METHODS
from core.inference.library import open_network
from core.inference.network import Network
from core.progress import Progress

BAR = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}"


def _png(records: Sequence[NetworkExplanations]) -> bytes:
    from core.figures.explained import explanation_sheet

    return explanation_sheet(records).png


WRITERS: Mapping[str, Callable[[Sequence[NetworkExplanations]], bytes]] = {
    ".png": _png,
    ".npz": arrays_npz,
    ".json": lambda records: settings_json(records).encode(),
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m core.explain",
        description="Ask a network why it decided as it did about a picture, by the methods of the Explain page.",
        epilog=f"Methods: {', '.join(METHODS)}.",
    )
    add = parser.add_argument
    add("picture", type=Path, metavar="IMAGE", help=f"a {READABLE} file")
    add("--stretch", action="store_true", help="spread 16-bit values from the darkest to the lightest of the picture")
    add("--model", help="the id of a run, as in the address of its page, or the name of a pretrained network")
    add("--epoch", type=int, help="weights of a run after this epoch, 0 before the first step; by default the latest")
    add("--method", action="append", help='a method, several joined by commas, or "all"; may be given again')
    add(
        "--class",
        dest="classes",
        action="append",
        help="name, index, or # and index; may be given again; by default the likeliest",
    )
    add("--versus", help='name or index of another class: "why this one and not that"')
    add("--option", action="append", default=[], metavar="METHOD.OPTION=VALUE", help="a setting; may be given again")
    add(
        "--swap",
        choices=("auto", "yes", "no"),
        default="auto",
        help="swap dark and light, for networks of grey images; auto also finds a digit on paper for networks of MNIST",
    )
    add("--settings", type=Path, help="a JSON file written before: the same network, classes and settings again")
    add("-o", "--output", type=Path, action="append", required=True, help="out.png, .npz or .json; may be given again")
    return parser


def _orders(arguments: argparse.Namespace) -> list[CliRequest]:
    """Return the request of each network."""
    if arguments.settings:
        if arguments.model or arguments.method or arguments.classes or arguments.versus or arguments.option:
            raise ExplainError("--settings says all that is asked: leave out the model, methods, classes and options.")
        text = _read(arguments.settings).decode("utf-8", "replace")
        return [from_arguments(record) for record in read_settings(text)]
    if not arguments.model or not arguments.method:
        raise ExplainError("Say which network to ask and how: give --model and --method, or --settings.")
    return [
        from_settings(
            arguments.model,
            arguments.epoch,
            methods=arguments.method,
            classes=arguments.classes or [],
            versus=arguments.versus,
            options=arguments.option,
        )
    ]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ExplainError(f"{path} cannot be read ({error.strerror}): give the path of a file.") from error


def _record(order: CliRequest, picture: Image.Image, title: str, swap: bool | None) -> NetworkExplanations:
    """Load a network and return the record of all requested explanations of the picture."""
    with tqdm(unit="B", unit_scale=True, desc=order.model, leave=False, delay=0.5, disable=None) as bar:
        network = open_network(order.model, order.epoch, _shown_on(bar))
    pixels, _ = network.fit(picture, swap=swap, paper=network.read_paper(picture) if swap is None else None)
    image, weights = network.normalize(pixels), fingerprint(network.model)
    calls, reasons = order.calls(network, image)
    for sentence in (*order.differences(weights, digest(pixels)), *reasons):
        print(sentence, file=sys.stderr)
    attributions = tuple(_answers(network, image, calls, skip=order.everything))
    return NetworkExplanations(
        NetworkReference.of(network), weights, network.class_names, title, pixels, image, attributions
    )


def _answers(network: Network, image: Tensor, calls: Sequence[ExplanationCall], *, skip: bool) -> Iterator[Attribution]:
    """Explain call by call, with a progress bar; `skip` passes over those that cannot be answered."""
    with tqdm(dynamic_ncols=True, leave=False, bar_format=BAR, disable=None) as bar:
        for number, call in enumerate(calls, 1):
            bar.reset()
            bar.set_description(f"{METHODS[call.method].title} ({number} of {len(calls)})")
            try:
                yield _answer(network, image, call, _shown_on(bar))
            except ConvScopeError as error:
                if not skip:
                    raise
                bar.write(f"{METHODS[call.method].title} is left out: {error}", file=sys.stderr)


def _answer(network: Network, image: Tensor, call: ExplanationCall, progress: Progress) -> Attribution:
    words: dict[str, Any] = {"versus": call.versus, "background": network.background, "progress": progress}
    return attribute(network.model, image, call.target, call.method, **words | dict(call.options))


def _shown_on(bar: "tqdm[Any]") -> Progress:
    """Return a progress callback that drives a bar and resets it whenever the total changes."""

    def show(done: int, total: int) -> None:
        bar.total = total
        bar.n = done
        bar.update(0)

    return show


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    for path in arguments.output:
        if path.suffix.lower() not in WRITERS:
            parser.error(f"{path.name} ends with none of {', '.join(WRITERS)}: its ending says what is written")
    return run_command(lambda: _explain(arguments))


def _explain(arguments: argparse.Namespace) -> int:
    swap = {"auto": None, "yes": True, "no": False}[arguments.swap]
    orders = _orders(arguments)
    decoded = decode_upload(_read(arguments.picture), stretch=arguments.stretch)
    for sentence in decoded.notes():
        print(sentence, file=sys.stderr)
    records = [_record(order, decoded.image, arguments.picture.name, swap) for order in orders]
    for path in arguments.output:
        content = WRITERS[path.suffix.lower()](records)
        with written_whole(path) as file:
            file.write(content)
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
