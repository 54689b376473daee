"""Concepts score where a network was made to use them, as Captum's TCAV does, and chance is told from them."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from captum.concept import TCAV, Classifier, Concept
from scipy import stats
from torch import Tensor, nn
from torch.utils.data import DataLoader

from core.data.synthetic.concepts import draw_concept
from core.errors import ExplainError
from core.explain.tcav import ConceptReport, ConceptScore, LayerVectors, concept_scores, direction

SHAPE = (3, 24, 24)


def normalize(pixels: Tensor) -> Tensor:
    return (pixels / 255 - 0.5) / 0.25


def drawn(name: str | None, count: int, seed: int = 0) -> Tensor:
    return torch.from_numpy(draw_concept(name, count, SHAPE, seed=seed))


def horizontal(count: int, seed: int = 0) -> Tensor:
    """Return pictures of horizontal stripes in random colours."""
    rng = np.random.default_rng(seed)
    period, shift = rng.uniform(3, 7, (count, 1, 1, 1)), rng.uniform(0, 6.3, (count, 1, 1, 1))
    first, second = rng.uniform(0, 255, (2, count, 3, 1, 1))
    weight = (np.sin(np.arange(24)[:, None] * 2 * np.pi / period + shift) > 0) + np.zeros((1, 1, 24, 24))
    return torch.from_numpy((first * weight + second * (1 - weight)).astype(np.uint8))


class StripeNet(nn.Sequential):
    """Class 0 for horizontal edges, class 1 against them, class 2 for red; edges and colours are all that it sees."""

    def __init__(self) -> None:
        convolution = nn.Conv2d(3, 7, 3, padding=1, padding_mode="replicate", bias=False)
        kernels = torch.zeros(7, 3, 3, 3)
        for place, (row, col) in enumerate(((0, 1), (2, 1), (1, 0), (1, 2))):  # up, down, left, right
            kernels[place, :, 1, 1], kernels[place, :, row, col] = 1.0, -1.0
        for channel in range(3):
            kernels[4 + channel, channel, 1, 1] = 3.0
        convolution.weight.data = kernels
        dense = nn.Linear(7, 3, bias=False)
        dense.weight.data = torch.tensor(
            [[1.0, 1, 0, 0, 0, 0, 0], [-1, -1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 2, -1, -1]],
        )
        super().__init__(convolution, nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten(), dense)


def report(target: int, layer: str = "2", **words: int) -> ConceptReport:
    concepts = {"stripes": horizontal(60), **{name: drawn(name, 60) for name in ("red", "green", "blue")}}
    return concept_scores(
        StripeNet(), layer, target, drawn(None, 20, 9), concepts, drawn(None, 240), normalize, **words
    )


@pytest.mark.parametrize(("target", "score"), [(0, 1.0), (1, 0.0)])
def test_a_network_made_for_horizontal_stripes_uses_them_and_no_colours(target: int, score: float) -> None:
    found = {each.concept: each for each in report(target).concepts}
    assert found["stripes"].score == score
    assert found["stripes"].significant
    assert found["stripes"].accuracy > 0.9
    for name in ("red", "green", "blue"):
        assert not found[name].significant, (name, found[name])
        assert found[name].readable


def test_a_class_made_for_red_uses_red() -> None:
    concepts = {name: drawn(name, 60) for name in ("red", "blue", "stripes", "dots")}
    tested = concept_scores(StripeNet(), "2", 2, drawn(None, 20, 9), concepts, drawn(None, 240), normalize)
    found = {each.concept: each for each in tested.concepts}
    assert (found["red"].score, found["red"].significant) == (1.0, True)
    assert (found["blue"].score, found["blue"].significant) == (0.0, True)
    assert not found["stripes"].significant
    assert not found["dots"].significant


def test_where_no_concept_is_meant_none_is_significant() -> None:
    concepts = {str(seed): drawn(None, 60, seed) for seed in range(1, 7)}
    found = concept_scores(StripeNet(), "2", 0, drawn(None, 20, 9), concepts, drawn(None, 240), normalize)
    assert not any(each.significant for each in found.concepts)
    assert max(each.accuracy for each in found.concepts) < 0.65
    assert not any(each.readable for each in found.concepts)


def test_the_test_is_welchs_times_the_number_of_concepts() -> None:
    found = report(0, repeats=8)
    assert len(found.random) == 8
    for each in found.concepts:
        assert len(each.scores) == 8
        if np.ptp(each.scores) > 0:
            plain = stats.ttest_ind(each.scores, found.random, equal_var=False).pvalue
            assert each.p == pytest.approx(min(1, 4 * plain))
    assert any(np.ptp(each.scores) > 0 for each in found.concepts)
    assert found.examples == 20


def test_the_interval_is_students() -> None:
    score = ConceptScore("stripes", (0.4, 0.5, 0.7, 0.45), 0.9, 0.2)
    assert score.interval == pytest.approx(
        stats.t.interval(0.95, 3, loc=np.mean(score.scores), scale=stats.sem(score.scores))
    )
    assert ConceptScore("stripes", (1.0, 1.0), 0.9, 0.2).interval == (1.0, 1.0)
    assert ConceptScore("stripes", (1.0, 0.9), 0.9, 0.2).interval[1] == 1.0


class Ours(Classifier):
    """Our direction, for Captum."""

    def __init__(self) -> None:
        self.normal = np.zeros(0)

    def train_and_eval(self, dataloader: DataLoader, **words: object) -> dict[str, float]:  # type: ignore[type-arg]
        batches = list(dataloader)
        vectors, labels = (torch.cat([batch[place] for batch in batches]).numpy() for place in (0, 1))
        self.normal = direction(vectors[labels == 0], vectors[labels == 1])
        return {}

    def weights(self) -> Tensor:
        return torch.tensor(np.stack([self.normal, -self.normal]))

    def classes(self) -> list[int]:
        return [0, 1]


@pytest.mark.parametrize("layer", ["2", "4"])
def test_agrees_with_captum(layer: str, tmp_path: Path) -> None:
    net, examples = StripeNet().eval(), drawn(None, 30, 9)
    stripes, others = drawn("stripes", 40), drawn(None, 40)
    pair = [
        Concept(0, "stripes", DataLoader(normalize(stripes), batch_size=16)),  # type: ignore[arg-type]
        Concept(1, "random", DataLoader(normalize(others), batch_size=16)),  # type: ignore[arg-type]
    ]
    captums = TCAV(net, layer, classifier=Ours(), save_path=str(tmp_path))
    expected = captums.interpret(normalize(examples), [pair], target=0)["0-1"][layer]["sign_count"][0]
    inside = LayerVectors(net, layer, normalize)
    normal = direction(inside.activations(stripes).numpy(), inside.activations(others).numpy())
    slopes = inside.gradients(examples, 0).numpy()
    assert float((slopes @ normal > 0).mean()) == pytest.approx(float(expected))


def test_vectors_are_the_layers_output_and_its_gradient() -> None:
    net, pixels = StripeNet().eval(), drawn(None, 5)
    inside = LayerVectors(net, "0", normalize)  # before the activation, which works in place
    output = net[0](normalize(pixels))
    pooled = nn.functional.adaptive_avg_pool2d(output, 17).flatten(1)  # 7 · 17² is the most under 2,048
    assert torch.allclose(inside.activations(pixels), pooled, atol=1e-5)
    output = output.detach().requires_grad_()
    score = net[4](net[3](net[2](output.relu())))[:, 0].sum()
    (slope,) = torch.autograd.grad(score, output)
    expected = nn.functional.adaptive_avg_pool2d(slope, 17).flatten(1)
    assert torch.allclose(inside.gradients(pixels, 0), expected, atol=1e-6)
    assert LayerVectors(net, "4", normalize).activations(pixels).shape == (5, 3)


def test_a_step_along_a_direction_changes_the_score_as_the_vectors_say() -> None:
    torch.manual_seed(0)
    head = nn.Sequential(nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(28, 3)).double()
    output = torch.randn(1, 7, 24, 24, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(head(output)[0, 1], output)
    along = torch.randn(7 * 4, dtype=torch.float64)
    spread = torch.autograd.grad(nn.functional.adaptive_avg_pool2d(output, 2).flatten() @ along, output)[0]
    averaged = nn.functional.adaptive_avg_pool2d(slope, 2).flatten()
    assert float((slope * spread).sum()) == pytest.approx(float(averaged @ along))
    with torch.no_grad():
        step = 1e-7 * spread
        change = (head(output + step) - head(output - step))[0, 1] / 2e-7
    assert float(change) == pytest.approx(float(averaged @ along), rel=1e-4)


class Stop(Exception):
    pass


@pytest.mark.parametrize("end", ["success", "failure", "cancel"])
def test_same_seed_same_scores_and_the_network_is_left_as_found(end: str) -> None:
    net, told = StripeNet(), list[tuple[int, int]]()
    net[1].eval()

    def tell(done: int, total: int) -> None:
        told.append((done, total))
        if end == "cancel" and done > 100:
            raise Stop

    def ask(seed: int = 0) -> ConceptReport:
        return concept_scores(
            net,
            "2",
            9 if end == "failure" else 0,
            drawn(None, 20, 9),
            {"red": drawn("red", 40)},
            drawn(None, 100),
            normalize,
            repeats=4,
            seed=seed,
            progress=tell,
        )

    state = {name: value.clone() for name, value in net.state_dict().items()}
    random, numpys = torch.get_rng_state(), np.random.get_state()[1].copy()
    if end == "success":
        assert ask() == ask()
        assert ask(1) != ask(0)
        assert told[-1] == (160 + 8, 160 + 8)
        assert max(later[0] - sooner[0] for sooner, later in pairwise(told)) <= 64
    else:
        with pytest.raises(Stop if end == "cancel" else ExplainError):
            ask()
    assert [module.training for module in net] == [True, False, True, True, True]
    assert net[1].inplace
    assert not any(module._forward_hooks or module._backward_hooks for module in net.modules())
    assert all(torch.equal(state[name], value) for name, value in net.state_dict().items())
    assert all(weight.grad is None and weight.requires_grad for weight in net.parameters())
    assert torch.equal(torch.get_rng_state(), random)
    assert np.array_equal(np.random.get_state()[1], numpys)


def test_what_cannot_be_done_gets_a_sentence() -> None:
    net, examples, red, others = StripeNet(), drawn(None, 5), {"red": drawn("red", 12)}, drawn(None, 24)
    for arguments, words in (
        ((net, "9", 0, examples, red, others), "no layer '9'"),
        ((net, "", 0, examples, red, others), "no layer ''"),
        ((net, "2", 3, examples, red, others), "no class 3"),
        ((net, "2", 0, examples[:0], red, others), "no picture of this class"),
        ((net, "2", 0, examples, {}, others), "at least 12 pictures"),
        ((net, "2", 0, examples, {"red": red["red"][:11]}, others), "at least 12 pictures"),
        ((net, "2", 0, examples, red, others[:23]), "twice as many"),
    ):
        with pytest.raises(ExplainError, match=words):
            concept_scores(*arguments, normalize)
    with pytest.raises(ExplainError, match="two repetitions"):
        concept_scores(net, "2", 0, examples, red, others, normalize, repeats=1)
    net[4].weight.data.zero_()
    with pytest.raises(ExplainError, match="does not react to layer 2"):
        concept_scores(net, "2", 0, examples, red, others, normalize)
    net[0].weight.data[0] = torch.inf
    with pytest.raises(ExplainError, match="not finite"):
        concept_scores(net, "0", 0, examples, red, others, normalize)
