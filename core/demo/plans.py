"""What the demo consists of: an entry of `DEMOS` is one training."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.data.catalog import DATASETS
from core.errors import ConfigError
from core.model.presets import preset
from core.model.spec import ModelSpec
from core.runs.records import Run
from core.train.config import TrainConfig
from core.train.recipes import RECIPES

SEED = 6  # no training that people start has it unless they ask for it: so a demo is told from theirs


@dataclass(frozen=True)
class Demo:
    """One training of the demo.

    Attributes:
        name: What its run is called.
        note: What to look at, kept with the run.
        dataset: Key of `DATASETS`; one that needs no network connection.
        recipe: Key of `core.train.RECIPES`, the way in which it goes wrong; "healthy" for one that does not.
        preset: Key of `core.model.PRESETS`.
        changes: Settings that differ from the recipe's.
    """

    name: str
    note: str
    dataset: str
    recipe: str = "healthy"
    preset: str = "tutorial"
    changes: Mapping[str, Any] = field(default_factory=dict)

    def plan(self) -> tuple[ModelSpec, TrainConfig]:
        """Return the network and the settings."""
        info = DATASETS[self.dataset]
        spec = preset(self.preset, info.input_shape, len(info.class_names))
        spec, config = RECIPES[self.recipe].make(spec, TrainConfig(seed=SEED), info.split_sizes[0])
        return spec, TrainConfig.from_mapping({**_values(config), **self.changes})

    @property
    def images(self) -> int:
        """How many images it looks at while it learns: what its work is measured by."""
        config = self.plan()[1]
        return config.epochs * (config.train_images or DATASETS[self.dataset].split_sizes[0])

    def made_by(self, run: Run) -> bool:
        """Say whether a run of version 0.4, which kept no origins, is this training."""
        if run.dataset != self.dataset or run.config.get("seed") != SEED:
            return False  # most of them: the rest is looked at more closely
        spec, config = self.plan()
        try:
            same = TrainConfig.from_mapping(run.config) == config
        except ConfigError:  # of another version
            return False
        return same and run.spec == spec


def _values(config: TrainConfig) -> dict[str, Any]:
    return {name: getattr(config, name) for name in TrainConfig.__dataclass_fields__}


# The soundest last: pages open with the newest run.
DEMOS: dict[str, Demo] = {
    "diverged": Demo(
        "Demo: diverged",
        "Its learning rate is a hundred times too high: the loss leaps up and never comes back. Ask the diagnosis.",
        "mnist5k",
        recipe="high_rate",
        changes={"epochs": 3},
    ),
    "overfits": Demo(
        "Demo: overfits",
        "It saw the same fifty digits forty times and knows them by heart, but not others: compare the two curves.",
        "mnist5k",
        recipe="few_images",
    ),
    "shapes": Demo(
        "Demo: shapes",
        "A sound training on drawn shapes. Each shape's place is known: ask in Explain whether it looks there.",
        "shapes",
        changes={"epochs": 6},
    ),
    "digits": Demo(
        "Demo: digits",
        "A sound training on handwritten digits. Look at its filters and feature maps, and draw it a digit.",
        "mnist5k",
        changes={"epochs": 4},
    ),
}
