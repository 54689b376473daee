"""The files of runs: in a folder, or written here, sent to an object store and read from there through a cache."""

import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import StorageError
from core.file_cache import cache_of
from core.object_store import object_store
from core.runs.uploads import Uploads
from core.settings import files_directory, files_url, settings

if TYPE_CHECKING:
    from core.runs.checkpoint import Checkpoint

_EPOCH = re.compile(r"epoch-(\d+)\.safetensors")
LATEST = "latest.safetensors"


class RunFiles:
    """The files of the runs of a store.

    With an object store, a run's folder here holds only what was not sent yet: its worker writes there, and a thread
    sends. Everybody reads what the object store has, from a copy kept here.

    Args:
        place: A folder, or the fsspec URL of an object store; by default what the settings say.

    Attributes:
        folder: Where the folder of each run is in which this machine writes.
        place: What names the same files in another process.
        remote: Whether they are in an object store.
    """

    def __init__(self, place: Path | str | None = None) -> None:
        url = (files_url() if place is None else str(place) if "://" in str(place) else "").rstrip("/")
        self.remote = bool(url)
        if url:
            self.folder, self.place = files_directory(url) / "runs", url
            self._store, self._cache = object_store(url), cache_of(url)
            self._uploads = Uploads(self._store, self._cache, self.folder)
        else:
            self.folder = settings().files_folder("runs") if place is None else Path(place).absolute()
            self.place = str(self.folder)

    def path(self, run_id: str, name: str) -> Path:
        """Return where to read a file of a run: from an object store it is fetched; a path without file: none is there.

        Raises:
            StorageError: The object store fails, and nothing of the file is here; or the disk here.
        """
        here = self.folder / run_id / name
        if not self.remote:
            return here
        try:
            stored = self._store.list(_key(run_id)).get(name)
            return self._cache.get(f"{_key(run_id)}/{name}", stored) if stored else here
        except StorageError:
            if here.exists():
                return here
            raise

    def exists(self, run_id: str, name: str) -> bool:
        """Return whether there is such a file, as far as is known; nothing is fetched."""
        return (self.folder / run_id / name).exists() or (self.remote and name in self._store.known(_key(run_id)))

    def epochs(self, run_id: str) -> tuple[int, ...]:
        """Return the epochs whose weights are there, as far as is known, in order."""
        names = {path.name for path in (self.folder / run_id).glob("epoch-*.safetensors")}
        if self.remote:
            names |= {*self._store.known(_key(run_id))}
        return tuple(sorted(int(match[1]) for name in names if (match := _EPOCH.fullmatch(name))))

    def save(self, run_id: str, epoch: int | None, checkpoint: "Checkpoint", by: str = "") -> None:
        """Write weights of a run; to an object store they are sent by a thread, see `Uploads.add` for `by`.

        Raises:
            StorageError: The disk here fails.
        """
        from core.runs.checkpoint import save_checkpoint

        save_checkpoint(self.folder / run_id / checkpoint_name(epoch), checkpoint)
        self.send(run_id, checkpoint_name(epoch), by)

    def send(self, run_id: str, name: str, by: str = "") -> None:
        """Send a file that was written into the run's folder here; nothing happens without an object store."""
        if self.remote:
            self._uploads.add(run_id, name, by)

    def watch(self, allowed: Callable[[str, str], bool], told: Callable[[str, str], None]) -> None:
        """Set whom the thread that sends asks and tells, see `Uploads`."""
        if self.remote:
            self._uploads.allowed, self._uploads.told = allowed, told

    def waiting(self, run_id: str) -> bool:
        """Return whether files of a run are still to be sent."""
        return self.remote and self._uploads.waiting(run_id)

    def trouble(self, run_id: str) -> str:
        """Return one sentence on why files of a run could not be sent so far, or nothing."""
        return self._uploads.trouble(run_id) if self.remote else ""

    def publish(self, run_id: str, folder: Path | None = None) -> None:
        """Put all files of a folder, by default the run's here, into the object store at once, if there is one.

        Raises:
            StorageError: The object store fails; nothing of the run stays in it.
        """
        if not self.remote:
            return
        folder = folder or self.folder / run_id
        try:
            for path in sorted(folder.glob("[!.]*"), key=lambda path: path.name == LATEST):
                if path.is_file():
                    self._store.upload(path, f"{_key(run_id)}/{path.name}")
        except StorageError:
            with suppress(StorageError):
                self._store.remove_folder(_key(run_id))
            raise

    def discard(self, run_id: str) -> None:
        """Remove what this machine has of a run that is in the object store."""
        if self.remote:
            shutil.rmtree(self.folder / run_id, ignore_errors=True)
            self._cache.remove(_key(run_id))

    def remove(self, run_id: str, *names: str) -> None:
        """Remove files of a run, or all of them, here and in the object store; raises `StorageError` if that fails."""
        here = self.folder / run_id
        for name in names:
            (here / name).unlink(missing_ok=True)
        if not names:
            shutil.rmtree(here, ignore_errors=True)
        if self.remote:
            if names:
                self._store.remove(f"{_key(run_id)}/{name}" for name in names)
            else:
                self._cache.remove(_key(run_id))
                self._store.remove_folder(_key(run_id))

    def recover(self, run_id: str, step: int, steps_per_epoch: int) -> None:
        """Send what an earlier process wrote of a run and could not send, if the object store has nothing newer.

        Weights of later steps than those that are recorded, or than which the object store has later ones, are dropped:
        the run went on elsewhere. Does nothing without an object store.

        Args:
            run_id: A run that no other process trains at this moment.
            step, steps_per_epoch: What its row says.

        Raises:
            StorageError: The object store fails; what is here stays.
        """
        if not self.remote:
            return
        stored = self._store.list(_key(run_id), fresh=True)
        for path in sorted((self.folder / run_id).glob("[!.]*"), key=lambda path: path.name == LATEST):
            if not path.is_file() or path.suffix == ".part" or path.name == "reserve":
                continue
            name, epoch = path.name, _EPOCH.fullmatch(path.name)
            if name == LATEST:
                reached = step_in(path)
                there = step_in(self.path(run_id, name)) if name in stored else -1
                wanted = reached is not None and (there or 0) < reached <= step
            elif epoch:
                wanted = name not in stored and int(epoch[1]) * steps_per_epoch <= step
            else:
                wanted = True
            if wanted:
                self._uploads.send(run_id, name)
            else:
                path.unlink(missing_ok=True)
        with suppress(OSError):
            (self.folder / run_id).rmdir()

    def unsent(self) -> list[str]:
        """Return the ids of the runs with files here that an ended process may not have sent."""
        return [path.name for path in self.folder.glob("[!.]*") if path.is_dir()] if self.remote else []


def checkpoint_name(epoch: int | None) -> str:
    """Return the name of the file with a run's latest weights, or with those after an epoch (0: untrained)."""
    return LATEST if epoch is None else f"epoch-{epoch:04d}.safetensors"


def step_in(path: Path) -> int | None:
    """Return after how many updates a checkpoint was written; None where the file does not say."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            return int((file.metadata() or {})["step"])
    except (OSError, SafetensorError, KeyError, ValueError):  # weights without a training, or gone a moment ago
        return None


def _key(run_id: str) -> str:
    return f"runs/{run_id}"
