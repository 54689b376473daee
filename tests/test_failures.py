"""Whatever torch, Captum, scikit-learn or SciPy raises ends in one sentence, and leaves the network as it was found."""

import importlib
import inspect
from collections import OrderedDict
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from core.compression.changes import explanations
from core.compression.plan import compress, sweep
from core.compression.quantization import quantize
from core.compression.ways import CompressionPlan, Pruning
from core.errors import ConvScopeError, ExplainError
from core.evaluation.answers import answers_of
from core.explain.attacks import Attack, attack, growing_attacks
from core.explain.attribution import attribute
from core.explain.cam_layers import layer_shapes, output_of
from core.explain.influence import LabeledImages, Snapshot, similarity, tracin
from core.explain.metrics.deletion_insertion import random_removal, removal_curve, shifted_removal
from core.explain.metrics.infidelity import infidelity
from core.explain.metrics.pointing_game import score_methods
from core.explain.metrics.randomization import cascade, map_similarity, reinitialized
from core.explain.metrics.sensitivity import sensitivity
from core.explain.tcav import concept_scores
from core.failures import in_sentences
from core.inference.prediction import predict, scores
from core.probe.activation_maximization import preferred_input, preferred_picture
from core.probe.activations import capture_activations, passage
from core.probe.autograd_reference import layer_pass
from core.probe.embedding.data_map import ImageSample, data_map
from core.probe.embedding.trust import nearest
from core.probe.features import layer_features
from core.probe.units import contributions, effective_field, top_images
from core.reliability.calibrated_model import calibrate
from core.reliability.features import extract_features
from core.reliability.ood_samples import detection_rate
from core.reliability.ood_scores import fit_mahalanobis
from core.reliability.robustness import stability
from core.reliability.temperature import fit_temperature

ROOT = Path(__file__).resolve().parents[1]
DRAW = torch.Generator().manual_seed(0)
PIXELS = torch.randint(0, 256, (60, 1, 8, 8), dtype=torch.uint8, generator=DRAW)
LABELS = torch.arange(60) % 3
IMAGE, MAP = PIXELS[0].float() / 255 - 0.5, np.random.default_rng(0).normal(size=(8, 8))
MASKS = torch.zeros(2, 8, 8, dtype=torch.bool)
MASKS[:, 2:5, 2:5] = True
SALIENCY = partial(attribute, method="saliency")
PIECES = LabeledImages(PIXELS[:12], LABELS[:12], lambda pixels: pixels.float() / 255 - 0.5)


class Fault(nn.Module):
    """Hands its input on, and raises an error from its n-th call on, also in copies."""

    def __init__(self) -> None:
        super().__init__()
        self.armed: dict[str, Any] = {"error": None, "after": 0}

    def forward(self, maps: Tensor) -> Tensor:
        if self.armed["error"] is not None:
            if self.armed["after"] <= 0:
                raise self.armed["error"]
            self.armed["after"] -= 1
        return maps


def network() -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        parts = {"conv": nn.Conv2d(1, 4, 3), "fault": Fault(), "relu": nn.ReLU(), "flat": nn.Flatten()}
        net = nn.Sequential(OrderedDict(parts))
        net.add_module("last", nn.Linear(144, 3))
    net.eval()
    net.relu.train()  # odd on purpose: it is left as it is
    net.conv.bias.requires_grad_(False)
    return net


def loss(logits: Tensor, labels: Tensor) -> Tensor:
    return nn.functional.cross_entropy(logits, labels)


def normal(pixels: Tensor) -> Tensor:
    return pixels.float() / 255 - 0.5


def alarm_of(net: nn.Module) -> Any:
    return calibrate(network(), PIECES, LabeledImages(PIXELS, LABELS, normal), rate=0.2).alarm


