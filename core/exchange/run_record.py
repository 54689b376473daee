"""The record of a run without its weights, written to and read from the text files of an archive."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from core.data.catalog import DATASETS
from core.errors import SpecError
from core.exchange import schema
from core.exchange.csv_tables import curves_csv, read_curves
from core.exchange.layout import CONFIG, EVENTS, EVIDENCE, FORMAT, METRICS, RUN, SPEC, ArchiveError, refusal
from core.model.shapes import problems
from core.model.spec import ModelSpec
from core.runs.former_notes import ORIGINS
from core.runs.records import DIVERGED, DIVERGED_WORDS, Event, Evidence, Metric, Run, Status
from core.runs.store import RunStore
from core.train.config import LIVE, TrainConfig

# What run.json says of a run, and what each of it has to be.
_FIELDS: dict[str, Callable[[Any], Any]] = {
    "name": schema.text(80, least=1),
    "dataset": schema.name(80),
    "note": schema.text(2_000),
    "status": schema.choice(tuple(Status)),
    "wanted": schema.choice(("run", "pause", "stop")),
    "message": schema.text(2_000),
    "origin": schema.text(80),
    "failure": schema.text(32),
    **dict.fromkeys(("created", "heartbeat", "seconds", "images_per_second", "pace"), schema.amount),
    **dict.fromkeys(("epoch", "step", "total_steps", "steps_per_epoch"), schema.count),
    **{f"{split}_loss": schema.optional(schema.number) for split in ("train", "valid", "test")},
    **{f"{split}_accuracy": schema.optional(schema.share) for split in ("train", "valid", "test")},
}
_EVENT = {"step": schema.count, "kind": schema.name(16), "text": schema.text(1_000)}
_EVIDENCE = {
    "step": schema.count,
    "kind": schema.name(16),
    "layer": schema.text(80, least=1),
    "value": schema.number,
    "bins": schema.numbers(200),
}


@dataclass(frozen=True)
class RunRecord:
    """The record of a run in an archive.

    Attributes:
        spec: The network.
        config: The settings it was started with, as they were written; a `TrainConfig` can be made of them.
        live: The settings that were changed while it trained.
        values: The other fields of `core.runs.Run`.
        metrics: Its steps.
        events: What people did to it.
        evidence: What was measured inside.
    """

    spec: ModelSpec
    config: Mapping[str, Any]
    live: Mapping[str, Any]
    values: Mapping[str, Any]
    metrics: tuple[Metric, ...]
    events: tuple[Event, ...]
    evidence: tuple[Evidence, ...]

    @classmethod
    def of(cls, store: RunStore, run: Run) -> "RunRecord":
        """Return the record of a run from the store, up to the step of `run`, which may train on meanwhile."""
        return cls(
            run.spec,
            run.config,
            {name: value for name, value in run.live.items() if name in LIVE},
            {name: getattr(run, name) for name in _FIELDS},
            tuple(metric for metric in store.metrics(run.id) if metric.step <= run.step),
            tuple(event for event in store.series.events(run.id) if event.step <= run.step),
            tuple(item for item in store.series.evidence(run.id) if item.step <= run.step),
        )

    def texts(self, versions: Mapping[str, str]) -> dict[str, str]:
        """Return the files of an archive; `versions` says which programs wrote it, for people."""
        about = {"format": FORMAT, **self.values, "live": dict(self.live), "versions": dict(versions)}
        return {
            SPEC: json.dumps(json.loads(self.spec.to_json()), ensure_ascii=False, indent=1),
            CONFIG: json.dumps(dict(self.config), indent=1),
            RUN: json.dumps(about, ensure_ascii=False, indent=1),
            METRICS: curves_csv(self.metrics),
            EVENTS: json.dumps([asdict(event) for event in self.events], ensure_ascii=False, indent=1),
            EVIDENCE: json.dumps([asdict(item) for item in self.evidence], separators=(",", ":")),
        }

    @classmethod
    def read(cls, text: Callable[[str], str]) -> "RunRecord":
        """Read what `texts` wrote, by a function from a file's name to its content.

        Raises:
            ArchiveError, SpecError, ConfigError: Something in it cannot be part of a run of this version.
        """
        about = schema.record(schema.parse(text(RUN), RUN), RUN)
        version = about.pop("format", None)
        if type(version) is int and version > FORMAT:
            raise ArchiveError("The archive was written by a newer version of ConvScope: update this one, then import.")
        if version != FORMAT:
            raise refusal(f"The archive was written by another version of ConvScope, which says so in {RUN}")
        about.pop("versions", None)
        about.setdefault("origin", ORIGINS.get(str(about.get("note")), ""))  # archives of version 0.4 have neither
        diverged = about.get("status") == "failed" and DIVERGED_WORDS in str(about.get("message"))
        about.setdefault("failure", DIVERGED if diverged else "")
        live = schema.record(about.pop("live", None), f"live of {RUN}")
        values = schema.fields(about, _FIELDS, RUN)
        config = schema.record(schema.parse(text(CONFIG), CONFIG), CONFIG)
        TrainConfig.from_mapping(config)
        if set(live) - set(LIVE):
            raise refusal(f"{RUN} tells of changes that no training allows")
        TrainConfig.from_mapping({**config, **live})
        spec = ModelSpec.from_json(text(SPEC))
        for problem in problems(spec):
            raise SpecError(problem.sentence)
        _check_fit(spec, values["dataset"])
        metrics = read_curves(text(METRICS))
        events = schema.rows(schema.parse(text(EVENTS), EVENTS), _EVENT, EVENTS)
        evidence = schema.rows(schema.parse(text(EVIDENCE), EVIDENCE), _EVIDENCE, EVIDENCE)
        if len({(item["step"], item["kind"], item["layer"]) for item in evidence}) < len(evidence):
            raise refusal(f"{EVIDENCE} measures the same thing twice")
        return cls(
            spec,
            config,
            live,
            values,
            metrics,
            tuple(Event(**event) for event in events),
            tuple(Evidence(**item) for item in evidence),
        )


def _check_fit(spec: ModelSpec, dataset: str) -> None:
    info = DATASETS.get(dataset)
    if info and (spec.input_shape, spec.num_classes) != (info.input_shape, len(info.class_names)):
        raise refusal(f"The network in the archive does not fit the images of {info.title}")
