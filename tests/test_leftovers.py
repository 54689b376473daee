"""Unfinished files are swept once their writer was killed, and never while it lives."""

import os
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from core import leftovers
from core.leftovers import EXPORT, remove_parts, sweep_home, unfinished
from core.runs import checkpoint
from core.runs.checkpoint import Checkpoint, save_checkpoint


def fork(act: Callable[[], None], reached: Path) -> int:
    """Let a process of its own act, wait until it says where it is, and return its id."""
    child = os.fork()
    if not child:
        act()
        os._exit(1)
    until = time.monotonic() + 30
    while not reached.exists() and time.monotonic() < until:
        time.sleep(0.005)
    assert reached.exists()
    return child


def kill(process: int) -> None:
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)


def stay(reached: Path) -> None:
    reached.touch()
    time.sleep(600)


def test_half_a_checkpoint_is_removed_when_its_writer_is_dead_but_not_while_it_stands_still(tmp_path, monkeypatch):
    folder = tmp_path / "run"
    save_checkpoint(folder / "epoch-0000.safetensors", Checkpoint({"w": torch.ones(2)}))
    monkeypatch.setattr(checkpoint, "_reach_disk", lambda path: stay(tmp_path / "reached"))
    writer = fork(
        lambda: save_checkpoint(folder / "latest.safetensors", Checkpoint({"w": torch.ones(2)})), tmp_path / "reached"
    )
    os.kill(writer, signal.SIGSTOP)
    (folder / ".tmpAbCdEf").write_bytes(b"half")
    remove_parts(folder)
    assert len([*folder.glob("*.part"), *folder.glob(".tmp*")]) == 2
    kill(writer)
    remove_parts(folder)
    assert [path.name for path in folder.iterdir()] == ["epoch-0000.safetensors"]


@pytest.mark.parametrize("prefix", [".import-", EXPORT])
def test_a_folder_for_unfinished_files_outlives_its_killed_maker_only_for_a_while(home, tmp_path, monkeypatch, prefix):
    place = home / "runs" if prefix == ".import-" else tmp_path / "system"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "system"))
    (tmp_path / "system").mkdir(exist_ok=True)

    def work() -> None:
        with unfinished(prefix, place) as folder:
            (folder / "half").write_bytes(b"half")
            os.utime(folder, (0, 0))
            stay(tmp_path / "reached")

    worker = fork(work, tmp_path / "reached")
    sweep_home()
    assert len(list(place.glob("*/half"))) == 1
    kill(worker)
    with monkeypatch.context() as patch:
        patch.setattr(leftovers, "STALE_SECONDS", 1e12)
        sweep_home()
        assert len(list(place.glob("*/half"))) == 1  # a fresh one might not be locked yet
    sweep_home()
    assert list(place.iterdir()) == []


def test_where_folders_cannot_be_locked_what_is_old_is_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(leftovers, "_lock", lambda folder, how: None)
    old, fresh = tmp_path / "latest.1.part", tmp_path / "latest.2.part"
    for part in (old, fresh):
        part.write_bytes(b"half")
    os.utime(old, (0, 0))
    remove_parts(tmp_path)
    assert list(tmp_path.iterdir()) == [fresh]
