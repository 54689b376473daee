"""The lab report of a run: one self-contained HTML file without scripts or external resources."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from core.errors import ConvScopeError
from core.evaluation.answers import answers_of
from core.evaluation.report import report_of
from core.exchange.card import found_in
from core.exchange.evaluation_evidence import limits, measured, untested
from core.exchange.script import script_of
from core.figures.render import curves_svg
from core.formatting import dimensions
from core.inference.library import NetworkLibrary
from core.model.calls import written
from core.model.shapes import count_params, summarize
from core.options import options
from core.probe.kernels import filter_layers
from core.progress import Progress
from core.report.elements import ReportImage, share_of, svg
from core.report.evaluation import report_evaluation
from core.report.explanations import DEFAULT_CHOICE, ExplanationChoice, report_explanations
from core.report.filters import shown_filters
from core.runs.history import History, Point
from core.runs.records import Run
from core.runs.store import RunStore
from core.train.config import TrainConfig
from core.train.describe import in_words, value_words

T = TypeVar("T")
EVALUATION_PARTS, EXPLANATION_PARTS = 45, 50  # of 100 parts of the work


def lab_report(
    store: RunStore, run_id: str, *, choice: ExplanationChoice = DEFAULT_CHOICE, progress: Progress | None = None
) -> str:
    """Return the report of a run as HTML: all that is recorded of it, its test, filters and explanations, and its code.

    What cannot be made (of a run without weights, or whose data set is not here) is left out, and the report says so.
    What people wrote is shown as text.

    Args:
        store: Where the run is.
        run_id: The run.
        choice: What is explained beyond the surest right and wrong answers, and how.
        progress: Called with what is done of 100; it may raise to cancel.

    Raises:
        RunError: There is no such run.
        ExplainError: There is no such test image as is requested.
        StorageError: The database fails.
    """
    run = store.get(run_id)
    missing: list[str] = []
    values = _record(store, run) | _network_parts(store, run, missing, choice, progress)
    share_of(progress, 95, 5)(0, 1)
    values["curves"] = _attempt("The curves", missing, lambda: _curves(store, run))
    values["code"] = _attempt("The code", missing, lambda: script_of(store, run, store.series.events(run.id)))
    text = _template().render(**values, missing=missing)
    share_of(progress, 95, 5)(1, 1)
    return text


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html")


def _record(store: RunStore, run: Run) -> dict[str, Any]:
    """Return the parts of the report that come from the run's record."""
    config = TrainConfig.from_mapping(run.config)
    info, layers = run.dataset_info, summarize(run.spec)
    rows = [
        (
            about.name,
            written(layer, about.input_shape or ()),
            dimensions(about.output_shape or ()),
            about.num_params,
        )
        for layer, about in zip(run.spec.layers, layers, strict=True)
    ]
    return {
        "run": run,
        "info": info,
        "began": f"{datetime.fromtimestamp(run.created, UTC):%d %B %Y}".lstrip("0"),
        "layers": rows,
        "parameters": count_params(run.spec),
        "input": dimensions(run.spec.input_shape),
        "words": in_words(config, info.split_sizes[0] if info else 0),
        "settings": [
            (setting.group, setting.label, value_words(setting, getattr(config, setting.name)))
            for setting in options(TrainConfig)
        ],
        "events": store.series.events(run.id),
        "measured": measured(run),
        "findings": found_in(store, run),
        "limits": tuple(limits(run)),
        "untested": tuple(untested(run)),
    }


def _network_parts(
    store: RunStore, run: Run, missing: list[str], choice: ExplanationChoice, progress: Progress | None
) -> dict[str, Any]:
    """Return the parts of the report for which the network is loaded: evaluation, filters, explanations."""
    values: dict[str, Any] = {"evaluation": None, "filters": (), "convolutions": 0, "explanations": ()}
    network = NetworkLibrary(store).of_run(run)
    model = _attempt("The test, the filters and the explanations", missing, lambda: network.model)
    if model is None:
        return values
    values |= {"filters": shown_filters(model), "convolutions": len(filter_layers(model))}
    dataset = _attempt("The test and the explanations", missing, network.dataset)
    if dataset is None:
        return values
    test, evaluation_progress = dataset.test, share_of(progress, 0, EVALUATION_PARTS)
    answers = _attempt(
        "The test",
        missing,
        lambda: answers_of(model, test.images, test.labels, normalize=dataset.normalize, progress=evaluation_progress),
    )
    if answers is not None:
        values["evaluation"] = report_evaluation(report_of(answers), dataset.class_names)
        values["explanations"] = tuple(
            report_explanations(
                model, dataset, answers, choice, share_of(progress, EVALUATION_PARTS, EXPLANATION_PARTS)
            )
        )
    return values


def _attempt(what: str, missing: list[str], make: Callable[[], T]) -> T | None:
    try:
        return make()
    except ConvScopeError as error:
        missing.append(f"{what}: {error}")
        return None


def _curves(store: RunStore, run: Run) -> ReportImage:
    history = History(store, run.id)
    history.update()
    points, events = history.points(run.steps_per_epoch), store.series.events(run.id)
    drawing = curves_svg(run, points, history.best, events)
    sentences = [_course(name, points[split]) for split, name in (("train", "training"), ("valid", "validation"))]
    return svg(drawing, "Loss and accuracy over the epochs. " + " ".join(filter(None, sentences)))


def _course(name: str, points: tuple[Point, ...]) -> str:
    """Return the text alternative of the learning curves."""
    if not points:
        return ""
    first, last = points[0], points[-1]
    return (
        f"On {name} images the loss goes from {first.loss:.3g} to {last.loss:.3g}, "
        f"the accuracy from {first.accuracy:.1%} to {last.accuracy:.1%}."
    )
