"""Work in turns: a generator that yields whenever others may go on, so that one thread does many things at once."""

import time
from collections.abc import Generator
from typing import TypeVar, cast

Result = TypeVar("Result")

# What a generator yields is the moment, by `time.monotonic`, up to which it has nothing to do; one that has passed
# means that it could go on at once. It may be resumed earlier, when what it waits for may have come, and then looks.
Turns = Generator[float, None, Result]


def in_one_go(turns: Turns[Result], look_seconds: float) -> Result:
    """Do all turns in a row and return what the generator returns.

    Args:
        turns: The work.
        look_seconds: After so much waiting it looks around, whether or not its time has come.
    """
    while True:
        try:
            due = next(turns)
        except StopIteration as end:
            return cast(Result, end.value)
        if (wait := min(look_seconds, due - time.monotonic())) > 0:
            time.sleep(wait)
