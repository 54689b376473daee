"""The answers about a network of another program on a command line: `python -m core.exchange import model.keras`."""

import argparse

from core.errors import RunError, StorageError
from core.exchange.foreign.network import ForeignError
from core.exchange.foreign.registry import PickleRefusedError, read
from core.runs.store import RunStore


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what has to be said of a network of another program."""
    group = parser.add_argument_group("a network of another program")
    group.add_argument("--name", default="", help="what the run is called")
    group.add_argument("--dataset", default="", help="the data set here that it learned from")
    group.add_argument("--class", dest="classes", action="append", default=[], help="a class, in order, repeatable")
    group.add_argument("--pixels", default="", help="what it takes for a pixel: unit, raw, symmetric or given")
    group.add_argument("--mean", type=float, nargs="+", default=[], help="of each channel, 0 to 1, for pixels given")
    group.add_argument("--std", type=float, nargs="+", default=[], help="of each channel, for pixels given")
    group.add_argument("--like", default="", help="for weights without layers: the run whose layers they have")


def import_file(store: RunStore, arguments: argparse.Namespace) -> str:
    """Add the network of a file to the runs and return its id.

    Raises:
        ConvScopeError: It cannot be opened, or an answer does not fit, for the reason that the sentence gives.
    """
    from core.exchange.foreign.importing import Answers, import_foreign, likely_values
    from core.exchange.foreign.matching import matches, network_of
    from core.exchange.foreign.tensors import ForeignWeights

    try:
        network = read(arguments.file.name, arguments.file.read_bytes())
    except OSError as error:
        raise StorageError(f"{arguments.file.name} cannot be read ({error.strerror}).") from error
    except PickleRefusedError as error:
        raise ForeignError(f"{error}\n{error.code}") from error
    if isinstance(network, ForeignWeights):
        if not network.spec and not arguments.like:
            raise RunError("The file holds weights without their layers: give a run that has these by --like.")
        spec = network.spec or store.get(arguments.like).spec
        network = network_of(spec, network, matches(spec, network))
    answers = Answers(
        arguments.name,
        arguments.dataset,
        tuple(arguments.classes)
        or network.class_names
        or tuple(map("class {}".format, range(network.spec.num_classes))),
        arguments.pixels or likely_values(network),
        tuple(arguments.mean),
        tuple(arguments.std),
    )
    return import_foreign(store, network, answers)
