"""What an engine and its worker processes say to each other: one line each, orders as JSON, reports as words."""

import json
import traceback
from dataclasses import asdict, dataclass
from enum import StrEnum

from core.errors import ConvScopeError

LONGEST_WORDS = 600


@dataclass(frozen=True)
class Order:
    """The order to train a run.

    Attributes:
        number: Names the order in reports: a run may be ordered again while reports on its last order are on the way.
        run: Its id.
        owner: In whose name it is trained.
        url, folder: Those of the store; `folder` is what `RunFiles.place` says.
    """

    number: int
    run: str
    owner: str
    url: str
    folder: str

    def to_line(self) -> str:
        """Return the order as one line."""
        return json.dumps(asdict(self)) + "\n"


@dataclass(frozen=True)
class Release:
    """The order to let go of a run that pauses, so that its memory is free; one that trains by then stays.

    Attributes:
        number: That of the order to train it.
    """

    number: int

    def to_line(self) -> str:
        """Return the order as one line."""
        return json.dumps({"release": self.number}) + "\n"


@dataclass(frozen=True)
class Watched:
    """Which runs of the worker somebody looks at: they get more of the time than the others of the same person.

    Attributes:
        numbers: Those of the orders to train them.
    """

    numbers: tuple[int, ...]

    def to_line(self) -> str:
        """Return the message as one line."""
        return json.dumps({"watched": self.numbers}) + "\n"


def read_order(line: str) -> Order | Release | Watched:
    """Return the order that a line holds; raises ValueError or TypeError where it holds none."""
    values = json.loads(line)
    if "watched" in values:
        return Watched(tuple(values["watched"]))
    return Release(values["release"]) if "release" in values else Order(**values)


class Kind(StrEnum):
    """What a worker reports on an order."""

    BEGUN = "begun"  # nothing keeps it from training the run
    TURN = "turn"  # the run has its turn from now on
    LEFT = "left"  # it is done with the run, and the store says how that ended
    FAILED = "failed"  # the run cannot be trained or its end not be recorded; the words say why


@dataclass(frozen=True)
class Report:
    """A line of a worker.

    Attributes:
        kind: What happened.
        number: That of the order.
        words: Why, for people; empty where nothing is to be said.
    """

    kind: Kind
    number: int
    words: str = ""

    def to_line(self) -> str:
        """Return the report as one line."""
        return f"{self.kind} {self.number} {self.words}".rstrip() + "\n"

    @classmethod
    def from_line(cls, line: str) -> "Report | None":
        """Return the report that a line holds; None where it is a sentence of a worker that ends."""
        kind, _, rest = line.strip().partition(" ")
        number, _, words = rest.partition(" ")
        return cls(Kind(kind), int(number), words) if kind in {*Kind} and number.isdigit() else None


def sentence_of(error: Exception) -> str:
    """Return why a worker cannot train, on one line; what is no `ConvScopeError` leaves its traceback on stderr."""
    if isinstance(error, ConvScopeError):
        sentence = str(error)
    else:
        traceback.print_exception(error)
        sentence = (
            f"Its worker could not train ({type(error).__name__}: {error}): worker.log in the folder of the runs has "
            "the details. Press Resume once that is mended."
        )
    line = " ".join(sentence.split())
    return line if len(line) <= LONGEST_WORDS else f"{line[: LONGEST_WORDS - 1]}…"
