"""One random network through the whole of the product: trained, stopped, resumed, exported, imported, explained."""

import contextlib
import io
import random
import runpy
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from core.data.datasets import Dataset, load_dataset
from core.errors import ConvScopeError
from core.exchange.backbone import backbone_file
from core.exchange.export_archive import export_run
from core.exchange.import_archive import import_run
from core.exchange.script import to_script
from core.exchange.script_data import images_file
from core.explain.attribution import attribute
from core.explain.compatibility import incompatibility
from core.explain.methods.registry import METHODS
from core.model.build import build_model
from core.model.spec import ModelSpec
from core.model.zoo import BUNDLED
from core.runs.records import Run, Status
from core.runs.store import RunStore
from core.train import runner
from core.train.config import TrainConfig
from core.train.loop import Training, train
from core.train.metrics import Step
from core.train.pixel_values import has_backbone, with_pixel_values
from core.train.runner import Runner
from tests.whole.stacks import datasets, draw_config, draw_stack

STOP_AFTER = 3
OWNER = "walk"


@dataclass(frozen=True)
class Case:
    """What is drawn from a seed: a network, how it is trained, and on what."""

    seed: int
    dataset: str
    spec: ModelSpec
    config: TrainConfig
    methods: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """What became of one walk: the failure of the training, if it failed, and the methods that explained it."""

    failure: str
    explained: tuple[str, ...]
    steps: int


def draw(seed: int, home: Path, *, methods: int) -> Case:
    """Return the case of a seed, with so many methods of explanation of those there are."""
    rng = random.Random(seed)
    dataset = rng.choice(datasets(str(home)))
    spec, config = draw_stack(rng, dataset), draw_config(rng, dataset)
    config = with_pixel_values(spec, config)
    first = seed * methods
    names = tuple(METHODS)
    return Case(seed, dataset, spec, config, tuple(names[(first + step) % len(names)] for step in range(methods)))


def walk(case: Case, store: RunStore, other: RunStore) -> Outcome:
    """Take one case through everything, and raise AssertionError, or what was raised, where it goes wrong.

    Args:
        case: What to train.
        store: Where it is trained.
        other: A store of another data directory, into which the run is imported.
    """
    images = load_dataset(case.dataset, limit=case.config.train_images or None)
    losses, failure = _losses(case, images)
    run = _trained(case, store, losses, failure)
    try:
        _travels(run, store, other)
        if not failure:
            _repeats(run, losses)
        epochs = store.epochs(run.id)  # none where the settings could not be used with this network
        explained = _explained(case, store.load_model(run.id, epochs[-1]), images) if epochs else ()
    finally:
        store.delete(run.id)
    return Outcome(failure, explained, len(losses))


def _losses(case: Case, images: Dataset) -> tuple[list[float], str]:
    """Return the losses of a training that runs through, and the sentence that ended it, if one did."""
    losses: list[float] = []
    with torch.random.fork_rng():
        try:
            for step in train(build_model(case.spec, seed=case.config.seed), images, case.config):
                losses.append(step.train_loss)
        except ConvScopeError as error:
            return losses, _sentence(error)
    return losses, ""


def _trained(case: Case, store: RunStore, losses: list[float], failure: str) -> Run:
    """Train a recorded run, stop it after three steps, resume it to its end, and hold it against `losses`."""
    run_id = store.create(case.spec, case.config, case.dataset, "Random", owner=OWNER)
    stops = case.seed % 2 == 0  # the others are interrupted, as by the end of the app
    reached = 0

    def after(training: Training, step: Step) -> None:
        nonlocal reached
        reached = step.step
        if stops and reached == STOP_AFTER < training.total_steps:
            store.request(run_id, "stop")

    def leaving() -> bool:
        return not stops and reached == STOP_AFTER

    with torch.random.fork_rng(), _looking_at_every_step():
        status = Runner(store, run_id, OWNER, leaving=leaving, on_step=after).run()
        if status in (Status.STOPPED, Status.INTERRUPTED):
            assert [metric.step for metric in store.metrics(run_id)] == list(range(1, STOP_AFTER + 1))
            store.request(run_id, "resume")
            assert store.worker.claim(OWNER, 1) == run_id
            status = Runner(store, run_id, OWNER).run()
    run = store.get(run_id)
    assert status is run.status is (Status.FAILED if failure else Status.FINISHED), (status, run.message)
    _alike(losses, [metric.train_loss for metric in store.metrics(run_id)])
    if failure:
        assert run.message == failure
    return run


def _travels(run: Run, store: RunStore, other: RunStore) -> None:
    """Export the run, import it elsewhere, and hold record and weights against each other."""
    file = io.BytesIO()
    export_run(store, run.id, file)
    there = import_run(other, file.getvalue())
    try:
        assert other.metrics(there) == store.metrics(run.id)
        assert other.epochs(there) == store.epochs(run.id)
        assert (other.get(there).spec, other.get(there).config) == (run.spec, run.config)
        for epoch in store.epochs(run.id):
            weights, copy = (s.load_model(i, epoch).state_dict() for s, i in ((store, run.id), (other, there)))
            assert all(torch.equal(weights[name], copy[name]) for name in weights)
    finally:
        other.delete(there)


def _repeats(run: Run, losses: list[float]) -> None:
    """Run the script of the run and hold its losses against those of the record."""
    with tempfile.TemporaryDirectory() as name, torch.random.fork_rng():
        folder = Path(name)
        (folder / "train.py").write_text(to_script(run), encoding="utf-8")
        (folder / "data.safetensors").write_bytes(images_file(run.dataset, run.config["train_images"]))
        if has_backbone(run.spec):
            (folder / "backbone.safetensors").write_bytes(backbone_file(BUNDLED))
        arguments, sys.argv = sys.argv, ["train.py"]
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                rows = runpy.run_path(str(folder / "train.py"), run_name="__main__")["rows"]
        finally:
            sys.argv = arguments
    _alike(losses, [row[3] for row in rows])


def _alike(losses: list[float], again: list[float]) -> None:
    """Hold that two trainings took the same steps: every loss is the same number, to the last bit."""
    assert losses == again, (losses, again)


def _explained(case: Case, model: torch.nn.Module, images: Dataset) -> tuple[str, ...]:
    """Explain one image by the methods of the case; return those that say they can, and did."""
    image = images.normalize(images.test.images[:1])[0]
    done = []
    for name in case.methods:
        if incompatibility(model, name) is not None:
            continue
        try:
            attribution = attribute(model, image, case.seed % case.spec.num_classes, name)
        except ConvScopeError as error:
            _sentence(error)
            continue
        assert attribution.values.shape in (image.shape, image.shape[1:])
        assert bool(torch.isfinite(attribution.values).all())
        done.append(name)
    return tuple(done)


def _sentence(error: ConvScopeError) -> str:
    words = str(error)
    assert words[:1].isupper() or words[:1].isdigit() or ":" in words, words
    assert words.rstrip().endswith((".", "?", "!")), words
    assert "Traceback" not in words
    return words


@contextlib.contextmanager
def _looking_at_every_step() -> Iterator[None]:
    """Let a runner look for requests after each step, so that a stop comes after exactly three."""
    seconds, runner.POLL_SECONDS = runner.POLL_SECONDS, 0.0
    try:
        yield
    finally:
        runner.POLL_SECONDS = seconds
