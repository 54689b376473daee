"""Lets Ray start and place workers, and keeps them going: `python -m core.train.ray_launcher`.

`core.train.ray_engine` starts it; it ends with its stdin, or by SIGTERM. On stdout it says in one sentence a line what
hinders it, and by an empty line that nothing does any more. Ray is started on this machine, or joined by its address.
"""

import os
import re
import secrets
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from core.errors import ConvScopeError, MissingPackageError
from core.leftovers import EXPORT, unfinished
from core.runs.store import RunStore
from core.settings import Settings, absolute_environment, settings
from core.train.engine import CLOSING_SECONDS, HINDERED_SECONDS
from core.train.messages import LONGEST_WORDS
from core.train.ray_actor import Worker

Say = Callable[[str], None]

REACHING_SECONDS = 5.0
LOOK_SECONDS = 0.5
OBJECTS_BYTES = 80 << 20  # little more than the least that Ray takes: nothing is kept there
_REFUSED = re.compile("AuthenticationError|Unauthenticated|InvalidAuthToken")  # a wrong token is a ConnectionError
_TOKENS = ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")


def _load() -> Any:
    """Import Ray, with a token asked for and nothing sent to its makers."""
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    try:
        import ray
    except ImportError as error:
        raise MissingPackageError(
            "The package ray is not installed here, and CONVSCOPE_ENGINE=ray needs it: "
            "pip install -r requirements-ray.txt."
        ) from error
    return ray


@contextmanager
def _cluster(current: Settings) -> Iterator[Any]:
    """Have Ray, on this machine or by its address, as the module; raises `ConvScopeError` if that cannot be."""
    if current.ray_address:
        _reach(current.ray_address)
        ray = _load()
        _init(ray, f"Ray at {current.ray_address}", address=current.ray_address, log_to_driver=False)
        try:
            yield ray
        finally:
            ray.shutdown()
        return
    if not any(os.environ.get(name) for name in _TOKENS):
        os.environ[_TOKENS[0]] = secrets.token_hex(32)
    ray = _load()
    short = Path("/tmp")  # names of sockets have to be short
    with unfinished(f"{EXPORT}ray-", short if short.is_dir() else None) as folder:
        _init(
            ray,
            "Ray on this machine",
            num_cpus=current.slots * current.threads,
            object_store_memory=OBJECTS_BYTES,
            include_dashboard=False,
            log_to_driver=False,
            _temp_dir=str(folder),
        )
        try:
            yield ray
        finally:
            ray.shutdown()


