"""The app with a demo of seconds: the same trainings, on a few small images."""

import runpy
from dataclasses import replace
from pathlib import Path

from core.demo.plans import DEMOS

for place, (key, demo) in enumerate(list(DEMOS.items()), 1):
    if demo.dataset != "digits":
        changes = {**demo.changes, "train_images": 160, "epochs": 1, "batch_size": 32, "lr": 0.001 * place}
        DEMOS[key] = replace(demo, dataset="digits", preset="tiny_vgg", changes=changes)
runpy.run_path(str(Path(__file__).parents[2] / "app.py"), run_name="__main__")