# Each place that asks a network, by how many passes go well before one fails.
DOORS: dict[str, tuple[int, Callable[[nn.Module], Any]]] = {
    "predict": (0, lambda net: predict(net, IMAGE[None])),
    "scores": (0, lambda net: scores(net, IMAGE[None])),
    "infidelity": (1, lambda net: infidelity(net, IMAGE, MAP, 1)),
    "sensitivity": (2, lambda net: sensitivity(net, IMAGE, 1, SALIENCY, samples=2)),
    "deletion": (0, lambda net: removal_curve(net, IMAGE, MAP, 1)),
    "chance": (1, lambda net: random_removal(net, IMAGE, 1)),
    "moved": (1, lambda net: shifted_removal(net, IMAGE, MAP, 1, "insertion")),
    "randomization": (1, lambda net: cascade(net, IMAGE, 1, SALIENCY)),
    "league": (1, lambda net: score_methods(net, PIXELS[:2] / 255, MASKS, LABELS[:2], {"saliency": SALIENCY})),
    "shapes": (0, lambda net: layer_shapes(net, (1, 8, 8))),
    "output": (0, lambda net: output_of(net, IMAGE[None], "conv")),
    "concepts": (
        1,
        lambda net: concept_scores(
            net, "relu", 1, PIXELS[:4], {"dots": PIXELS[4:18]}, PIXELS[20:60], normal, repeats=2
        ),
    ),
    "influence": (1, lambda net: tracin([Snapshot(lambda: net, 1.0)], PIECES, IMAGE, 1, loss)),
    "similarity": (1, lambda net: similarity(net, PIECES, IMAGE)),
    "attack": (1, lambda net: attack(net, PIXELS[0], [0.5], [1.0], Attack("pgd", 32))),
    "smallest": (2, lambda net: list(growing_attacks(net, PIXELS[0], [0.5], [1.0], Attack("pgd")))),
    "activations": (0, lambda net: capture_activations(net, IMAGE[None])),
    "passage": (0, lambda net: passage(net, IMAGE[None], "relu")),
    "features": (0, lambda net: layer_features(net, PIXELS, "relu", normalize=normal)),
    "data map": (0, lambda net: data_map(net, ImageSample(PIXELS, LABELS, normal), "relu", "pca")),
    "layer pass": (0, lambda net: layer_pass(net, "relu", IMAGE[None], LABELS[:1], loss)),
    "top images": (0, lambda net: top_images(net, PIXELS, "relu", normalize=normal)),
    "contributions": (1, lambda net: contributions(net, IMAGE, "relu", 1)),
    "preferred": (2, lambda net: preferred_input(net, "relu", 1, shape=(1, 8, 8), mean=(0.5,), std=(1.0,), steps=3)),
    "preferred pixels": (
        2,
        lambda net: preferred_picture(
            *(net, "relu", 1), shape=(1, 8, 8), mean=(0.5,), std=(1.0,), steps=3, progress=lambda done, total: None
        ),
    ),
    "field": (0, lambda net: effective_field(net, IMAGE, "relu", 1, 2, 2)),
    "inside": (0, lambda net: extract_features(net, PIXELS, normal)),
    "reader": (1, lambda net: calibrate(net, PIECES, LabeledImages(PIXELS, LABELS, normal), rate=0.2)),
    "foreign": (1, lambda net: detection_rate(net, alarm_of(net), PIXELS, normal)),
    "variants": (1, lambda net: stability(net, PIXELS[0], normal, 1, SALIENCY)),
    "answers": (0, lambda net: answers_of(net, PIXELS, LABELS, normalize=normal)),
    "quantisation": (0, lambda net: quantize(net, normal(PIXELS))),
    "sweep": (0, lambda net: sweep(net, "weights", (0.5,), normal(PIXELS), LABELS)),
    "compared": (1, lambda net: explanations(net, net, normal(PIXELS[:1]), [0], [1], SALIENCY)),
}


def state_of(net: nn.Module) -> list[Any]:
    hooks = [name for name, value in vars(nn.Module()).items() if "hooks" in name and isinstance(value, dict)]
    found: list[Any] = [torch.is_grad_enabled(), torch.get_rng_state().tolist()]
    for module in net.modules():
        found.append((module.training, [len(getattr(module, name)) for name in hooks]))
    found += [(weight.requires_grad, weight.grad, weight.detach().clone().tolist()) for weight in net.parameters()]
    return found


