"""Work in turns: a generator that yields whenever others may go on, so that one thread does many things at once."""

import threading
import time
from collections.abc import Callable, Generator
from typing import TypeVar, cast

Result = TypeVar("Result")

# What a generator yields is the moment, by `time.monotonic`, up to which it has nothing to do; one that has passed
# means that it could go on at once. It may be resumed earlier, when what it waits for may have come, and then looks.
Turns = Generator[float, None, Result]
SOON_SECONDS, WAIT_SECONDS = 0.03, 0.1  # what is done by then holds nobody up; between two looks whether it is


def in_thread(act: Callable[[], Result]) -> Turns[Result]:
    """Call `act` in a thread of its own and return its result; whatever takes longer than a moment lets others go on.

    Who closes the turns leaves the thread behind, which ends by itself.
    """
    results: list[Result] = []
    errors: list[BaseException] = []

    def call() -> None:
        try:
            results.append(act())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=call, name="beside", daemon=True)
    thread.start()
    thread.join(SOON_SECONDS)
    wait = WAIT_SECONDS / 8
    while thread.is_alive():
        yield time.monotonic() + wait
        wait = min(2 * wait, WAIT_SECONDS)
    if errors:
        raise errors[0]
    return results[0]


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
