"""What libraries raise, as one sentence: torch, Captum, scikit-learn and SciPy answer with almost any exception."""

import functools
import inspect
import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from core.errors import ConvScopeError, ExplainError, MemoryShortageError

F = TypeVar("F", bound=Callable[..., Any])
MOST_WORDS = 200  # characters of another library's message
REMEDY = "try another picture, epoch or network."
_MEMORY = ("can't allocate memory", "not enough memory", "out of memory")  # of torch's RuntimeErrors, on any device
_log = logging.getLogger(__name__)


def failure(error: Exception, title: str, remedy: str = REMEDY) -> ConvScopeError:
    """Return the sentence for an exception of a library; its traceback goes to the log at level INFO.

    Args:
        error: What was raised.
        title: What was being done, the subject of the sentence.
        remedy: What can be done about it, the end of the sentence.
    """
    _log.info("%s failed.\n%s", title, "".join(traceback.format_exception(error)))
    if is_about_memory(error):
        return MemoryShortageError(
            f"{title} needs more memory than there is for this network and picture: choose a smaller picture or a "
            "smaller network."
        )
    return ExplainError(f"{title} failed on this network ({in_brief(error)}): {remedy}")


def in_brief(error: Exception) -> str:
    """Return the kind of an exception and the first line of its message."""
    words = (str(error).strip() or type(error).__name__).splitlines()[0][:MOST_WORDS]
    return f"{type(error).__name__}: {words}"


def is_about_memory(error: Exception) -> bool:
    """Say whether an exception tells that there is too little memory, on any device."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or any(words in text for words in _MEMORY)


@contextmanager
def sentences(title: str, passing: Callable[[Exception], bool] = lambda error: False) -> Iterator[None]:
    """Raise an `ExplainError` in place of whatever a library raises within the block.

    Args:
        title: What is being done.
        passing: Says of an exception whether it passes as it is; a `ConvScopeError` always does.
    """
    try:
        yield
    except ConvScopeError:
        raise
    except Exception as error:
        if passing(error):
            raise
        raise failure(error, title) from error


def in_sentences(title: str) -> Callable[[F], F]:
    """Let a function, or a generator, raise an `ExplainError` in place of whatever a library raises in it.

    What its argument `progress` raises passes as it is: who cancels gets the own exception back. A call with other
    arguments than the function has stays a `TypeError`.

    Args:
        title: What the function does, as the subject of a sentence.
    """

    def decorate(function: F) -> F:
        signature = inspect.signature(function)

        def guarded(args: Any, kwargs: Any) -> tuple[inspect.BoundArguments, list[Exception]]:
            bound, cancelled = signature.bind(*args, **kwargs), list[Exception]()
            progress = bound.arguments.get("progress")
            if progress is not None:
                bound.arguments["progress"] = _remembering(progress, cancelled)
            return bound, cancelled

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            bound, cancelled = guarded(args, kwargs)
            with sentences(title, lambda error: any(error is each for each in cancelled)):
                return function(*bound.args, **bound.kwargs)

        @functools.wraps(function)
        def generate(*args: Any, **kwargs: Any) -> Any:
            bound, cancelled = guarded(args, kwargs)

            def items() -> Iterator[Any]:
                with sentences(title, lambda error: any(error is each for each in cancelled)):
                    yield from function(*bound.args, **bound.kwargs)

            return items()

        chosen: Any = generate if inspect.isgeneratorfunction(function) else call
        return chosen

    return decorate


def _remembering(progress: Callable[..., Any], raised: list[Exception]) -> Callable[..., Any]:
    def tell(*args: Any) -> Any:
        try:
            return progress(*args)
        except Exception as error:
            raised.append(error)
            raise

    return tell