@pytest.mark.parametrize(
    "error", [RuntimeError("injected\nfault"), ValueError("injected fault")], ids=lambda e: type(e).__name__
)
@pytest.mark.parametrize("door", DOORS)
def test_a_fault_inside_the_network_is_a_sentence_and_leaves_nothing_behind(door: str, error: Exception) -> None:
    after, ask = DOORS[door]
    net = network()
    before = state_of(net)
    net.fault.armed.update(error=error, after=after)
    with pytest.raises(ConvScopeError) as caught_error:
        ask(net)
    said = str(caught_error.value)
    assert "injected" in said and "\n" not in said and "fault\n" not in said
    assert type(error).__name__ in said
    assert state_of(net) == before
    net.fault.armed["error"] = None
    assert ask(net) is not None  # the same call, once the fault is over
    assert state_of(net) == before


@pytest.mark.parametrize(
    "ask",
    [
        lambda: nearest(np.zeros(9, dtype=np.float32)),
        lambda: map_similarity(np.eye(4), np.arange(9.0).reshape(3, 3)),
        lambda: fit_temperature(np.eye(4), np.full(4, 7)),
        lambda: fit_mahalanobis(np.random.default_rng(0).normal(size=(4, 3)), np.zeros(5, dtype=int)),
        lambda: reinitialized(network(), ["nowhere"]),
        lambda: compress(None, network(), CompressionPlan(Pruning("weights", 0.5)), PIXELS),
    ],
)
def test_what_numpy_scipy_and_scikit_learn_raise_is_a_sentence(ask: Callable[[], Any]) -> None:
    with pytest.raises(ConvScopeError):
        ask()


def test_who_cancels_gets_the_own_exception_back_and_a_wrong_call_stays_a_defect() -> None:
    class Left(Exception):
        pass

    def leave(done: int, total: int) -> None:
        raise Left

    for ask in (infidelity, removal_curve):
        with pytest.raises(Left):
            ask(network(), IMAGE, MAP, 1, progress=leave)
    with pytest.raises(TypeError, match="missing a required argument"):
        predict(network())


def test_a_generator_goes_on_until_the_fault() -> None:
    @in_sentences("Counting")
    def counted(most: int) -> Iterator[int]:
        yield from range(most)
        raise KeyError("end")

    found = counted(2)
    assert [next(found), next(found)] == [0, 1]
    with pytest.raises(ExplainError, match="Counting failed"):
        next(found)


def test_too_little_memory_is_told_apart() -> None:
    @in_sentences("The test")
    def full() -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.")

    with pytest.raises(ExplainError, match="The test needs more memory"):
        full()


# What takes a network but does not ask it, or is asked from within `attribute` alone.
SILENT = {
    *("attribute", "incompatibility", "logits_of", "target_logits", "target_probabilities", "unit_range_network"),
    *(
        "cam_layers",
        "default_cam_layer",
        "initializable_layers",
        "last_layer",
        "untrained",
        "replace_forward",
        "fingerprint",
    ),
    *("is_plain", "canonized", "operations", "lrp", "deep_lift"),
    *("filter_layers", "filters", "biases", "layer_graph", "windows_of", "tapped", "preferred_input", "data_maps"),
    *("weighted", "prunable", "blank_int8", "size_of", "to_file"),
}


def test_every_function_that_asks_a_network_is_guarded() -> None:
    found = set[str]()
    for package in ("explain", "probe", "reliability", "evaluation", "compression"):
        for path in sorted((ROOT / "core" / package).rglob("[!_]*.py")):
            module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
            for name, function in inspect.getmembers(module, inspect.isfunction):
                if name.startswith("_") or function.__module__ != module.__name__:
                    continue
                takes = {str(each.annotation) for each in inspect.signature(function).parameters.values()}
                takes_network = any("nn.Module" in each or "modules.module.Module" in each for each in takes)
                if takes_network and not hasattr(function, "__wrapped__"):
                    found.add(name)
    assert found == SILENT
