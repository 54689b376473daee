"""Export of a run as a stand-alone PyTorch script that repeats its training."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from core.errors import RunError
from core.exchange import backbone, script_parts
from core.exchange.dataset import dataset_parts
from core.exchange.layout import DATA, METRICS, single_line
from core.exchange.script_data import data_section
from core.exchange.script_loop import loop, preparation
from core.exchange.script_parts import beginning
from core.model.export import network_code
from core.model.shapes import fewest_images
from core.model.source_listing import listing
from core.options import options
from core.runs.checkpoint import beginning_of
from core.runs.records import Event, Run, Status
from core.runs.store import RunStore
from core.train.config import AUGMENTATIONS, TrainConfig
from core.train.suggestion import is_frozen

_OPENING = '''\
"""{name}: trained by ConvScope on {date}, and by this script once more, in plain PyTorch.

    python train.py

needs torch, numpy{more} and nothing of ConvScope. It prints a line an epoch, writes every step to again.csv, and says
how far that is from {metrics} if it lies beside. The same machine and version of torch give the same numbers; others
differ in the last digit at first, which grows from step to step.
"""
'''

_CONSOLE = (  # names that it cannot show must not end the training
    'if hasattr(sys.stdout, "reconfigure"):',
    '    sys.stdout.reconfigure(errors="replace")',
)

# What to import, and a word by which code shows that it needs it.
_IMPORTS = (
    ("from __future__ import annotations\n", ") -> "),
    ("import csv", "csv."),
    ("import json", "json."),
    ("import math", "math."),
    ("import sys", ""),
    ("from collections import OrderedDict", "OrderedDict("),
    ("from pathlib import Path", ""),
    ("from types import SimpleNamespace", "SimpleNamespace("),
    ("", ""),
    ("import numpy as np", "np."),
    ("import torch", ""),
    ("import torchvision", "torchvision."),
    ("from torch import nn", "nn."),
    ("from torch.nn import functional", "functional."),
)


def script_of(store: RunStore, run: Run, events: Sequence[Event]) -> str:
    """Return the script of a recorded run: see `to_script`.

    Raises:
        RunError: The run began with weights of its own, which no script can make.
        ConfigError, SpecError: The record is of another version.
    """
    first_weights = beginning_of(store.checkpoint(run.id))
    if first_weights:
        raise RunError(
            f"This run began with weights that were given to it ({single_line(first_weights)}), which no script alone "
            "can make: weights/epoch-0000.safetensors holds them."
        )
    return to_script(run, events, beside=DATA in dataset_parts(store, run))


def to_script(run: Run, events: Sequence[Event] = (), *, beside: bool | None = None) -> str:
    """Return Python code that trains a run's network again: same weights, images, order and rules, so the same losses.

    What was changed while the run trained is not done again: the script says so. Nothing a person wrote (names,
    notes) can become code.

    Args:
        run: The run.
        events: What was changed.
        beside: Whether the file of images goes with the script; by default where the data set is here and small.

    Raises:
        ConfigError, SpecError: The record is of another version.
    """
    config = TrainConfig.from_mapping(run.config)
    cut = 0 < run.step < run.total_steps and (run.status is not Status.FINISHED or config.max_seconds > 0)
    fewest, frozen = fewest_images(run.spec), is_frozen(run.spec)
    network = network_code(run.spec, seed=config.seed)
    body = [
        data_section(run.dataset, config.train_images, beside=beside),
        script_parts.WRONG_LABELS.format(classes=run.spec.num_classes) if config.wrong_labels else "",
        network,
        backbone.loading(run.spec),
        beginning(run.spec) if config.first_filters == "by_hand" else "",
        _augmentation() if config.augmentation.active else "",
        listing("train/feed.py", ("batches",)) if fewest > 1 else "",
        preparation(config, fewest, frozen=frozen),
        backbone.features(config) if frozen else "",
        "",
        loop(config, fewest, cut=cut, frozen=frozen),
    ]
    code = "\n".join(section.strip("\n") + "\n" if section else "" for section in body)
    return _opening(run, code) + _settings(config, code) + _record(run, events, cut) + "\n" + code


def _opening(run: Run, code: str) -> str:
    """Return the docstring and the imports that the code needs."""
    opening = _OPENING.format(
        name=single_line(run.name).replace("\\", "/").replace('"', "'"),
        date=f"{datetime.fromtimestamp(run.created, UTC):%d %B %Y}".lstrip("0"),
        more=", torchvision" if "torchvision." in code else "",
        metrics=METRICS,
    )
    needed = [line for line, word in _IMPORTS if word in code]
    return "\n".join(
        [
            opening,
            *needed,
            "",
            "here = Path(__file__).parent",
            *_CONSOLE,
            "",
        ]
    )


def _settings(config: TrainConfig, code: str) -> str:
    """Return all settings: as constants where the code uses them, as remarks where it needs no number for them."""
    lines = ["", "# All settings. Those in small letters are off, have no effect, or are words for what the code does."]
    group = ""
    for setting in options(TrainConfig):
        if setting.group != group:
            group = setting.group
            lines.append(f"# {group}")
        name, value = setting.name.upper(), getattr(config, setting.name)
        if re.search(rf"\b{name}\b", code):
            lines.append(f"{name} = {value!r}  # {setting.label}")
        else:
            lines.append(f"#   {setting.name} = {value!r}")
    return "\n".join([*lines, ""])


def _record(run: Run, events: Sequence[Event], cut: bool) -> str:
    """Return comments on what the script cannot repeat, such as settings changed during the run."""
    lines = []
    if cut:
        reason = single_line(run.message) or f"The run is {run.status}."
        lines.append(f"LAST_STEP = {run.step}  # of {run.total_steps} that were planned. {reason}")
    if events:
        lines.append("# While it trained these were changed, which this script does not do again:")
        lines += [f"#   after step {event.step}: {single_line(event.text)}" for event in events]
    elif run.live:
        changes = ", ".join(
            f"{single_line(str(name))} = {single_line(repr(value))}" for name, value in run.live.items()
        )
        lines.append(f"# While it trained these were changed, which this script does not do again: {changes}")
    return "\n".join(["", *lines, ""]) if lines else ""


def _augmentation() -> str:
    """Return the code that varies the training images, as it stands in `core.data`."""
    strengths = ", ".join(f"{name}={name.upper()}" for name in AUGMENTATIONS)
    steps, whole = listing("data/image_ops.py"), listing("data/augment.py", ("augment", "_placed", "_whole"))
    return f"{steps}\n\n\n{whole}\n\n\naugmentation = SimpleNamespace(active=True, {strengths})\n"
