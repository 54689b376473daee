"""Pretrained networks as the pages know networks: runs that were trained elsewhere."""

from dataclasses import dataclass

from core.errors import RunError
from core.model.spec import ModelSpec
from core.model.zoo import IMAGENET, ZOO, ZooInfo
from core.runs.records import Run, Status

PREFIX = "zoo-"  # of their ids, which no run's has
FIRST = "efficientnet_lite0"  # the one that comes with the app
NO_IMAGES = (
    "Of a pretrained network the training images are not here: ImageNet has 1.28 million of them. "
    "Choose a network that you trained."
)


@dataclass(frozen=True)
class Pretrained(Run):
    """A network of the zoo in the place of a run: without epochs, curves, settings and images of its own.

    Its spec says what goes in and comes out, and lists no layers: those are found by following the network.
    """

    @property
    def info(self) -> ZooInfo:
        """What is known of it."""
        return ZOO[self.id.removeprefix(PREFIX)]


def is_pretrained(run_id: str) -> bool:
    """Say whether an id names a network of the zoo."""
    return run_id.startswith(PREFIX)


def run_id_of(name: str) -> str:
    """Return the id under which the address names a network of `ZOO`."""
    return PREFIX + name


def as_run(run_id: str) -> Pretrained:
    """Return a network of the zoo in the place of a run; raises `RunError` if there is none of this id."""
    info = ZOO.get(run_id.removeprefix(PREFIX))
    if info is None or not is_pretrained(run_id):
        raise RunError("There is no such pretrained network: choose another one.")
    return Pretrained(
        id=run_id,
        name=info.title,
        dataset=IMAGENET,
        spec=ModelSpec(info.title, info.input_shape, 1000, ()),
        config={},
        status=Status.FINISHED,
        wanted="run",
        pace=0.0,
        live={},
        note="",
        message="",
        origin="",
        failure="",
        created=0.0,
        heartbeat=0.0,
        epoch=0,
        step=0,
        total_steps=0,
        steps_per_epoch=0,
        seconds=0.0,
        images_per_second=0.0,
        train_loss=None,
        train_accuracy=None,
        valid_loss=None,
        valid_accuracy=None,
        test_loss=None,
        test_accuracy=None,
    )
