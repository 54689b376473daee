"""A PostgreSQL server that is restarted, cut off or silent while a run trains: the run goes on and loses nothing."""

import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
import torch

from core.errors import StorageError
from core.model.build import build_model
from core.runs.checkpoint import Checkpoint
from core.runs.records import Event, Evidence, Metric, Status
from core.runs.store import RunStore
from core.runs.transactions import BusyError
from core.train.runner import Runner
from tests.postgres import Server
from tests.train.trials import SPEC, config, expected_losses, losses

SHORT = config(3)


class Proxy:
    """A way to a port of this machine that can be closed, or opened but silent.

    Attributes:
        port: Where it listens.
        refused: How many connections came while it was closed.
        held: How often it kept something back while it was silent.
    """

    def __init__(self, target: int) -> None:
        self._target, self._pairs = target, list[tuple[socket.socket, socket.socket]]()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.refused = self.held = 0
        self._swallow = False
        self._closed, self._over = threading.Event(), threading.Event()
        self._speaks = threading.Event()
        self._speaks.set()
        self._thread = threading.Thread(target=self._forward, daemon=True)
        self._thread.start()

    def close_way(self) -> None:
        """Cut all connections and take no new ones."""
        self._closed.set()

    def open_way(self) -> None:
        """Take connections again."""
        self._closed.clear()

    def swallow_commit(self) -> None:
        """Pass the next commit on, keep its answer, and cut all connections: whoever committed cannot know."""
        self._swallow = True

    def be_silent(self) -> None:
        """Keep back whatever is sent."""
        self._speaks.clear()

    def speak(self) -> None:
        """Forward again, first what was kept back."""
        self._speaks.set()

    def end(self) -> None:
        """Cut everything for good."""
        self._over.set()
        self._speaks.set()
        self._thread.join()
        self._cut()
        self._listener.close()

    def _cut(self) -> None:
        for pair in self._pairs:
            for end in pair:
                end.close()
        self._pairs.clear()

    def _forward(self) -> None:
        while not self._over.is_set():
            if self._closed.is_set():
                self._cut()
            others = {end: other for pair in self._pairs for end, other in (pair, pair[::-1])}
            for ready in select.select([self._listener, *others], [], [], 0.02)[0]:
                if ready is self._listener:
                    self._accept()
                elif not self._pass_on(ready, others[ready]):
                    self._pairs = [pair for pair in self._pairs if ready not in pair]
                    ready.close()
                    others[ready].close()
                    break

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        if self._closed.is_set():
            self.refused += 1
            client.close()
        else:
            self._pairs.append((client, socket.create_connection(("127.0.0.1", self._target))))

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> bool:
        data = b""
        with suppress(OSError):
            data = source.recv(65536)
        if not self._speaks.is_set():
            self.held += 1
            self._speaks.wait()
        # Settled before it is passed on: the answer to a commit names it too, and lets others ask for the next one.
        commits = self._swallow and b"COMMIT\0" in data
        with suppress(OSError):
            sink.sendall(data)
            if commits:
                self._swallow = False
                return not sink.recv(65536)
        return bool(data)


@pytest.fixture
def proxy(postgres: Server, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """A proxy by which `RunStore()` reaches the server."""
    proxy = Proxy(postgres.port)
    monkeypatch.setenv("CONVSCOPE_DATABASE_URL", postgres_url.replace(f":{postgres.port}/", f":{proxy.port}/"))
    yield proxy
    proxy.end()


def disturbed(store: RunStore, act: Callable[[], None]) -> None:
    """Train a run, act after its twelfth step, and check that it ends as if nothing had been."""
    torch.set_num_threads(1)
    run_id = store.create(SPEC, SHORT, "digits", owner="me")

    def look(training, step) -> None:
        if step.step == 12:
            act()

    assert Runner(store, run_id, "me", on_step=look).run() is Status.FINISHED
    assert losses(store, run_id) == expected_losses(SHORT)
    assert store.get(run_id).test_loss is not None
    store.close()


def later(condition: Callable[[], bool], act: Callable[[], None]) -> None:
    """Act, in a thread, once a condition holds."""

    def wait() -> None:
        while not condition():
            threading.Event().wait(0.01)
        act()

    threading.Thread(target=wait, daemon=True).start()


def test_a_server_that_is_restarted_in_the_middle_costs_no_step(postgres: Server, postgres_url: str) -> None:
    store = RunStore()

    def restart() -> None:
        postgres.stop()
        with pytest.raises(StorageError, match=r"at 127.0.0.1:\d+ does not answer .*: check that it runs"):
            store.list()
        threading.Thread(target=postgres.start).start()

    disturbed(store, restart)


def test_a_connection_that_is_cut_for_a_while_costs_no_step(proxy: Proxy) -> None:
    def cut() -> None:
        proxy.close_way()
        later(lambda: proxy.refused >= 3, proxy.open_way)

    disturbed(RunStore(), cut)
    assert proxy.refused >= 3


def test_a_write_whose_success_was_not_heard_of_is_not_done_twice(proxy: Proxy) -> None:
    store = RunStore()
    run_id = store.create(SPEC, SHORT, "digits", owner="me")
    metrics = [Metric(step, 1, 0.1, 0.5, 1.0, 0.25) for step in (1, 2)]
    evidence, event = Evidence(1, "gradient", "all", 0.5), Event(1, "edit", "learning rate")

    def record() -> None:
        store.worker.record(run_id, metrics, [evidence], [event], by="me", step=2)

    proxy.swallow_commit()
    with pytest.raises(BusyError):
        record()
    assert store.get(run_id).step == 2
    record()
    assert store.metrics(run_id) == tuple(metrics)
    assert (store.series.evidence(run_id), store.series.events(run_id)) == ((evidence,), (event,))
    proxy.swallow_commit()
    weights = Checkpoint(build_model(SPEC).state_dict())
    with pytest.raises(BusyError):
        store.create(SPEC, SHORT, "digits", first=weights)
    (created,) = store.list(1)
    assert created.id != run_id and store.checkpoint(created.id).exists()
    store.close()


def test_a_network_that_is_silent_for_a_while_costs_no_step(proxy: Proxy) -> None:
    def fall_silent() -> None:
        proxy.be_silent()
        later(lambda: proxy.held >= 1, proxy.speak)

    disturbed(RunStore(), fall_silent)
    assert proxy.held >= 1
