"""The model card of a run's network in Markdown, from what is recorded of the run.

After Mitchell et al. 2019, "Model cards for model reporting", arXiv:1810.03993.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from core.exchange.evaluation_evidence import limits, measured, untested
from core.exchange.layout import PREDICTOR, single_line, stem
from core.exchange.preprocessing import preprocessing, preprocessing_code
from core.model.calls import written
from core.model.shapes import count_params, summarize
from core.runs.records import Event, Run
from core.runs.store import RunStore
from core.train.config import TrainConfig
from core.train.describe import in_words
from core.train.diagnosis.diagnose import Finding, diagnose

_MARKUP = re.compile(r"[\\`*_\[\]<>&#|~!$]|^[-+=:]|(?<=^\d)[.)]|(?<=^\d\d)[.)]")

_LOADING = """\
With [PyTorch](https://pytorch.org) and nothing of ConvScope, in the folder of `{predictor}` and `{weights}`:

```sh
python {predictor} picture.png
```

As a program that needs no code of the network; `images` is float32 (N, {shape}), prepared as described above:

```python
import torch

logits = torch.export.load("{stem}.pt2").module()(images)
```

With other programs, from the ONNX file, whose input is `images` and whose output is `logits`:

```python
import onnxruntime

logits = onnxruntime.InferenceSession("{stem}.onnx").run(["logits"], {{"images": images}})[0]
```
"""


def model_card(store: RunStore, run: Run) -> str:
    """Return the card of a run as Markdown (CommonMark with tables); what people wrote is shown as it stands.

    Args:
        store: Where the run is.
        run: The run.

    Raises:
        ConfigError: The settings of the run are those of another version.
    """
    sections = {
        "What it is": _network(run),
        "Data": _data(run),
        "Training": _training(run, store.series.events(run.id)),
        "Metrics": _metrics(run),
        "Limits": [f"- {sentence}" for sentence in (*limits(run), *_findings(store, run))],
        "What it was not tested on": [f"- {sentence}" for sentence in untested(run)],
        "Notes": _quoted(run.note),
        "How to prepare pictures": _preparing(run),
        "How to load it": [_loading(run)],
    }
    lines = [f"# {as_text(run.name)}", ""]
    for title, content in sections.items():
        if content:
            lines += [f"## {title}", "", *content, ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def as_text(text: str) -> str:
    """Return Markdown that shows a text on one line as it stands: no formatting, links or HTML."""
    return _MARKUP.sub(r"\\\g<0>", single_line(text))


def _network(run: Run) -> list[str]:
    layers = summarize(run.spec)
    shape = " × ".join(map(str, run.spec.input_shape))
    fixed = sum(about.frozen for about in layers)
    frozen = f" that training changes, and {fixed:,} that stay those of the pretrained network" if fixed else ""
    lines = [
        f"The network “{as_text(run.spec.name)}”: it takes an image of {shape} (channels, height, width) and gives "
        f"{run.spec.num_classes} logits. {len(layers)} layers, {count_params(run.spec):,} "
        f"parameters{frozen}.",
        "",
        "| layer | in PyTorch | output | parameters |",
        "| --- | --- | --- | ---: |",
    ]
    for layer, about in zip(run.spec.layers, layers, strict=True):
        assert about.input_shape is not None and about.output_shape is not None
        output = " × ".join(map(str, about.output_shape))
        frozen = f" ({about.frozen:,} frozen)" if about.frozen else ""
        call = written(layer, about.input_shape)
        lines.append(f"| {about.name} | `{call}` | {output} | {about.num_params:,}{frozen} |")
    return lines


def _data(run: Run) -> list[str]:
    info = run.dataset_info
    if info is None:
        return [f"The data set `{as_text(run.dataset)}`, of which nothing else was recorded."]
    train, valid, test = info.split_sizes
    used = int(run.config.get("train_images", 0)) or train
    return [
        f"{as_text(info.title)}. {as_text(info.summary)}",
        "",
        f"- Source: {as_text(info.source)}",
        f"- Licence: {as_text(info.licence)}",
        f"- Images: {min(used, train):,} of {train:,} to learn from, {valid:,} for validation, {test:,} for the test",
        f"- Classes: {', '.join(map(as_text, info.class_names))}",
    ]


def _training(run: Run, events: Sequence[Event]) -> list[str]:
    info = run.dataset_info
    words = in_words(TrainConfig.from_mapping(run.config), info.split_sizes[0] if info else 0)
    began = f"{datetime.fromtimestamp(run.created, UTC):%d %B %Y}".lstrip("0")
    lines = [f"- {as_text(sentence)}" for sentence in words]
    lines += [f"- Changed after batch {event.step:,}: {as_text(event.text)}" for event in events]
    lines.append(
        f"- Began on {began}; {run.status}, {run.step:,} of {run.total_steps:,} batches in {run.seconds:,.0f} seconds."
    )
    if run.message:
        lines.append(f"- {as_text(run.message)}")
    return lines


def _metrics(run: Run) -> list[str]:
    rows = measured(run)
    if not rows:
        return ["Nothing was measured."]
    return [
        "| measured on | images | accuracy | 95% interval | loss |",
        "| --- | ---: | ---: | ---: | ---: |",
        *(f"| {row.title} | {row.count} | {row.accuracy} | {row.interval} | {row.loss} |" for row in rows),
        "",
        "The intervals are Wilson's, for the chance in which images were drawn; another training would differ too.",
    ]


def found_in(store: RunStore, run: Run) -> tuple[Finding, ...]:
    """Return the findings of the diagnosis on the whole record of a run."""
    return diagnose(run, store.metrics(run.id), store.series.evidence(run.id), num_classes=run.spec.num_classes)


def _findings(store: RunStore, run: Run) -> list[str]:
    return [f"{as_text(finding.title)}: {as_text(finding.evidence)}" for finding in found_in(store, run)]


def _quoted(note: str) -> list[str]:
    return [f"    {line}" for line in note.splitlines()] if note.strip() else []


def _preparing(run: Run) -> list[str]:
    lines = [f"{number}. {as_text(step)}" for number, step in enumerate(preprocessing(run), 1)]
    code = preprocessing_code(run)
    if code:
        lines += ["", "The same in Python, for 8-bit files with Pillow and NumPy alone:", "", "```python"]
        lines += [*code.rstrip("\n").split("\n"), "```"]
        lines += ["", f"`{PREDICTOR}` does it for every kind of file that ConvScope reads."]
    return lines


def _loading(run: Run) -> str:
    name = stem(run.name)
    shape = ", ".join(map(str, run.spec.input_shape))
    return _LOADING.format(predictor=PREDICTOR, weights=f"{name}.safetensors", stem=name, shape=shape).rstrip("\n")
