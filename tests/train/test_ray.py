"""Workers on Ray: the app says why there are none; Ray itself starts one, which trains and leaves nothing behind.

`python -m benchmarks.ray_cluster` kills one of two nodes.
"""

import sys
import threading

import pytest

from core.errors import ConvScopeError, MissingPackageError
from core.runs.records import Status
from core.runs.store import RunStore
from core.settings import settings
from core.train import ray_engine
from core.train.engines import start_engine
from core.train.ray_launcher import launch
from tests.absent import make_absent
from tests.train.trials import SPEC, config, until

NOBODY = "127.0.0.1:1"


@pytest.fixture
def store(home, monkeypatch):
    monkeypatch.setenv("CONVSCOPE_ENGINE", "ray")
    monkeypatch.setenv("CONVSCOPE_SLOTS", "1")
    monkeypatch.setenv("CONVSCOPE_THREADS", "1")
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", "0123456789abcdef" * 4)
    store = RunStore()
    yield store
    store.close()


def test_without_ray_or_its_head_or_its_address_it_says_so_in_one_sentence(store, monkeypatch):
    make_absent(monkeypatch, "ray")
    with pytest.raises(MissingPackageError, match=r"^The package ray is not installed here, .*requirements-ray.txt\.$"):
        launch(print, threading.Event())
    monkeypatch.setenv("CONVSCOPE_RAY_ADDRESS", NOBODY)
    with pytest.raises(ConvScopeError, match=r"^Ray at 127.0.0.1:1 cannot be reached \(Connection refused\): start "):
        launch(print, threading.Event())
    for name, value in (("CONVSCOPE_RAY_ADDRESS", "ray://head"), ("CONVSCOPE_RAY_GPUS", "two")):
        with monkeypatch.context() as patch, pytest.raises(ConvScopeError, match=f"^{name} must be .*{value}"):
            patch.setenv(name, value)
            settings()


def test_the_app_keeps_trying_says_what_hinders_and_imports_no_ray(store, monkeypatch):
    monkeypatch.setenv("CONVSCOPE_RAY_ADDRESS", NOBODY)
    monkeypatch.setattr(ray_engine, "HINDERED_SECONDS", 0.01)
    engine = start_engine(store)
    try:
        first = until(lambda: engine._launcher)
        assert until(engine.hindrance).startswith(f"Ray at {NOBODY} cannot be reached")
        assert until(lambda: engine._launcher.pid != first.pid)
        run_id = store.create(SPEC, config(1), "digits")
        engine.submit(run_id)
        engine.stop(run_id)
        assert (store.get(run_id).status, engine.workers()) == (Status.STOPPED, {})
    finally:
        engine.close()
    assert engine._launcher.poll() is not None and "ray" not in sys.modules