def _reach(address: str) -> None:
    """Check that somebody listens there: Ray itself would try for a long time, and then end this process."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), REACHING_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise ConvScopeError(
            f"Ray at {address} cannot be reached ({getattr(error, 'strerror', None) or error}): start its head with "
            "ray start --head, or correct CONVSCOPE_RAY_ADDRESS."
        ) from error


def _init(ray: Any, where: str, **options: Any) -> None:
    try:
        ray.init(logging_level="error", **options)
    except Exception as error:  # of many kinds: versions that differ, no node on this machine, no room
        if _REFUSED.search(f"{error!r} {error.__cause__!r}"):
            raise ConvScopeError(
                f"{where} refuses the token: set RAY_AUTH_TOKEN, or RAY_AUTH_TOKEN_PATH, as on its head node."
            ) from error
        raise ConvScopeError(f"{where} cannot be used: {_first_sentence(error)}") from error


def _first_sentence(error: BaseException) -> str:
    line = next((line.strip() for line in re.sub("\x1b[^m]*m", "", str(error)).splitlines() if line.strip()), "")
    return (line or type(error).__name__)[:LONGEST_WORDS]


def _environment(current: Settings) -> dict[str, str]:
    """Return the variables of a worker: those of this process, and its part of what all may take together."""
    own = {name: value for name, value in absolute_environment().items() if name.startswith("CONVSCOPE_")}
    return own | {
        "CONVSCOPE_ENGINE": "local",
        "CONVSCOPE_SLOTS": "1",
        "CONVSCOPE_THREADS": str(current.threads),
        "CONVSCOPE_MEMORY_MB": str(max(1, current.memory_mb // current.slots)),
    }


def _store_is_shared() -> bool:
    """Return whether other machines can use the store; raises `StorageError` if not even this one can."""
    store = RunStore()
    try:
        return store.on_server
    finally:
        store.close()


def _check_machines(ray: Any) -> None:
    """Raise `ConvScopeError` if a node of Ray is another machine, which cannot open a database that is a file here."""
    machines = {node["NodeManagerHostname"] for node in ray.nodes() if node["Alive"]}
    if machines - {socket.gethostname()}:
        raise ConvScopeError(
            "Workers on Ray's other machines cannot open a SQLite file of this one: set CONVSCOPE_DATABASE_URL to a "
            "PostgreSQL database and CONVSCOPE_FILES to a place that all share."
        )


def _why(ray: Any, error: Exception) -> str:
    """Return in one sentence why a worker ended."""
    cause = getattr(error, "cause", error)
    if isinstance(cause, ConvScopeError):
        return str(cause)
    if isinstance(cause, ModuleNotFoundError) or "ModuleNotFoundError" in str(error):
        return "A node of Ray has no ConvScope at the same path as here, or lacks its packages: install it there."
    traceback.print_exception(error)
    return f"A worker on Ray ended ({type(error).__name__}): worker.log in the folder of the runs has the details."


def _keep(ray: Any, current: Settings, say: Say, over: threading.Event) -> None:
    """Have as many workers as slots, started anew where one ends, until `over` is set; then end them.

    Ray itself starts those of a lost node on another one, where it has room.
    """
    kind = ray.remote(Worker).options(
        num_cpus=current.threads,
        num_gpus=current.ray_gpus,
        max_concurrency=2,
        max_restarts=-1,
        max_task_retries=-1,
        scheduling_strategy="SPREAD",
    )
    environment, trainings = _environment(current), dict[Any, Any]()

    def start() -> None:
        worker = kind.remote()
        trainings[worker.train.remote(environment)] = worker

    for _ in range(current.slots):
        start()
    while not over.is_set():
        for training in ray.wait([*trainings], timeout=LOOK_SECONDS)[0]:
            worker = trainings.pop(training)
            try:
                ray.get(training)
            except Exception as error:
                say(_why(ray, error))
            ray.kill(worker)
            over.wait(HINDERED_SECONDS)
            start()
    _end(ray, trainings)


def _end(ray: Any, trainings: dict[Any, Any]) -> None:
    """Let all workers that have been placed checkpoint and give their runs back."""
    ends = {worker.end.remote(): training for training, worker in trainings.items()}
    heard = ray.wait([*ends], num_returns=len(ends), timeout=1.0)[0]
    if heard:
        ray.wait([ends[end] for end in heard], num_returns=len(heard), timeout=CLOSING_SECONDS + 1.0)


def launch(say: Say, over: threading.Event) -> None:
    """Have workers on Ray until `over` is set; raises `ConvScopeError` if Ray cannot be used."""
    current, shared = settings(), _store_is_shared()
    with _cluster(current) as ray:
        signal.signal(signal.SIGTERM, lambda *_: over.set())  # Ray has set its own
        if not shared:
            _check_machines(ray)
        say("")
        _keep(ray, current, say, over)


def main() -> int:
    """Launch for the engine that started this process and return the exit code."""
    over = threading.Event()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the app decides
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    engine = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever Ray prints belongs into the log

    def say(words: str) -> None:
        with suppress(OSError):  # the app is gone
            os.write(engine, (" ".join(words.split())[:LONGEST_WORDS] + "\n").encode())

    def wait() -> None:
        sys.stdin.buffer.read()
        over.set()

    threading.Thread(target=wait, name="lifeline", daemon=True).start()
    try:
        launch(say, over)
    except ConvScopeError as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
